"""The Sample: the record of one document under one filter, a line of a samples file."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from pytest_evalkit.evaluate.token_counts import TokenCounts
from pytest_evalkit.evaluate.turn_records import TurnDict

SAMPLE_SCHEMA_VERSION = 1

Status = Literal["scored", "answered", "error", "skipped"]


class SampleTiming(TypedDict):
    """When a document and its requests ran, in seconds; moments are of the run's clock.

    The document's own time is ``started_s`` and ``latency_s``. The rest is of the requests
    that were sent: one value, or a list where there were several, with None where
    something is not known. ``request_status`` is ``successful``, ``errored``, or
    ``incomplete`` where it was cut at the end of the run; ``planned_at_s`` is when a load
    pattern wanted it sent, ``sent_at_s`` when its last attempt was, ``request_s`` how long
    that took, and ``retry_wait_s`` how long it had waited between attempts.

    Of answers that were streamed it says besides when their first token and their first
    visible token came, counted from the request, the time from the first fragment to the
    last, the mean time between tokens, and how many fragments and unreadable events
    there were. Tokens are there for each request where there were several.

    ``token_source`` says who counted the tokens, where it was not the server alone:
    ``template`` for a count made after the run by the model's chat template, ``text`` for
    one by the texts alone, and in a list ``server`` for the others.
    """

    started_s: float
    latency_s: float
    request_status: NotRequired[Any]
    planned_at_s: NotRequired[Any]
    sent_at_s: NotRequired[Any]
    request_s: NotRequired[Any]
    retry_wait_s: NotRequired[Any]
    ttft_s: NotRequired[Any]
    ttfo_s: NotRequired[Any]
    gaps_sum_s: NotRequired[Any]
    inter_token_s: NotRequired[Any]
    n_chunks: NotRequired[Any]
    bad_frames: NotRequired[Any]
    input_tokens: NotRequired[Any]
    output_tokens: NotRequired[Any]
    token_source: NotRequired[Any]


class RecalledDict(TypedDict):
    """What of a document's answers came from the response cache.

    Attributes:
        requests: How many of its requests were answered from it.
        token_counts: Tokens that these cost when they were asked, which are part of the
            sample's own counts; None where not told.
        latency_s: Seconds that they took then, all together; None where not timed.
    """

    requests: int
    token_counts: TokenCounts | None
    latency_s: float | None


class SampleDict(TypedDict):
    """One line of ``samples_<task>.jsonl`` and of a journal.

    A document has one line per filter of its task; a document in error has one line
    per filter too, with ``error`` set and no metric. Metric values stand beside the
    named keys, under ``metrics``' names, as readers of lm-eval files expect.

    Where a text was generated, ``input`` holds the messages that asked for it, and
    ``resps`` the text, or a list of the repeats or rounds. Where likelihoods were asked
    for, ``arguments`` holds for each request its context and continuation, or the whole
    text alone; ``resps`` and ``filtered_resps`` then have an entry for each request,
    the log-probability and whether the continuation was the likeliest text, or the
    log-probability alone, and a list of these where the task repeats.

    ``categories`` has the values of the columns that the task names as
    ``metadata.keywords``, as texts; it is absent where there are none.

    Where a filter or the task's own scorer reads answers and tells how, ``parse_status``
    says ``found``, ``ambiguous`` or ``none``, and ``parse_rule`` by which rule: one value,
    or a list over the answers that were read.

    Where a document was asked several times, ``repeat_scores`` has by metric the score of
    each answer by itself, and ``repeat_answers`` for each the place of the first that says
    the same, or None where nothing was found in it; or ``repeat_problem`` says why an
    answer cannot be scored by itself.

    Where the scorer asked a judge, ``judge`` holds its name, the ``prompt`` unless it was
    told the answer alone, its ``response``, the ``value`` read from that, and
    ``attempts``; or a list of such. A document without a verdict is in error, and its
    ``resps`` hold what the model answered.

    Where the document is a conversation, ``turns`` has an entry for each client turn that
    was planned, in order; ``resps``, ``filtered_resps`` and ``target`` have one too, None
    where there is nothing.
    """

    schema_version: int
    task: str
    doc_id: int
    item_id: str
    doc_hash: str
    status: Status
    input: list[dict[str, Any]]
    arguments: NotRequired[list[list[str]]]
    target: Any
    filter: str
    resps: NotRequired[Any]
    filtered_resps: Any
    metrics: list[str]
    metric_sources: NotRequired[dict[str, str]]
    categories: NotRequired[dict[str, str]]
    cluster: NotRequired[str]
    parse_status: NotRequired[Any]
    parse_rule: NotRequired[Any]
    repeat_scores: NotRequired[dict[str, list[float]]]
    repeat_answers: NotRequired[list[int | None]]
    repeat_problem: NotRequired[str]
    reasoning: NotRequired[Any]
    reasoning_truncated: NotRequired[bool]
    refusal: NotRequired[Any]
    finish_reason: NotRequired[Any]
    logprobs: NotRequired[Any]
    token_counts: NotRequired[TokenCounts]
    timing: NotRequired[SampleTiming]
    request_latency_s: NotRequired[Any]
    attempts: int
    recalled: NotRequired[RecalledDict]
    transcript: NotRequired[Any]
    tool_calls: NotRequired[Any]
    notes: NotRequired[list[str]]
    error: NotRequired[str]
    judge: NotRequired[Any]
    conversation_id: NotRequired[str]
    turns: NotRequired[list[TurnDict]]
