"""What the requests of a run add up to: rates, errors, latencies."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, get_args

from pytest_evalkit.stats.floors import conservative_percentile
from pytest_evalkit.stats.goals import GoodRequests
from pytest_evalkit.stats.histogram import histogram
from pytest_evalkit.stats.mean import mean, sample_deviation
from pytest_evalkit.stats.over_time import OverTime
from pytest_evalkit.stats.percentile import percentile
from pytest_evalkit.stats.request_times import METRICS, RequestStatus, RequestTimes

PERCENTS = (50, 90, 95, 99)
PERCENTILE_METHOD = "nearest rank"
_DISTRIBUTIONS = ("ttft_ms", "tpot_ms", "itl_ms", "e2el_ms")
_FAR = 99

Figures = dict[str, Any]
_Describe = Callable[[Iterable[float | None]], Figures]


def load_figures(
    requests: Iterable[RequestTimes],
    goals: Mapping[str, float] | None = None,
    percents: Sequence[int] = PERCENTS,
    *,
    is_conservative: bool = False,
) -> Figures:
    """Sum up the requests of a run, without those of its warm-up.

    Latencies are those of successful requests alone: failures are counted, not timed.
    A figure that is not defined is None.

    Args:
        requests: In any order; they are looked at once, and only numbers are kept.
        goals: What a good request meets, in milliseconds by metric; None for no goals.
        percents: The percentiles of each metric, from 1 to 100.
        is_conservative: Whether to tell of each percentile, besides, what the true one
            exceeds in one case of a hundred at most.

    Returns:
        ``n_requests`` by status, ``error_rate`` (of those that ended), ``duration_s``
        (first sent to last ended), rates per second of requests and tokens,
        ``request_goodput`` and ``good_request_fraction`` (of all but cut requests),
        ``achieved_qps``, ``peak_concurrency``, ``percentile_method``, ``metrics`` with a
        description of each, ``distributions`` of some, up to their 99th percentile,
        ``over_time``, and ``conversations``, None where there is none.

    Raises:
        ValueError: A percentile is out of range.
    """
    seen = _Seen(goals)
    for one in requests:
        seen.add(one)
    describe = partial(described, percents=percents, is_conservative=is_conservative)
    duration_s = seen.duration_s
    return {
        "n_requests": dict(seen.counts),
        "error_rate": seen.error_rate,
        "duration_s": duration_s,
        **seen.throughput(duration_s),
        **seen.goodput(duration_s),
        "achieved_qps": _achieved(seen.sent),
        "peak_concurrency": _peak(seen.course.starts, seen.course.ends),
        "percentile_method": PERCENTILE_METHOD,
        "metrics": {name: describe(values) for name, values in seen.metrics.items()},
        "distributions": dict(seen.distributions()),
        "over_time": seen.course.figures(),
        "conversations": _conversations(seen.turns, duration_s, describe),
    }


class _Total:
    """A sum of counts: None where there is none, or one is not known."""

    __slots__ = ("_is_known", "_sum")

    def __init__(self) -> None:
        self._sum: int | None = None
        self._is_known = True

    def add(self, count: int | None) -> None:
        if count is None:
            self._is_known = False
        else:
            self._sum = count + (self._sum or 0)

    @property
    def total(self) -> int | None:
        return self._sum if self._is_known else None


class _Seen:
    """What is kept of requests that were looked at: columns of numbers.

    Runs may have millions of them. Only turns of conversations are kept whole.
    """

    def __init__(self, goals: Mapping[str, float] | None) -> None:
        self.counts: dict[str, int] = dict.fromkeys(get_args(RequestStatus), 0)
        self.metrics = {name: array("d") for name in METRICS}
        self.sent, self.course = array("d"), OverTime()
        self.inputs, self.outputs = _Total(), _Total()
        self.turns: list[RequestTimes] = []
        self._good = GoodRequests(goals) if goals else None

    def add(self, one: RequestTimes) -> None:
        self.counts[one.status] += 1
        if one.sent_at is not None:
            self.sent.append(one.sent_at)
        self.course.add(one)
        if one.conversation is not None:
            self.turns.append(one)
        if one.status != "successful":
            return
        for name, value_of in METRICS.items():
            value = value_of(one)
            if value is not None:
                self.metrics[name].append(value)
        self.inputs.add(one.input_tokens)
        self.outputs.add(one.output_tokens)
        if self._good is not None:
            self._good.add(one)

    @property
    def error_rate(self) -> float | None:
        """The share of failures among what ended; what was cut or skipped did not."""
        ended = self.counts["successful"] + self.counts["errored"]
        return self.counts["errored"] / ended if ended else None

    @property
    def duration_s(self) -> float | None:
        starts, ends = self.course.starts, self.course.ends
        return max(ends) - min(starts) if ends else None

    def distributions(self) -> Iterator[tuple[str, Figures]]:
        """Count how many requests took how long, where there are several."""
        for name in _DISTRIBUTIONS:
            ordered = sorted(self.metrics[name])
            if len(ordered) > 1:
                yield name, histogram(ordered, percentile(ordered, _FAR))

    def throughput(self, duration_s: float | None) -> Figures:
        inputs, outputs = self.inputs.total, self.outputs.total
        both = None if inputs is None or outputs is None else inputs + outputs
        return {
            "request_throughput": _rate(self.counts["successful"], duration_s),
            "output_throughput": _rate(outputs, duration_s),
            "total_token_throughput": _rate(both, duration_s),
        }

    def goodput(self, duration_s: float | None) -> Figures:
        good = None if self._good is None else self._good.count
        judged = sum(self.counts.values()) - self.counts["incomplete"]
        return {
            "request_goodput": _rate(good, duration_s),
            "good_request_fraction": None
            if good is None or not judged
            else good / judged,
        }


def described(
    values: Iterable[float | None],
    percents: Sequence[int] = PERCENTS,
    *,
    is_conservative: bool = False,
) -> Figures:
    """Describe values: how many, mean, deviation, extremes and percentiles.

    Args:
        values: Those that are None are left out.
        percents: From 1 to 100.
        is_conservative: Whether to add ``conservative``, by percentile a value that the
            true one exceeds in one case of a hundred at most; None of too few values.

    Returns:
        ``n`` alone counts where there is no value; all else is then None. ``std`` is
        the sample deviation, None for a single value.

    Raises:
        ValueError: A percentile is out of range.
    """
    known = sorted(value for value in values if value is not None)
    has_any = bool(known)
    uppers = {}
    if is_conservative:
        uppers["conservative"] = {
            f"p{percent}": conservative_percentile(known, percent)
            for percent in percents
        }
    return {
        "n": len(known),
        "mean": mean(known) if has_any else None,
        "std": sample_deviation(known) if len(known) > 1 else None,
        "min": known[0] if has_any else None,
        "max": known[-1] if has_any else None,
        **{
            f"p{percent}": percentile(known, percent) if has_any else None
            for percent in percents
        },
        **uppers,
    }


def _duration(requests: Iterable[RequestTimes]) -> float | None:
    timed = _timed(requests)
    if not timed:
        return None
    return max(end for _, end in timed) - min(start for start, _ in timed)


def _timed(requests: Iterable[RequestTimes]) -> list[tuple[float, float]]:
    """List when requests were sent and ended, for those of which both are known."""
    return [
        (one.sent_at, one.ended_at)
        for one in requests
        if one.sent_at is not None and one.ended_at is not None
    ]


def _rate(count: float | None, duration_s: float | None) -> float | None:
    return None if count is None or not duration_s else count / duration_s


def _total(counts: Iterable[int | None]) -> int | None:
    """Add up counts; None where there is none, or one is not known."""
    total: int | None = None
    for count in counts:
        if count is None:
            return None
        total = (total or 0) + count
    return total


def _achieved(sent: Sequence[float]) -> float | None:
    """Tell at which rate requests were sent: the gaps between them, not their ends."""
    span = max(sent) - min(sent) if sent else 0.0
    return (len(sent) - 1) / span if span > 0 else None


def _peak(starts: Sequence[float], ends: Sequence[float]) -> int:
    """Count the most requests in flight at one time; one that ends makes room first."""
    ended = iter(sorted(ends))
    next_end = next(ended, math.inf)
    active = peak = 0
    for start in sorted(starts):
        while next_end <= start:
            active -= 1
            next_end = next(ended, math.inf)
        active += 1
        peak = max(peak, active)
    return peak


def _conversations(
    requests: Iterable[RequestTimes],
    duration_s: float | None,
    describe: _Describe,
) -> Figures | None:
    grouped: defaultdict[str, list[RequestTimes]] = defaultdict(list)
    for one in requests:
        if one.conversation is not None:
            grouped[one.conversation].append(one)
    if not grouped:
        return None
    turns = [sorted(one, key=lambda turn: turn.turn or 0) for one in grouped.values()]
    whole = [one for one in turns if all(turn.status == "successful" for turn in one)]
    asked = [turn for one in turns for turn in one]
    return {
        "n_conversations": len(turns),
        "conversations_per_s": _rate(len(whole), duration_s),
        "conversation_e2e_s": describe(map(_duration, whole)),
        "turns_per_conversation": describe(map(len, turns)),
        "dropped_turns": sum(turn.status == "skipped" for turn in asked),
        "e2e_avg_interactivity": _interactivity(asked),
        "ttft_ms_by_turn": _by_turn(asked, "ttft_ms", describe),
        "e2el_ms_by_turn": _by_turn(asked, "e2el_ms", describe),
        "ttft_ms_first_turn": _times((one[0] for one in turns), "ttft_ms", describe),
        "ttft_ms_last_turn": _times((one[-1] for one in turns), "ttft_ms", describe),
    }


def _interactivity(turns: Iterable[RequestTimes]) -> float | None:
    """Tell tokens per second of the turns' own time, the time of tools left out."""
    answered = [turn for turn in turns if turn.status == "successful"]
    spent_s = [end - start for start, end in _timed(answered)]
    return _rate(_total(turn.output_tokens for turn in answered), sum(spent_s))


def _by_turn(
    turns: Iterable[RequestTimes], name: str, describe: _Describe
) -> dict[str, Figures]:
    places: defaultdict[int, list[RequestTimes]] = defaultdict(list)
    for turn in turns:
        if turn.turn is not None:
            places[turn.turn].append(turn)
    return {
        str(place): _times(places[place], name, describe) for place in sorted(places)
    }


def _times(turns: Iterable[RequestTimes], name: str, describe: _Describe) -> Figures:
    answered = (turn for turn in turns if turn.status == "successful")
    return describe(map(METRICS[name], answered))
