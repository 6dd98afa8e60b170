"""What an endpoint did in the course of a run: in equal spans of time, few of them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from typing import Any

from pytest_evalkit.stats.request_times import RequestTimes

MOST_SPANS = 60
_LEAST_SPANS = 6
_COUNTED = {"successful": 0, "errored": 1}
_NEITHER = len(_COUNTED)


class OverTime:
    """Requests in flight, and what was done a second, from the first sent on.

    Of each request three moments and a number are kept, as there may be millions.

    Attributes:
        starts: When requests were sent that ended, in seconds.
        ends: When they ended.
    """

    __slots__ = ("_first", "_has_tokens", "_statuses", "_tokens", "ends", "starts")

    def __init__(self) -> None:
        self.starts, self.ends = array("d"), array("d")
        self._first, self._tokens = array("d"), array("q")
        self._statuses = bytearray()
        self._has_tokens = True

    def add(self, one: RequestTimes) -> None:
        """Take in a request; one that was never sent, or never ended, is left out."""
        sent, ended = one.sent_at, one.ended_at
        if sent is None or ended is None:
            return
        is_answer = one.status == "successful"
        if is_answer and one.output_tokens is None:
            self._has_tokens = False
        self.starts.append(sent)
        self.ends.append(ended)
        self._first.append(min(ended, sent + (one.ttft_s or 0.0)))
        self._tokens.append((one.output_tokens or 0) if is_answer else 0)
        self._statuses.append(_COUNTED.get(one.status, _NEITHER))

    def figures(self) -> dict[str, Any] | None:
        """Tell what was done in each span.

        Returns:
            ``width_s`` of a span, and lists with a number for each: ``in_flight``, the
            mean over the span; ``requests_per_s``, those that ended in it without an
            error; ``errors_per_s``, those that failed; and ``output_tokens_per_s``, the
            tokens of an answer spread evenly from its first fragment to its end, None
            where nobody counted them. At most ``MOST_SPANS``. None where no request
            ended, or all at the moment at which the first was sent.
        """
        if not self.starts:
            return None
        begin, end = min(self.starts), max(self.ends)
        count = min(MOST_SPANS, max(_LEAST_SPANS, 2 * math.isqrt(len(self.starts))))
        if end <= begin:
            return None
        spans = _Spans(begin, (end - begin) / count, count)
        ended = [[0] * count for _ in range(_NEITHER + 1)]
        for moment, status in zip(self.ends, self._statuses, strict=True):
            ended[status][spans.at(moment)] += 1
        answered, failed, _ = ended
        return {
            "width_s": spans.width,
            "in_flight": spans.rates(
                (start, stop, stop - start)
                for start, stop in zip(self.starts, self.ends, strict=True)
            ),
            "requests_per_s": [_short(n / spans.width) for n in answered],
            "errors_per_s": [_short(n / spans.width) for n in failed],
            "output_tokens_per_s": self._token_rates(spans),
        }

    def _token_rates(self, spans: _Spans) -> list[float] | None:
        if not self._has_tokens or not any(self._tokens):
            return None
        return spans.rates(zip(self._first, self.ends, self._tokens, strict=True))


class _Spans:
    """Equal spans of time."""

    def __init__(self, begin: float, width: float, count: int) -> None:
        self.begin, self.width, self.count = begin, width, count

    def at(self, moment: float) -> int:
        """Tell in which span a moment lies; the end of the last is in it."""
        place = int((moment - self.begin) / self.width)
        return place if place < self.count else self.count - 1

    def rates(self, parts: Iterable[tuple[float, float, float]]) -> list[float]:
        """Spread amounts evenly from one moment to another; tell how much a second.

        Each part takes the same time, however many spans it covers: what it adds is
        noted where it begins and ends, and added up once.

        Args:
            parts: Begin, end and amount of each.
        """
        inside = [0.0] * self.count
        slopes = [0.0] * (self.count + 1)
        first, width, at = self.begin, self.width, self.at
        for begin, end, amount in parts:
            if end <= begin:
                inside[at(end)] += amount
                continue
            slope = amount / (end - begin)
            place = at(begin) + 1
            inside[place - 1] += slope * (first + place * width - begin)
            slopes[place] += slope
            place = at(end) + 1
            inside[place - 1] -= slope * (first + place * width - end)
            slopes[place] -= slope
        found, running = [], 0.0
        for place in range(self.count):
            running += slopes[place]
            found.append(_short(inside[place] / self.width + running))
        return found


def _short(value: float) -> float:
    """Round to a millionth, which also hides the traces of adding and taking away."""
    return max(0.0, round(value, 6))
