"""What a run's requests cost: tokens and time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from pytest_evalkit.evaluate.sample import SampleDict, TokenCounts
from pytest_evalkit.stats import mean, percentile

_COUNTS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")
_PERCENTS = (50, 90, 99)


class _Cost(NamedTuple):
    """What one document cost: its tokens by kind, or None, and its requests' seconds.

    It is small, as there may be many.
    """

    tokens: tuple[int | None, ...] | None
    latencies_s: tuple[float, ...]


class Traffic:
    """Sums up the requests behind a run's samples, read in any order.

    A document counts once, however many filters it has; of one recorded twice, the
    later samples count.
    """

    def __init__(self) -> None:
        self._costs: dict[tuple[str, int], _Cost] = {}

    def add(self, sample: SampleDict) -> None:
        """Take in one sample."""
        self._costs[sys.intern(sample["task"]), sample["doc_id"]] = _Cost(
            tokens=_tokens(sample.get("token_counts")),
            latencies_s=_latencies(sample.get("request_latency_s")),
        )

    def usage(self) -> dict[str, int | None]:
        """Sum the tokens of each kind; None where no response told.

        ``documents_with_counts`` says how many documents the sums rest on.
        """
        told = [cost.tokens for cost in self._costs.values() if cost.tokens is not None]
        usage: dict[str, int | None] = {"documents_with_counts": len(told)}
        for position, kind in enumerate(_COUNTS):
            usage[kind] = _sum_told(counts[position] for counts in told)
        return usage

    def throughput(self, elapsed_s: float) -> dict[str, float | None]:
        """Say how much was done each second; None where nothing was measured.

        Args:
            elapsed_s: Seconds that the run took.
        """
        if elapsed_s <= 0:
            return {"documents_per_s": None, "output_tokens_per_s": None}
        tokens = self.usage()["output_tokens"]
        return {
            "documents_per_s": len(self._costs) / elapsed_s,
            "output_tokens_per_s": None if tokens is None else tokens / elapsed_s,
        }

    def latency(self) -> dict[str, Any]:
        """Describe the seconds that requests took; empty where none was timed."""
        seconds = sorted(s for cost in self._costs.values() for s in cost.latencies_s)
        if not seconds:
            return {}
        return {
            "requests": len(seconds),
            "mean_s": mean(seconds),
            **{f"p{percent}_s": percentile(seconds, percent) for percent in _PERCENTS},
            "method": "nearest rank",
        }


def _tokens(counts: TokenCounts | None) -> tuple[int | None, ...] | None:
    """Put a document's tokens in the order of ``_COUNTS``."""
    if counts is None:
        return None
    return (
        counts["input_tokens"],
        counts["output_tokens"],
        counts["reasoning_tokens"],
        counts["cached_tokens"],
    )


def _latencies(recorded: Any) -> tuple[float, ...]:
    if recorded is None:
        return ()
    return tuple(recorded) if isinstance(recorded, list) else (recorded,)


def _sum_told(counts: Iterator[Any]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None
