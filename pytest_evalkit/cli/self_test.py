"""``evalkit self-test``: whether this machine measures what a server does.

A server of known times runs beside the client, in a process of its own; what is
reported of it is held against what is true.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import repeat
from time import monotonic
from typing import Any, NamedTuple

from pytest_evalkit.engine import (
    Control,
    Engine,
    Issuing,
    IssuingRule,
    LoopLag,
)
from pytest_evalkit.engine.open_files import allow_many_connections
from pytest_evalkit.errors import ModelError, ModelUnavailableError
from pytest_evalkit.evaluate.request_log import RequestLog as DocumentLog
from pytest_evalkit.messages import Message
from pytest_evalkit.models.registry import make_backend
from pytest_evalkit.results.request_log import RequestLog
from pytest_evalkit.stats import percentile
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.values import Generate, Usage

_TOLERANCE = 0.10
_EACH = 8
_TITLES = ("", "true", "reported", "off")


class Truth(NamedTuple):
    """What a server does, and how much it is asked.

    Attributes:
        ttft_s: Seconds to the first token.
        inter_token_s: Seconds between tokens.
        tokens: Tokens of each answer.
        concurrency: Requests in flight.
        requests: Requests in all.
    """

    ttft_s: float
    inter_token_s: float
    tokens: int
    concurrency: int
    requests: int

    def figures(self) -> Mapping[str, float]:
        """Say what a perfect client reports, by the name of the figure."""
        latency_s = self.ttft_s + (self.tokens - 1) * self.inter_token_s
        rounds = -(-self.requests // self.concurrency)
        told = {"ttft_ms.p50": self.ttft_s * 1000}
        if self.tokens > 1:
            told["itl_ms.p50"] = self.inter_token_s * 1000
        told["e2el_ms.p50"] = latency_s * 1000
        told["request_throughput"] = self.requests / (rounds * latency_s)
        return {name: value for name, value in told.items() if value > 0}


def self_test(options: argparse.Namespace) -> int:
    """Print what is reported of a server beside what is true.

    Args:
        options: ``concurrency``, ``requests`` (None for eight each), ``ttft`` and
            ``inter_token`` in seconds, ``tokens``.

    Returns:
        The exit status: 0, or 1 where a figure is off by more than 10 %, or a request
        failed.

    Raises:
        ModelUnavailableError: The server cannot be asked.
    """
    truth = Truth(
        ttft_s=options.ttft,
        inter_token_s=options.inter_token,
        tokens=options.tokens,
        concurrency=options.concurrency,
        requests=options.requests or _EACH * options.concurrency,
    )
    allow_many_connections()
    with _server(truth) as url:
        figures, lags_s = _run(truth, url)
    lines, is_good = compared(truth, figures)
    late_ms = percentile([*lags_s, 0.0], 99) * 1000
    sys.stdout.write("\n".join([*lines, f"event loop late by {late_ms:.1f} ms (p99)"]))
    sys.stdout.write("\n")
    if not is_good:
        sys.stdout.write(
            "this machine does not measure such a load: lower --concurrency, or use a "
            "machine with nothing else to do\n"
        )
    return 0 if is_good else 1


def compared(truth: Truth, figures: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Hold what was reported against what is true.

    Args:
        truth: What is.
        figures: What ``load_figures`` returns.

    Returns:
        A table as lines, and whether all is within 10 % and nothing failed.
    """
    rows: list[Sequence[str]] = [_TITLES]
    failed = sum(figures["n_requests"].values()) - figures["n_requests"]["successful"]
    is_good = failed == 0
    for name, true in truth.figures().items():
        reported = _reported(figures, name)
        off = None if reported is None else reported / true - 1
        is_good = is_good and off is not None and abs(off) <= _TOLERANCE
        told = ["n/a"] * 2 if off is None else [f"{reported:.1f}", f"{off:+.1%}"]
        rows.append((name, f"{true:.1f}", *told))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            f"{cell:{'>' if place else '<'}{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    asked = f"{truth.requests:,} requests, {truth.concurrency:,} in flight"
    return [f"{asked}, {failed:,} failed", *lines], is_good


def _reported(figures: Mapping[str, Any], name: str) -> float | None:
    metric, _, statistic = name.partition(".")
    value: float | None = (
        figures["metrics"][metric][statistic] if statistic else figures[metric]
    )
    return value


@contextmanager
def _server(truth: Truth) -> Iterator[str]:
    """Run a server of known times in a process of its own; give its URL.

    Raises:
        ModelUnavailableError: It does not start.
    """
    command = [sys.executable, "-m", "pytest_evalkit.mockserver"]
    command += ["--ttft", str(truth.ttft_s), "--inter-token", str(truth.inter_token_s)]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None, "it was asked for"
            url = process.stdout.readline().strip()
            if not url:
                raise ModelUnavailableError("the server of known times did not start")
            yield url
        finally:
            process.terminate()


def _run(truth: Truth, url: str) -> tuple[Mapping[str, Any], Sequence[float]]:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_measure(truth, url))


def _loop_factory() -> Any:
    """Take the loop that runs have: the faster one where it is installed."""
    if find_spec("uvloop") is None:
        return None
    import uvloop

    return uvloop.new_event_loop


async def _measure(truth: Truth, url: str) -> tuple[Mapping[str, Any], Sequence[float]]:
    """Ask as a run asks, and sum up as a run does."""
    arguments = {"model": "self-test", "base_url": url, "api_key": "none"}
    backend = make_backend("openai", arguments | {"stream": True})
    issuing = Issuing(repeat(None), IssuingRule(), monotonic)
    engine = Engine(
        backend,
        max_concurrency=truth.concurrency,
        control=Control(issuing=issuing, clock=monotonic),
    )
    started_at = monotonic()
    requests = RequestLog()

    async def ask(number: int) -> None:
        log, usage = DocumentLog(), None
        try:
            usage = (
                await log.asking(engine.ask)(_question(number, truth.tokens))
            ).usage
        except ModelUnavailableError:
            raise
        except ModelError:
            # It is counted, as a run counts it.
            pass
        requests.add(_sample(number, log.times(started_at), usage))

    # What the first connection costs is not the server's.
    await engine.ask(_question(-1, 1))
    lag = LoopLag(asyncio.get_running_loop(), lambda: issuing.in_flight > 0)
    await asyncio.gather(*(ask(number) for number in range(truth.requests)))
    lag.stop()
    await backend.aclose()
    return load_figures(requests), lag.lags_s


def _question(number: int, tokens: int) -> Generate:
    """Ask for so many tokens: the server says what it is told, a word a token."""
    words = [f"w{number}", *(f"w{place}" for place in range(1, tokens))]
    return Generate(messages=(Message.of_text("user", " ".join(words)),))


def _sample(number: int, times: Mapping[str, Any], usage: Usage | None) -> Any:
    return {
        "task": "self-test",
        "doc_id": number,
        "timing": {"started_s": 0.0, "latency_s": 0.0, **times},
        "token_counts": usage
        and {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
        },
    }
