"""Evaluating a document: ask, strip reasoning, filter, score, record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import Struct
from msgspec import field as struct_field

from pytest_evalkit.codec import CodecError, encode_lines
from pytest_evalkit.conversations import TurnOutcome
from pytest_evalkit.engine import drive
from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.errors import (
    EvalkitError,
    ModelError,
    ModelUnavailableError,
    RecordingError,
    ResultsError,
    WithheldError,
)
from pytest_evalkit.evaluate.answered import Answered
from pytest_evalkit.evaluate.code_limit import CodeLimit, CodeLimitError
from pytest_evalkit.evaluate.conversing import Executing, Leading
from pytest_evalkit.evaluate.counting import UncountedDocument, uncounted_of
from pytest_evalkit.evaluate.flow import (
    ReasoningTags,
    UnjudgedError,
    UnscorableError,
    conversation_flow,
    document_flow,
)
from pytest_evalkit.evaluate.judge import Judge, asking_judge
from pytest_evalkit.evaluate.outcome import DocumentOutcome
from pytest_evalkit.evaluate.recorded import RecordedRun, recorded_answers
from pytest_evalkit.evaluate.recorded_turns import RecordedTurns
from pytest_evalkit.evaluate.recording import Recorded, scored_samples, unscored_samples
from pytest_evalkit.evaluate.request_log import RequestLog, Rest
from pytest_evalkit.evaluate.sample import Status
from pytest_evalkit.evaluate.turn_records import TurnLog
from pytest_evalkit.tasks import ConversationPlan, OpenedTask, Prepared
from pytest_evalkit.values import Request

Keeping = Callable[[Request], AbstractAsyncContextManager[Ask]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What evaluating the documents of one task takes.

    Attributes:
        opened: The task with its documents.
        ask: Gets the answer to one request.
        record: Makes samples durable; called with whole lines before a document counts
            as done.
        reasoning_tags: Pairs around thought to take out before filters see the text.
        started_at: ``time.monotonic()`` at the start of the run.
        rest: Waited for by a document that has an answer before it goes on, so that
            requests go first; None to go on at once.
        recorded: The run whose answers are scored again; nobody is asked then.
        limit: Bounds the time that the task's code may take.
        preparing: Where documents with media are prepared, and answers scored by running
            them, so that neither holds up every request; None for the event loop
            itself.
        picture: Keeps pictures of what a document shows; None to keep none.
        picturing: Where pictures are made, beside the waiting for the answer.
        judge: Whom scorers may ask, or None.
        keep: Takes a place in flight for a conversation, told its first request; what
            asks there goes back to no waiting line. None where places are not counted.
        execute: Answers the calls of tools in conversations, or None.
        count_later: Keeps what tokens are to be counted by after the run, and returns
            at once; None where nobody counts but the endpoint.
    """

    opened: OpenedTask
    ask: Ask
    record: Callable[[bytes], None]
    reasoning_tags: ReasoningTags
    started_at: float
    rest: Rest | None = None
    recorded: RecordedRun | None = None
    limit: CodeLimit = field(default_factory=lambda: CodeLimit(None))
    preparing: Executor | None = None
    picture: Callable[[Prepared], None] | None = None
    picturing: Executor | None = None
    judge: Judge | None = None
    keep: Keeping | None = None
    execute: Executing | None = None
    count_later: Callable[[UncountedDocument], None] | None = None


async def evaluate_document(evaluation: Evaluation, doc_id: int) -> DocumentOutcome:
    """Evaluate one document and make its samples durable.

    Args:
        evaluation: The task and how to ask.
        doc_id: Position of the document in its split.

    Returns:
        How it ended; a document without an answer or score is in error, with the
        reason, never scored. One that was not asked any more, for want of a budget or
        as the load had ended, is skipped.

    Raises:
        ModelUnavailableError: No document can be answered.
        ResultsError: The samples cannot be written.
    """
    started = time.monotonic()
    document = _Document(evaluation, doc_id, started)
    try:
        if evaluation.preparing is not None and evaluation.opened.has_media:
            document.prepared = await _prepared_apart(evaluation, doc_id)
        else:
            document.prepared = _prepared(evaluation, doc_id)
        return document.scored(await _answered(document, document.prepared))
    except UnjudgedError as error:
        return document.failed(str(error), error.attempts, error.raw)
    except (ModelUnavailableError, ResultsError):
        raise
    except ModelError as error:
        return document.failed(f"no answer: {error}", error.attempts)
    except WithheldError as error:
        return document.unscored("skipped", str(error), error.attempts)
    except RecordingError as error:
        return document.failed(str(error), 0)
    except (EvalkitError, UnscorableError, CodeLimitError) as error:
        return document.failed(str(error), 1)


def _answered(document: _Document, prepared: Prepared) -> Coroutine[Any, Any, Answered]:
    """Get what asks the document and scores it; a step less than to wait for it here.

    Raises:
        RecordingError: It is to be answered from a run that has no answers of it.
    """
    evaluation = document.evaluation
    if prepared.conversation is not None:
        return _conversed(document, prepared, prepared.conversation)
    flow = document_flow(evaluation.opened, prepared, evaluation.reasoning_tags)
    ask = _asking(evaluation, document, prepared)
    # Requests are written already; only a dialogue is the task's own from the start.
    answering = _driven(evaluation, flow, ask, begins_free=prepared.rounds is None)
    picturing = _picturing(evaluation, prepared)
    return answering if picturing is None else _beside(answering, picturing)


async def _conversed(
    document: _Document, prepared: Prepared, plan: ConversationPlan
) -> Answered:
    evaluation = document.evaluation
    outcomes = await _led(document, prepared, plan)
    flow = conversation_flow(
        evaluation.opened, prepared, outcomes, evaluation.reasoning_tags
    )
    # What is left to ask is for the judge.
    return await _driven(evaluation, flow, evaluation.ask)


def _driven(
    evaluation: Evaluation,
    flow: Generator[Sequence[Any], Sequence[Any], Answered],
    ask: Ask,
    *,
    begins_free: bool = False,
) -> Coroutine[Any, Any, Answered]:
    limited = evaluation.limit.flow(flow, begins_free=begins_free)
    asking = asking_judge(ask, evaluation.judge)
    return drive(limited, asking, _scoring_place(evaluation))


async def _led(
    document: _Document, prepared: Prepared, plan: ConversationPlan
) -> Sequence[TurnOutcome]:
    """Lead a conversation; it keeps its place in flight from its first turn to its last."""
    evaluation, run = document.evaluation, document.evaluation.recorded
    listening = document.requests.asking
    leading = Leading(
        plan=plan,
        ask=listening(evaluation.ask),
        execute=evaluation.execute,
        started_at=evaluation.started_at,
        log=document.log,
    )
    if run is not None:
        sample = run.find(
            evaluation.opened.task.name, prepared.doc_hash, document.doc_id
        )
        turns = RecordedTurns(run.label, sample, prepared)
        replaying = replace(leading, ask=turns.answer, execute=turns.execute)
        return await replaying.lead()
    if evaluation.keep is None:
        return await leading.lead()
    async with evaluation.keep(prepared.requests[0]) as ask:
        return await replace(leading, ask=listening(ask)).lead()


def _asking(evaluation: Evaluation, document: _Document, prepared: Prepared) -> Ask:
    """Get what answers a document's requests: the model, or what was recorded.

    Raises:
        RecordingError: Nothing was.
    """
    run = evaluation.recorded
    if run is None:
        return document.requests.asking(evaluation.ask, evaluation.rest)
    name = evaluation.opened.task.name
    sample = run.find(name, prepared.doc_hash, document.doc_id)
    return recorded_answers(run.label, sample, prepared)


def _prepared(evaluation: Evaluation, doc_id: int) -> Prepared:
    with evaluation.limit():
        return evaluation.opened.prepare(doc_id)


async def _prepared_apart(evaluation: Evaluation, doc_id: int) -> Prepared:
    """Prepare a document on a thread: reading media would hold up every request."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        evaluation.preparing, _prepared, evaluation, doc_id
    )


def _picturing(
    evaluation: Evaluation, prepared: Prepared
) -> asyncio.Future[None] | None:
    """Begin to keep pictures, if any: what is shown goes with the document."""
    if evaluation.picture is None:
        return None
    loop = asyncio.get_running_loop()
    return loop.run_in_executor(evaluation.picturing, evaluation.picture, prepared)


async def _beside(
    answering: Awaitable[Answered], picturing: asyncio.Future[None]
) -> Answered:
    """Wait for the answer, and for the pictures where the document will be recorded."""
    try:
        answered = await answering
    except (asyncio.CancelledError, KeyboardInterrupt):
        picturing.cancel()
        raise
    except BaseException:
        await picturing
        raise
    await picturing
    return answered


def _scoring_place(evaluation: Evaluation) -> Executor | None:
    """Tell where to score: programs that a model wrote run for seconds each."""
    return evaluation.preparing if evaluation.opened.task.runs_code else None


def skip_document(
    opened: OpenedTask, doc_id: int, reason: str, record: Callable[[bytes], None]
) -> DocumentOutcome:
    """Record that a document is not to be evaluated.

    Args:
        opened: Its task.
        doc_id: Its position in the split.
        reason: Why, in one line.
        record: Makes samples durable.

    Raises:
        ResultsError: The samples cannot be written.
    """
    recorded = Recorded(
        opened=opened, doc_id=doc_id, prepared=None, started_s=0.0, latency_s=0.0
    )
    samples = unscored_samples(recorded, "skipped", reason, 0)
    record(encode_lines(samples))
    return DocumentOutcome(
        task=opened.task.name,
        doc_id=doc_id,
        status="skipped",
        scores={},
        message=reason,
        duration_s=0.0,
        turns=recorded.turns(reason),
    )


class _Document(Struct):
    """One document under way: turns how it ended into samples and an outcome."""

    evaluation: Evaluation
    doc_id: int
    started: float
    prepared: Prepared | None = None
    requests: RequestLog = struct_field(default_factory=RequestLog)
    log: TurnLog = struct_field(default_factory=TurnLog)

    def scored(self, answered: Answered) -> DocumentOutcome:
        recorded = self._recorded()
        try:
            lines = encode_lines(scored_samples(recorded, answered))
        except CodecError as error:
            return self.failed(f"a metric value cannot be recorded: {error}", 1)
        self._record(lines)
        scores: dict[str, Any] = {}
        for scored in answered.scored:
            for name, value in scored.metrics.items():
                scores[f"{name},{scored.filter}"] = value
        return DocumentOutcome(
            task=self.evaluation.opened.task.name,
            doc_id=self.doc_id,
            status=recorded.status,
            scores=scores,
            message=answered.failure,
            duration_s=time.monotonic() - self.started,
            turns=recorded.turns(None),
        )

    def failed(self, message: str, attempts: int, raw: Any = None) -> DocumentOutcome:
        return self.unscored("error", message, attempts, raw)

    def unscored(
        self, status: Status, message: str, attempts: int, raw: Any = None
    ) -> DocumentOutcome:
        recorded = self._recorded()
        samples = unscored_samples(recorded, status, message, attempts, raw)
        self._record(encode_lines(samples))
        return DocumentOutcome(
            task=self.evaluation.opened.task.name,
            doc_id=self.doc_id,
            status=status,
            scores={},
            message=message,
            duration_s=time.monotonic() - self.started,
            turns=recorded.turns(message),
        )

    def _record(self, lines: bytes) -> None:
        self.evaluation.record(lines)
        keep = self.evaluation.count_later
        if keep is None:
            return
        uncounted = uncounted_of(lines, self.requests, self.log)
        if uncounted is not None:
            keep(uncounted)

    def _recorded(self) -> Recorded:
        return Recorded(
            opened=self.evaluation.opened,
            doc_id=self.doc_id,
            prepared=self.prepared,
            started_s=self.started - self.evaluation.started_at,
            latency_s=time.monotonic() - self.started,
            requests=self.requests.times(self.evaluation.started_at),
            log=self.log,
        )
