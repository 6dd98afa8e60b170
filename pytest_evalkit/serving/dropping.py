"""Ending a server, and every connection that it has."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

# Of the event loop: from a connection that was accepted to the one that is known, and
# from one that is aborted to one that is closed.
_ROUNDS = 4


async def end_server(
    server: asyncio.Server, connections: Collection[asyncio.Transport]
) -> None:
    """Stop listening, and drop all connections, those too that are just being made.

    Args:
        server: What listens.
        connections: Those that are open; each leaves the collection once it is closed.
    """
    loop = asyncio.get_running_loop()
    if isinstance(loop, asyncio.SelectorEventLoop):
        # What a closed server of asyncio has accepted before would never be closed.
        for listener in server.sockets:
            loop.remove_reader(listener.fileno())
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
    server.close()
    for _ in range(_ROUNDS):
        for transport in list(connections):
            transport.abort()
        await asyncio.sleep(0)
    await server.wait_closed()
