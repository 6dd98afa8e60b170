"""The shapes of what is read from files that others may have written, or damaged."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Annotated, Any, NotRequired, TypedDict, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from pytest_evalkit.codec import CodecError, Count, convert, is_of
from pytest_evalkit.evaluate.counting import CountingLineDict
from pytest_evalkit.evaluate.sample import RecalledDict, SampleDict, Status
from pytest_evalkit.evaluate.token_counts import TokenCounts
from pytest_evalkit.results.journal import GroupDict, SelectionDict, SessionDict
from pytest_evalkit.results.schema import (
    AggregateDict,
    BudgetDict,
    CacheDict,
    ClientDict,
    CoverageDict,
    GateDict,
    LimitDict,
    WarmUpDict,
)
from pytest_evalkit.stats.request_times import RequestStatus
from pytest_evalkit.values import TokenSource

# The last second of the year 9999, since 1970 (UTC).
_LAST_SECOND = 253_402_300_799.0
# Groups within groups; nobody has more.
_MOST_LEVELS = 100
# What the figures of a run read of requests.
_TOKENS = ("input_tokens", "output_tokens")
_OF_REQUESTS = (
    *("planned_at_s", "sent_at_s", "request_s", "ttft_s", "ttfo_s", "gaps_sum_s"),
    *_TOKENS,
)
# What a sample tells of an answer that was streamed: all or nothing.
_STREAM_TIMES = ("ttft_s", "ttfo_s", "inter_token_s", "bad_frames")
_TIMES = frozenset((*_OF_REQUESTS, *_STREAM_TIMES))
_STATUSES = get_args(RequestStatus)
_SOURCES = (None, *get_args(TokenSource))
# Tokens of one request, or of several.
_Counts = Count | None | list[Count | None]
_PERCENTILES = ("p50_s", "p90_s", "p99_s")


# Python's own reader takes infinities, and whole numbers of any size.
_Finite = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
_Times = _Finite | None | list[_Finite | None]


class _PlainCounts(Struct, gc=False):
    """What ``TokenCounts`` says."""

    input_tokens: Count | None
    output_tokens: Count | None
    reasoning_tokens: Count | None
    cached_tokens: Count | None


class _PlainTiming(Struct, gc=False):
    """What ``SampleTiming`` says, as far as it is checked."""

    started_s: float
    latency_s: float
    request_status: RequestStatus | list[RequestStatus] | None = None
    planned_at_s: _Times = None
    sent_at_s: _Times = None
    request_s: _Times = None
    ttft_s: _Times = None
    ttfo_s: _Times = None
    gaps_sum_s: _Times = None
    inter_token_s: _Times = None
    bad_frames: _Times = None
    input_tokens: _Counts = None
    output_tokens: _Counts = None
    token_source: TokenSource | list[TokenSource | None] | None = None


class _PlainSample(Struct, gc=False):
    """What ``SampleDict`` says, as far as it is checked, of what is no conversation.

    Structs are checked in half the time that TypedDicts take.
    """

    schema_version: int
    task: str
    doc_id: int
    item_id: str
    doc_hash: str
    status: Status
    input: list[dict[str, Any]]
    target: Any
    attempts: int
    filter: str
    filtered_resps: Any
    metrics: list[str]
    timing: _PlainTiming | UnsetType = UNSET
    token_counts: _PlainCounts | UnsetType = UNSET
    request_latency_s: _Times = None
    arguments: list[list[str]] | UnsetType = UNSET
    metric_sources: dict[str, str] | UnsetType = UNSET
    categories: dict[str, str] | UnsetType = UNSET
    cluster: str | UnsetType = UNSET
    repeat_scores: dict[str, list[float]] | UnsetType = UNSET
    repeat_answers: list[int | None] | UnsetType = UNSET
    repeat_problem: str | UnsetType = UNSET
    reasoning_truncated: bool | UnsetType = UNSET
    recalled: RecalledDict | UnsetType = UNSET
    notes: list[str] | UnsetType = UNSET
    error: str | UnsetType = UNSET
    conversation_id: str | UnsetType = UNSET


class _ModelDict(TypedDict):
    name: str
    description: dict[str, Any]


class _RunLineDict(TypedDict):
    started_at: float


class _EndLineDict(TypedDict):
    reason: str


class _TurnDict(TypedDict):
    """What the figures of a run read of a turn of a conversation."""

    turn: Count
    status: RequestStatus
    planned_at_s: NotRequired[float | None]
    sent_at_s: NotRequired[float | None]
    latency_s: NotRequired[float | None]
    ttft_s: NotRequired[float | None]
    ttfo_s: NotRequired[float | None]
    gaps_sum_s: NotRequired[float | None]
    gaps: NotRequired[list[float] | None]
    token_counts: NotRequired[TokenCounts | None]
    token_source: NotRequired[TokenSource]


class _CacheLineDict(CacheDict):
    process: str
    problem: str | None


_LINES: Mapping[str, Any] = {
    "session": SessionDict,
    "run": _RunLineDict,
    "selection": SelectionDict,
    "group": GroupDict,
    "concurrency": LimitDict,
    "budget": _EndLineDict,
    "load_end": _EndLineDict,
    "client": ClientDict,
    "warmup": WarmUpDict,
    "token_counting": CountingLineDict,
    "cache": _CacheLineDict,
    "model": _ModelDict,
}


class _UsageDict(TypedDict):
    input_tokens: NotRequired[int | None]
    output_tokens: NotRequired[int | None]
    reasoning_tokens: NotRequired[int | None]
    cached_tokens: NotRequired[int | None]
    budget: NotRequired[BudgetDict | None]


# What readers of results look at.
_ResultsDict = TypedDict(
    "_ResultsDict",
    {
        "complete": bool,
        "results": dict[str, dict[str, Any]],
        "aggregates": dict[str, list[AggregateDict]],
        "group_subtasks": dict[str, list[str]],
        "n-shot": dict[str, int | None],
        "coverage": dict[str, CoverageDict],
        "errors": dict[str, dict[str, int]],
        "gates": list[GateDict],
        "usage": _UsageDict,
        "throughput": dict[str, float | None],
        "latency": dict[str, Any],
        "cache": NotRequired[CacheDict | None],
        "concurrency": NotRequired[list[LimitDict]],
        "load": NotRequired[dict[str, Any]],
        "config": dict[str, Any],
        "environment": dict[str, Any],
        "model_name": str,
        "git_hash": str | None,
        "date": float,
        "total_evaluation_time_seconds": float,
    },
)


def require_line(value: Any) -> None:
    """Refuse what is no line of a journal.

    A line of a kind that is not known here passes.

    Raises:
        CodecError: It is none; says what of it is of another form.
    """
    if not isinstance(value, dict):
        raise CodecError(f"a line is an object, not a {type(value).__name__}")
    if "kind" not in value:
        require_sample(value)
    elif not isinstance(value["kind"], str):
        raise CodecError(f"the kind of a line is a text, not {value['kind']!r}")
    elif value["kind"] in _LINES:
        convert(value, _LINES[value["kind"]])


def require_sample(value: Mapping[str, Any]) -> None:
    """Refuse what is no sample.

    Raises:
        CodecError: It is none; says what of it is of another form.
    """
    if "turns" in value or not is_of(value, _PlainSample):
        _require_forms(value)
    for name in value["metrics"]:
        if name not in value:
            raise CodecError(f"a sample has no value of its metric {name!r}")
    if value.get("parse_status") == []:
        raise CodecError("parse_status of a sample tells of no answer")
    timing = value.get("timing")
    if timing:
        _require_requests(timing)
        if "ttft_s" in timing and not timing.keys() >= {*_STREAM_TIMES}:
            raise CodecError("timing of a sample tells only some times of a stream")


def _require_forms(value: Mapping[str, Any]) -> None:
    """Refuse a sample that has something of another form, key by key.

    Raises:
        CodecError: It has; says what.
    """
    convert(value, SampleDict)
    _require_numbers(value, "request_latency_s")
    if "turns" in value:
        convert(value["turns"], list[_TurnDict])
    timing = value.get("timing", {})
    for name in timing:
        if name in _TIMES:
            _require_numbers(timing, name)
        if name in _TOKENS:
            convert(timing[name], _Counts)
    status = timing.get("request_status")
    if status is None:
        return
    for one in status if isinstance(status, list) else [status]:
        if one not in _STATUSES:
            raise CodecError(f"request_status of a sample is none: {one!r}")
    sources = timing.get("token_source")
    for source in sources if isinstance(sources, list) else [sources]:
        if source not in _SOURCES:
            raise CodecError(f"token_source of a sample is none: {source!r}")


def _require_requests(timing: Mapping[str, Any]) -> None:
    """Refuse times of requests that are not of the same requests.

    Raises:
        CodecError: They are not.
    """
    status = timing.get("request_status")
    if status is None:
        return
    count = _count(status)
    if count is None and list not in map(type, timing.values()):
        return
    for name in (*_OF_REQUESTS, "token_source"):
        if name in timing and _count(timing[name]) != count:
            raise CodecError(f"{name} of a sample is not of the requests it tells of")


def _count(told: Any) -> int | None:
    """Count what is told of several requests; None of what is told of one."""
    return len(told) if isinstance(told, list) else None


def require_results(value: Any) -> None:
    """Refuse what is no results file.

    Raises:
        CodecError: It is none; says what of it is of another form.
    """
    convert(value, _ResultsDict)
    for name in [*value["aggregates"], *value["group_subtasks"]]:
        for key in ("results", "coverage", "aggregates"):
            if name not in value[key]:
                raise CodecError(f"{key} has no {name!r}")
        if not isinstance(value["results"][name].get("alias", name), str):
            raise CodecError(f"the alias of {name!r} is no text")
    if not 0 <= value["date"] <= _LAST_SECOND:
        raise CodecError(f"date is no date: {value['date']:g}")
    latency = value["latency"]
    if latency and not all(_is_number(latency.get(name)) for name in _PERCENTILES):
        raise CodecError(f"latency lacks one of {', '.join(_PERCENTILES)}")
    if not isinstance(value["config"].get("resolved_cli_args", {}), dict):
        raise CodecError("config.resolved_cli_args is no mapping")
    _require_levels(value["group_subtasks"])


def _require_numbers(times: Mapping[str, Any], name: str) -> None:
    """Refuse what is neither a number nor several; None is of what was not timed."""
    told = times.get(name)
    if told is None or (type(told) is float and abs(told) < math.inf):
        return
    each = told if isinstance(told, list) else [told]
    if not all(one is None or _is_number(one) for one in each):
        raise CodecError(f"{name} of a sample are seconds or counts")


def _is_number(value: Any) -> bool:
    # Whole numbers may be larger than any other.
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _require_levels(members: Mapping[str, list[str]]) -> None:
    """Refuse groups that are nested without end."""
    level = set(members)
    for _ in range(_MOST_LEVELS):
        level = {inner for name in level for inner in members[name] if inner in members}
        if not level:
            return
    raise CodecError("groups contain each other, or are nested too deeply")
