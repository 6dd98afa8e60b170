"""What measuring costs: processor time for each request, and memory for many.

Asks a backend that answers at once, with and without what every run records of a request,
and with and without a load pattern; then reads as many samples as a run concludes from.
The least of several rounds counts: whatever else the machine does can only add to it.
Fails where recording takes 20 microseconds a request or more.

    python tests/performance/recording.py [--requests 20000] [--documents 1000000]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import tracemalloc
from collections.abc import Callable, Coroutine
from itertools import repeat
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.engine import Control, Engine, Issuing, IssuingRule
from pytest_evalkit.evaluate.request_log import RequestLog as DocumentLog
from pytest_evalkit.messages import Message
from pytest_evalkit.results.request_log import RequestLog
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    Request,
    Response,
    Timing,
    Usage,
)

_MOST_US = 20.0
_ROUNDS = 5
_QUESTION = Generate(messages=(Message.of_text("user", "?"),))
# A streamed answer of 128 tokens.
_ANSWER = Response(
    text="x",
    usage=Usage(input_tokens=100, output_tokens=128),
    timing=Timing(
        started_at=1.0,
        latency_s=2.0,
        ttft_s=0.25,
        ttfo_s=0.25,
        gaps_s=(0.01,) * 127,
        n_chunks=128,
        bad_frames=0,
    ),
)
_BEFORE = {"started_s": 1.0, "latency_s": 2.0}


async def answer(_: Request) -> AnyResponse:
    """Answer at once."""
    return _ANSWER


class AtOnce:
    """A backend that answers at once."""

    model_name = "at-once"

    async def generate(self, _: Generate) -> Response:
        """Answer."""
        return _ANSWER

    def describe(self) -> dict[str, Any]:
        """Tell nothing."""
        return {}

    async def aclose(self) -> None:
        """Close nothing."""


async def plainly(count: int) -> None:
    """Ask, and write a sample's times as they would be without the requests'."""
    for _ in range(count):
        await answer(_QUESTION)
        encode({"timing": _BEFORE})


async def recorded(count: int) -> None:
    """Ask, and write what became of each request, as every run does."""
    for _ in range(count):
        log = DocumentLog()
        await log.asking(answer)(_QUESTION)
        encode({"timing": {**_BEFORE, **log.times(0.5)}})


def engine(issuing: Issuing | None) -> Callable[[int], Coroutine[Any, Any, None]]:
    """Ask an engine."""

    async def ask(count: int) -> None:
        asked = Engine(AtOnce(), control=Control(issuing=issuing))
        for _ in range(count):
            await asked.ask(_QUESTION)

    return ask


def least_us(ask: Callable[[int], Coroutine[Any, Any, None]], count: int) -> float:
    """Take the least processor time a request, in microseconds."""
    rounds = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        asyncio.run(ask(count))
        rounds.append(time.process_time() - started)
    return min(rounds) / count * 1e6


async def once(log: DocumentLog) -> None:
    """Ask once."""
    await log.asking(answer)(_QUESTION)


def sample(doc_id: int, timing: dict[str, Any]) -> Any:
    """Make a sample that has what the figures of a run need."""
    counts = {"input_tokens": 100, "output_tokens": 128}
    return {"task": "t", "doc_id": doc_id, "timing": timing, "token_counts": counts}


def conclude(documents: int) -> tuple[float, float]:
    """Read samples and sum them up: microseconds and bytes for each."""
    log = DocumentLog()
    asyncio.run(once(log))
    timing = {**_BEFORE, **log.times(0.5)}
    requests = RequestLog()
    tracemalloc.start()
    for doc_id in range(documents // 10):
        requests.add(sample(doc_id, timing))
    load_figures(requests)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    requests = RequestLog()
    started = time.process_time()
    for doc_id in range(documents):
        requests.add(sample(doc_id, timing))
    load_figures(requests)
    taken = time.process_time() - started
    return taken / documents * 1e6, most / (documents // 10)


def main() -> int:
    """Measure and print; fail where recording takes 20 microseconds or more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--documents", type=int, default=1_000_000)
    given = parser.parse_args()
    count = given.requests
    cost_us = least_us(recorded, count) - least_us(plainly, count)
    print(f"recording     {cost_us:5.1f} us a request of an ordinary run")
    issuing = Issuing(repeat(None), IssuingRule(), time.monotonic)
    pattern_us = least_us(engine(issuing), count) - least_us(engine(None), count)
    print(f"load pattern  {pattern_us:5.1f} us a request besides")
    read_us, held = conclude(given.documents)
    print(
        f"concluding    {read_us:5.1f} us and at most {held:.0f} bytes a request, "
        f"{given.documents:,} documents"
    )
    return 0 if cost_us < _MOST_US else 1


if __name__ == "__main__":
    sys.exit(main())
