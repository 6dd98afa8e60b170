"""The Sample: the record of one document under one filter, a line of a samples file."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

SAMPLE_SCHEMA_VERSION = 1

Status = Literal["scored", "error", "skipped"]


class TokenCounts(TypedDict):
    """Tokens of one document's responses, summed; None where not told."""

    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cached_tokens: int | None


class SampleTiming(TypedDict):
    """When a document ran, in seconds; the start is relative to the run's own."""

    started_s: float
    latency_s: float


class SampleDict(TypedDict):
    """One line of ``samples_<task>.jsonl`` and of a journal.

    A document has one line per filter of its task; a document in error has one line
    per filter too, with ``error`` set and no metric. Metric values stand beside the
    named keys, under ``metrics``' names, as readers of lm-eval files expect.
    """

    schema_version: int
    task: str
    doc_id: int
    item_id: str
    doc_hash: str
    status: Status
    input: list[dict[str, Any]]
    target: Any
    filter: str
    resps: NotRequired[Any]
    filtered_resps: Any
    metrics: list[str]
    reasoning: NotRequired[Any]
    reasoning_truncated: NotRequired[bool]
    finish_reason: NotRequired[Any]
    token_counts: NotRequired[TokenCounts]
    timing: NotRequired[SampleTiming]
    request_latency_s: NotRequired[Any]
    attempts: int
    error: NotRequired[str]
    judge: NotRequired[Any]
