"""What a run's requests cost: tokens and time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pytest_evalkit.engine import Allowance, Price
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.evaluate.token_counts import TokenCounts
from pytest_evalkit.results.document_column import DocumentColumn
from pytest_evalkit.results.schema import BudgetDict
from pytest_evalkit.stats import mean, percentile
from pytest_evalkit.values import Usage

_COUNTS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")
_PERCENTS = (50, 90, 99)


class _Cost(NamedTuple):
    """What one document cost: its tokens by kind, or None, and its requests' seconds.

    It is small, as there may be many: most have one request, of which the seconds stand
    alone.
    """

    tokens: tuple[int | None, ...] | None
    latencies_s: float | tuple[float, ...]
    stream: _Stream | None = None

    @property
    def seconds(self) -> tuple[float, ...]:
        """What each request took."""
        told = self.latencies_s
        return told if isinstance(told, tuple) else (told,)


class _Stream(NamedTuple):
    """When the tokens of one document's answers came, in seconds, where they did."""

    ttft_s: tuple[float, ...]
    ttfo_s: tuple[float, ...]
    inter_token_s: tuple[float, ...]
    bad_frames: int


class Traffic:
    """Sums up the requests behind a run's samples, read in any order.

    A document counts once, however many filters it has; of one recorded twice, the
    later samples count.
    """

    def __init__(self) -> None:
        self._costs: dict[str, DocumentColumn[_Cost]] = {}

    def add(self, sample: SampleDict) -> None:
        """Take in one sample."""
        seconds = sample.get("request_latency_s")
        self._costs_of(sample["task"])[sample["doc_id"]] = _Cost(
            tokens=_spent(sample),
            latencies_s=seconds if isinstance(seconds, float) else _numbers(seconds),
            stream=_stream(sample.get("timing")),
        )

    def _costs_of(self, task: str) -> DocumentColumn[_Cost]:
        if task not in self._costs:
            self._costs[task] = DocumentColumn()
        return self._costs[task]

    def _each(self) -> Iterator[_Cost]:
        """List what each document cost."""
        for costs in self._costs.values():
            yield from costs.known()

    def joined(self, other: Traffic) -> Traffic:
        """Take the requests of two together, which are of different documents."""
        if not other._costs:
            return self
        both = Traffic()
        both._take(other)
        both._take(self)
        return both

    def _take(self, other: Traffic) -> None:
        for task, costs in other._costs.items():
            self._costs_of(task).update(costs)

    def usage(self) -> dict[str, int | None]:
        """Sum the tokens of each kind that the run spent; None where no response told.

        ``documents_with_counts`` says how many documents the sums rest on.
        """
        told = [cost.tokens for cost in self._each() if cost.tokens is not None]
        usage: dict[str, int | None] = {"documents_with_counts": len(told)}
        for position, kind in enumerate(_COUNTS):
            usage[kind] = _sum_told([counts[position] for counts in told])
        return usage

    def budget(
        self, allowance: Allowance, price: Price | None, spent: str | None
    ) -> BudgetDict:
        """Set what was spent on the documents beside what could be.

        Args:
            allowance: What could be spent.
            price: What the model's tokens cost, or None.
            spent: What was spent when a request was refused for it, or None.
        """
        counts = self.usage()
        usage = Usage(**{kind: counts[kind] for kind in _COUNTS})
        told = [n for n in (usage.input_tokens, usage.output_tokens) if n is not None]
        return {
            "max_total_tokens": allowance.max_total_tokens,
            "max_cost_usd": allowance.max_cost_usd,
            "total_tokens": sum(told) if told else None,
            "cost_usd": None if price is None or not told else price.cost(usage),
            "spent": spent,
        }

    def throughput(self, elapsed_s: float) -> dict[str, float | None]:
        """Say how much was done each second; None where nothing was measured.

        Args:
            elapsed_s: Seconds that the run took.
        """
        if elapsed_s <= 0:
            return {"documents_per_s": None, "output_tokens_per_s": None}
        tokens = self.usage()["output_tokens"]
        return {
            "documents_per_s": sum(map(len, self._costs.values())) / elapsed_s,
            "output_tokens_per_s": None if tokens is None else tokens / elapsed_s,
        }

    def latency(self) -> dict[str, Any]:
        """Describe the seconds that requests took; empty where none was timed.

        Where answers were streamed, it does so too for the first token (``ttft``), the
        first visible one (``ttfo``) and the time between tokens (``inter_token``), and
        counts the events that could not be read.
        """
        seconds = [s for cost in self._each() for s in cost.seconds]
        if not seconds:
            return {}
        described = {**_description(seconds), "method": "nearest rank"}
        streams = [cost.stream for cost in self._each() if cost.stream]
        if streams:
            described["ttft"] = _description([s for one in streams for s in one.ttft_s])
            described["ttfo"] = _description([s for one in streams for s in one.ttfo_s])
            described["inter_token"] = _description(
                [s for one in streams for s in one.inter_token_s]
            )
            described["bad_frames"] = sum(one.bad_frames for one in streams)
        return described


def _spent(sample: SampleDict) -> tuple[int | None, ...] | None:
    """Take the tokens that this run spent on a document; None for none told."""
    tokens = _tokens(sample.get("token_counts"))
    recalled = sample.get("recalled")
    saved = None if recalled is None else _tokens(recalled["token_counts"])
    if tokens is None or saved is None:
        return tokens
    if tokens == saved:
        return None
    return tuple(
        None if count is None else count - (less or 0)
        for count, less in zip(tokens, saved, strict=True)
    )


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


def _description(seconds: list[float]) -> dict[str, Any]:
    """Describe times; of none, only say that there are none."""
    if not seconds:
        return {"requests": 0}
    ordered = sorted(seconds)
    return {
        "requests": len(ordered),
        "mean_s": mean(ordered),
        **{f"p{percent}_s": percentile(ordered, percent) for percent in _PERCENTS},
    }


def _stream(timing: Mapping[str, Any] | None) -> _Stream | None:
    if timing is None or "ttft_s" not in timing:
        return None
    return _Stream(
        ttft_s=_numbers(timing["ttft_s"]),
        ttfo_s=_numbers(timing["ttfo_s"]),
        inter_token_s=_numbers(timing["inter_token_s"]),
        bad_frames=int(sum(_numbers(timing["bad_frames"]))),
    )


def _numbers(recorded: Any) -> tuple[float, ...]:
    """Take what was recorded of one answer or of several, where it is known."""
    if recorded is None:
        return ()
    values = recorded if isinstance(recorded, list) else [recorded]
    return tuple(value for value in values if value is not None)


def _sum_told(counts: Sequence[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None
