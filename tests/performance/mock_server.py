"""How many requests a second the mock server takes on one core.

The server runs in a process of its own; bare sockets of this process ask it over 64
connections, for whole answers and for streams of 16 tokens. What counts is the server's
processor time: by it, the rate does not depend on how fast the client asks.

    python tests/performance/mock_server.py [--requests 20000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

_CONNECTIONS = 64
_TOKENS = 16
_LEAST = {"whole answers": 5000, "streams of 16 tokens": 1000}


class Place(NamedTuple):
    """Where the server listens."""

    host: str
    port: int


def request_of(*, stream: bool) -> bytes:
    """Write one request as it goes over the wire."""
    text = " ".join(f"word{number}" for number in range(_TOKENS))
    body = json.dumps(
        {
            "model": "m",
            "messages": [{"role": "user", "content": text}],
            "stream": stream,
        }
    ).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def ask(place: Place, times: int, *, stream: bool) -> None:
    """Ask a number of times over one connection."""
    reader, writer = await asyncio.open_connection(*place)
    request = request_of(stream=stream)
    for _ in range(times):
        writer.write(request)
        if stream:
            await reader.readuntil(b"\r\n0\r\n\r\n")
            continue
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
    writer.close()
    await writer.wait_closed()


async def ask_all(place: Place, requests: int, *, stream: bool) -> None:
    """Ask over all connections at once."""
    times = requests // _CONNECTIONS
    await asyncio.gather(
        *(ask(place, times, stream=stream) for _ in range(_CONNECTIONS))
    )


def main() -> int:
    """Measure and print; fail where the server takes fewer than it must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    requests = parser.parse_args().requests
    command = [sys.executable, "-m", "pytest_evalkit.mockserver"]
    is_enough = True
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        place = Place(address.hostname or "", address.port or 0)
        server = psutil.Process(process.pid)
        for name, least in _LEAST.items():
            before, started = sum(server.cpu_times()[:2]), time.perf_counter()
            asyncio.run(ask_all(place, requests, stream=name.startswith("stream")))
            elapsed_s = time.perf_counter() - started
            cpu_s = sum(server.cpu_times()[:2]) - before
            is_enough &= requests / cpu_s >= least
            print(
                f"{name:<22} {requests / cpu_s:8,.0f} a second of one core, "
                f"{requests / elapsed_s:8,.0f} a second here and now",
                flush=True,
            )
        process.terminate()
    return 0 if is_enough else 1


if __name__ == "__main__":
    sys.exit(main())
