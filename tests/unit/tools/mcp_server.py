"""A small MCP server on standard input and output, for tests."""

from __future__ import annotations

import base64
import os
import sys

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.types import ImageContent

# One white pixel.
PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
        "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
    )
).decode()

server = MCPServer("arithmetic")
_CALLS: list[int] = []


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def count() -> str:
    """Tell how often this was called, and by which process it is answered."""
    _CALLS.append(1)
    return f"{len(_CALLS)} {os.getpid()}"


@server.tool()
def fail() -> str:
    """Always go wrong."""
    raise ValueError("the scales are out of order")


@server.tool()
def look() -> ImageContent:
    """Show a picture."""
    return ImageContent(type="image", data=PNG, mime_type="image/png")


@server.tool()
async def wait(s: float) -> str:
    """Take a while."""
    await anyio.sleep(s)
    return "done"


@server.tool()
def leave() -> str:
    """End the server without a word."""
    os._exit(3)


if __name__ == "__main__":
    if "--broken" in sys.argv:
        sys.exit("the abacus is missing")
    server.run()
