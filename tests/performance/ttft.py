"""How true the reported time to the first token is, with many connections at once.

A mock server in a process of its own waits a known time before the first token of each
answer. Clients of this process ask it over a number of connections; what they report is
printed beside the truth, for the direct connection and for the official package.

    python -m tests.performance.ttft [--ttft 0.2] [--connections 64] [--requests 1024]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import NamedTuple

from pytest_evalkit.messages import Message
from pytest_evalkit.models import make_backend
from pytest_evalkit.stats import percentile
from pytest_evalkit.values import Generate
from tests.performance.served import mock_server

_TOLERANCE = 0.10
_TOKENS = 16


class Report(NamedTuple):
    """What one client measured: seconds to first tokens, and what the run took."""

    ttft_s: list[float]
    elapsed_s: float
    cpu_s: float


async def measure(url: str, client: str, connections: int, requests: int) -> Report:
    """Ask a number of times over a number of connections."""
    backend = make_backend(
        "openai",
        {
            "model": "m",
            "base_url": url,
            "api_key": "k",
            "stream": True,
            "client": client,
        },
    )
    text = " ".join(f"word{number}" for number in range(_TOKENS))
    request = Generate(messages=(Message.of_text("user", text),))
    waiting = iter(range(requests))
    measured: list[float] = []

    async def ask_on() -> None:
        for _ in waiting:
            timing = (await backend.generate(request)).timing
            assert timing is not None
            assert timing.ttft_s is not None
            measured.append(timing.ttft_s)

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(ask_on() for _ in range(connections)))
    report = Report(measured, time.perf_counter() - started, time.process_time() - cpu)
    await backend.aclose()
    return report


def main() -> int:
    """Measure and print; fail where the direct connection is further off than 10 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ttft", type=float, default=0.2)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--requests", type=int, default=1024)
    parser.add_argument("--clients", default="aiohttp,sdk")
    given = parser.parse_args()
    median_s = {}
    with mock_server("--ttft", str(given.ttft), "--inter-token", "0.005") as url:
        for client in given.clients.split(","):
            report = asyncio.run(
                measure(url, client, given.connections, given.requests)
            )
            ordered = sorted(report.ttft_s)
            p50, p90, p99 = (percentile(ordered, share) for share in (50, 90, 99))
            median_s[client] = p50
            print(
                f"{client:<8} true {given.ttft * 1e3:.0f} ms, reported p50 "
                f"{p50 * 1e3:.1f} p90 {p90 * 1e3:.1f} p99 {p99 * 1e3:.1f} ms; "
                f"{given.requests / report.elapsed_s:.0f} requests/s, "
                f"{report.cpu_s / given.requests * 1e3:.2f} ms of processor time each",
                flush=True,
            )
    off = abs(median_s.get("aiohttp", given.ttft) - given.ttft) / given.ttft
    return 0 if off <= _TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
