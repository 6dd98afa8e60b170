"""The requests behind a run's samples: what was seen of each, packed in a few bytes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from struct import Struct
from typing import Any, get_args

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.spans import closed_up
from pytest_evalkit.stats.request_times import RequestStatus, RequestTimes
from pytest_evalkit.values import TokenSource

_STATUSES: tuple[RequestStatus, ...] = get_args(RequestStatus)
_NUMBERS: Mapping[str, int] = {name: number for number, name in enumerate(_STATUSES)}
_SECONDS = ("planned_at_s", "sent_at_s", "request_s", "ttft_s", "ttfo_s", "gaps_sum_s")
_TOKENS = ("input_tokens", "output_tokens")
_SOURCES: tuple[TokenSource, ...] = get_args(TokenSource)
_NONE, _NAN = -1, math.nan
# Six times; two counts of tokens; which turn it is, of which conversation; which clock
# its times are of; its status.
_ROW = Struct("6d4qHB")

# What is known of one request, by the names of a sample's ``timing``.
_Seen = Mapping[str, Any]


class RequestLog:
    """The requests of a run, read from its samples in any order.

    A document counts once, however many filters it has. Each request takes some eighty
    bytes, as there may be millions. Moments are of the run's clock; where a run has
    several, of sessions or of runs that were merged, the time in which none of them was
    at work is left out.
    """

    def __init__(self) -> None:
        self._rows = bytearray()
        self._sources: Counter[TokenSource] = Counter()
        self._conversations: list[str] = []
        self._known: dict[str, bytearray] = {}
        self._dates: dict[float, int] = {}
        self._ends: dict[float, float] = {}

    def __len__(self) -> int:
        """Count the requests."""
        return len(self._rows) // _ROW.size

    def add(self, sample: SampleDict, date: float = 0.0) -> None:
        """Take in the requests of one sample.

        Args:
            sample: A sample that counts.
            date: When the clock of its times began, in seconds since 1970.
        """
        if self._is_known(sample["task"], sample["doc_id"]):
            return
        clock = self._dates.setdefault(date, len(self._dates))
        timing: Mapping[str, Any] = sample.get("timing") or {}
        if "started_s" in timing:
            end = timing["started_s"] + timing["latency_s"]
            self._ends[date] = max(self._ends.get(date, 0.0), end)
        turns = sample.get("turns")
        if isinstance(turns, list):
            self._add_turns(sample, turns, clock)
            return
        for seen in _requests(sample, timing):
            self._append(seen, clock)

    def _is_known(self, task: str, document: int) -> bool:
        """Tell whether a document has been seen before; from now on it has."""
        known = self._known.setdefault(task, bytearray())
        if document >= len(known):
            known.extend(bytes(document + 1 + len(known) // 4 - len(known)))
        was_known = bool(known[document])
        known[document] = 1
        return was_known

    def _add_turns(
        self, sample: SampleDict, turns: Sequence[_Seen], clock: int
    ) -> None:
        name = sample.get("conversation_id", sample["item_id"])
        # The same name may be there in another task.
        self._conversations.append(f"{sample['task']}/{name}")
        for turn in turns:
            if turn.get("recalled"):
                # Nothing was sent.
                continue
            self._append(_of_turn(turn), clock, turn["turn"], len(self._conversations))

    def _append(
        self, seen: _Seen, clock: int, turn: int = _NONE, conversation: int = 0
    ) -> None:
        inputs, outputs = seen.get("input_tokens"), seen.get("output_tokens")
        self._rows += _ROW.pack(
            *[_NAN if (s := seen.get(name)) is None else s for name in _SECONDS],
            _NONE if inputs is None else inputs,
            _NONE if outputs is None else outputs,
            turn,
            conversation - 1,
            clock,
            _NUMBERS[seen["request_status"]],
        )
        if inputs is not None or outputs is not None:
            self._sources[seen.get("token_source") or "server"] += 1

    def token_sources(self) -> dict[TokenSource, int]:
        """Count the requests by who counted their tokens; without those that nobody did."""
        counts = self._sources
        return {source: counts[source] for source in _SOURCES if source in counts}

    def __iter__(self) -> Iterator[RequestTimes]:
        """List the requests, on one clock."""
        begun = closed_up({date: date + end for date, end in self._ends.items()})
        shifts = [begun.get(date, 0.0) for date in self._dates]
        for row in _ROW.iter_unpack(self._rows):
            yield self._request(row, shifts)

    def _request(self, row: tuple[Any, ...], shifts: Sequence[float]) -> RequestTimes:
        """Read a request from its row.

        Args:
            row: What was packed.
            shifts: Seconds from the run's clock to each of the others.
        """
        *seconds, inputs, outputs, turn, conversation, clock, status = row
        planned, sent, took, ttft, ttfo, gaps = [
            None if math.isnan(each) else each for each in seconds
        ]
        shift_s = shifts[clock]
        return RequestTimes(
            status=_STATUSES[status],
            planned_at=None if planned is None else planned + shift_s,
            sent_at=None if sent is None else sent + shift_s,
            ended_at=None if sent is None or took is None else sent + took + shift_s,
            ttft_s=ttft,
            ttfo_s=ttfo,
            gaps_sum_s=gaps,
            input_tokens=None if inputs == _NONE else inputs,
            output_tokens=None if outputs == _NONE else outputs,
            conversation=None if turn == _NONE else self._conversations[conversation],
            turn=None if turn == _NONE else turn,
        )


def sample_requests(sample: SampleDict) -> Iterator[RequestTimes]:
    """List the requests of one sample that were sent, by the clock of its own session.

    Args:
        sample: Of a document, or of a conversation.
    """
    turns = sample.get("turns")
    if isinstance(turns, list):
        for turn in turns:
            if not turn.get("recalled"):
                yield _times(_of_turn(turn))
        return
    for seen in _requests(sample, sample.get("timing") or {}):
        yield _times(seen)


def _times(seen: _Seen) -> RequestTimes:
    sent, took = seen.get("sent_at_s"), seen.get("request_s")
    return RequestTimes(
        status=seen["request_status"],
        planned_at=seen.get("planned_at_s"),
        sent_at=sent,
        ended_at=None if sent is None or took is None else sent + took,
        ttft_s=seen.get("ttft_s"),
        ttfo_s=seen.get("ttfo_s"),
        gaps_sum_s=seen.get("gaps_sum_s"),
        input_tokens=seen.get("input_tokens"),
        output_tokens=seen.get("output_tokens"),
    )


def _requests(sample: SampleDict, timing: Mapping[str, Any]) -> Sequence[_Seen]:
    """List what is known of the requests of a document that is no conversation."""
    status = timing.get("request_status")
    if status is None:
        return ()
    if isinstance(status, list):
        names = ("request_status", *_SECONDS, *_TOKENS, "token_source")
        return [
            {name: timing[name][place] for name in names if timing.get(name)}
            for place in range(len(status))
        ]
    counts: Mapping[str, Any] = sample.get("token_counts") or {}
    return [{**counts, **timing}]


def _of_turn(turn: _Seen) -> _Seen:
    """Name what is known of a turn of a conversation as ``timing`` does."""
    gaps = turn.get("gaps")
    return {
        **(turn.get("token_counts") or {}),
        **turn,
        "request_status": turn["status"],
        "request_s": turn.get("latency_s"),
        "gaps_sum_s": sum(gaps) if gaps else turn.get("gaps_sum_s"),
    }
