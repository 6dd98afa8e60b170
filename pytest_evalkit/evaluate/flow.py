"""The flow of a document: ask its requests, take thought out, score."""

from __future__ import annotations

import traceback
from collections.abc import Generator, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from pytest_evalkit.conversations import TurnOutcome
from pytest_evalkit.engine import Flow
from pytest_evalkit.errors import EvalkitError, JudgeError, ModelError
from pytest_evalkit.evaluate.answered import Answered
from pytest_evalkit.evaluate.dialogue import dialogue
from pytest_evalkit.evaluate.judge import Asked, Verdict, judged, verdict_records
from pytest_evalkit.scoring import (
    Stripped,
    TurnAnswer,
    score_flow,
    strip_reasoning,
)
from pytest_evalkit.tasks import OpenedTask, Prepared, Rounds
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    Loglikelihood,
    LoglikelihoodResponse,
    Request,
    Response,
)

ReasoningTags = Sequence[tuple[str, str]]


class UnscorableError(Exception):
    """The task's own code raised; the message says where."""


class TurnFailedError(ModelError):
    """A turn of a conversation has no answer, so that the whole has no score."""


class UnjudgedError(Exception):
    """The judge gave no verdict on answers that the model did give.

    Attributes:
        raw: The answers, as the record tells them.
        attempts: How often the judge was asked.
    """

    def __init__(self, error: JudgeError, raw: Any) -> None:
        super().__init__(str(error))
        self.raw = raw
        self.attempts = error.attempts


class _Heard(Struct):
    """What was answered so far.

    Attributes:
        responses: Every response, in the order of asking.
        reasoning: The thought of each; None where it had none.
        is_truncated: Whether a thought was begun and never ended.
        raw: For each request, of each repeat, what was answered.
        results: The same as scoring takes it.
    """

    responses: list[AnyResponse] = field(default_factory=list)
    reasoning: list[str | None] = field(default_factory=list)
    is_truncated: bool = False
    raw: list[list[Any]] = field(default_factory=list)
    results: list[list[Any]] = field(default_factory=list)

    def take(self, response: Response, part: Stripped) -> None:
        """Take in a text, and what it is without its thought."""
        self.responses.append(response)
        apart = response.reasoning
        self.reasoning.append(part.reasoning if apart is None else apart)
        if part.truncated:
            self.is_truncated = True


def document_flow(
    opened: OpenedTask, prepared: Prepared, tags: ReasoningTags
) -> Generator[Sequence[Asked], Sequence[Any], Answered]:
    """Ask the document's requests and score their answers, by a judge where need be.

    A conversation is led elsewhere, and its turns scored by ``conversation_flow``.

    Raises:
        UnscorableError: The scorer raised.
        MemoryError: It wanted more memory than it may have.
        UnjudgedError: It asked the judge, who gave no verdict.
        ScoringError: The scorer's result is not usable.
    """
    repeats = opened.task.repeats
    if prepared.rounds is None:
        requests = _repeated_requests(prepared.requests, repeats)
        responses = yield requests
        heard = _answers(prepared, requests, responses, tags)
    else:
        heard = yield from _dialogues(prepared, prepared.rounds, repeats, tags)
    raw = _as_recorded(opened, heard.raw)
    return (yield from _concluded(opened, prepared, heard, raw))


def conversation_flow(
    opened: OpenedTask,
    prepared: Prepared,
    outcomes: Sequence[TurnOutcome],
    tags: ReasoningTags,
) -> Generator[Sequence[Asked], Sequence[Any], Answered]:
    """Score the answers to the turns of a conversation, by a judge where need be.

    Raises:
        TurnFailedError: A turn has no answer, and the task does not count it as zero.
        UnscorableError: The scorer raised.
        MemoryError: It wanted more memory than it may have.
        UnjudgedError: It asked the judge, who gave no verdict.
        ScoringError: The scorer's result is not usable.
    """
    failure = turn_failure(outcomes)
    if failure is not None and opened.task.scoring.missing == "exclude":
        raise failure
    heard = _Heard()
    for outcome in outcomes:
        response = outcome.response
        if response is None:
            heard.raw.append([None])
            heard.results.append([None])
            continue
        part = strip_reasoning(response.text, tags)
        heard.take(response, part)
        heard.raw.append([response.text])
        answer = TurnAnswer(text=part.text, calls=response.tool_calls)
        heard.results.append([answer])
    raw = [text for (text,) in heard.raw]
    answered = yield from _concluded(opened, prepared, heard, raw)
    return replace(answered, failure=None if failure is None else str(failure))


def turn_failure(outcomes: Sequence[TurnOutcome]) -> TurnFailedError | None:
    """Say which turn failed and why, in one line; None where none did."""
    failed = [one for one in outcomes if one.status == "errored"]
    if not failed:
        return None
    first = failed[0]
    skipped = sum(one.status == "skipped" for one in outcomes)
    more = [f"{len(failed) - 1} more failed"] if len(failed) > 1 else []
    more += [f"{skipped} skipped"] if skipped else []
    told = f" (of {len(outcomes)} turns {', '.join(more)})" if more else ""
    return TurnFailedError(f"turn {first.turn.number}: {first.cause}{told}")


def _concluded(
    opened: OpenedTask, prepared: Prepared, heard: _Heard, raw: Any
) -> Generator[Sequence[Asked], Sequence[Any], Answered]:
    verdicts: list[Verdict] = []
    scoring = score_flow(
        opened.task.scoring, prepared.doc, prepared.key, heard.results, heard.raw
    )
    try:
        scored = yield from judged(scoring, verdicts)
    except JudgeError as error:
        raise UnjudgedError(error, raw) from error
    except (EvalkitError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        # A task's own code may raise anything, and only its document is at fault.
        raise UnscorableError(_blame(error)) from error
    return Answered(
        responses=heard.responses,
        raw=raw,
        reasoning=tuple(heard.reasoning),
        is_truncated=heard.is_truncated,
        scored=scored,
        verdicts=verdict_records(verdicts) if verdicts else (),
    )


def _repeated_requests(requests: Sequence[Request], repeats: int) -> Sequence[Request]:
    """Write every request as often as the task repeats; all are asked at once."""
    if repeats == 1:
        return requests
    return [
        _repeated(request, repeat) for request in requests for repeat in range(repeats)
    ]


def _answers(
    prepared: Prepared,
    requests: Sequence[Request],
    responses: Sequence[AnyResponse],
    tags: ReasoningTags,
) -> _Heard:
    heard, read = _Heard(), prepared.read
    for request, response in zip(requests, responses, strict=True):
        if request.origin is None or request.origin.repeat == 0:
            heard.raw.append([])
            heard.results.append([])
        if isinstance(response, Response):
            part = strip_reasoning(response.text, tags)
            heard.take(response, part)
            heard.raw[-1].append(response.text)
            heard.results[-1].append(part.text if read is None else read(part.text))
            continue
        heard.responses.append(response)
        heard.reasoning.append(None)
        found = _likelihood(request, response)
        heard.raw[-1].append(found)
        heard.results[-1].append(found)
    return heard


def _dialogues(
    prepared: Prepared, rounds: Rounds, repeats: int, tags: ReasoningTags
) -> Flow[_Heard]:
    """Hold the document's dialogue, as often as the task repeats."""
    (first,) = prepared.requests
    heard = _Heard(raw=[[]], results=[[]])
    for repeat in range(repeats):
        request = _repeated(first, repeat)
        assert isinstance(request, Generate)
        ended = yield from dialogue(request, rounds, tags)
        for response, part in zip(ended.responses, ended.stripped, strict=True):
            heard.take(response, part)
        heard.raw[0].append([response.text for response in ended.responses])
        heard.results[0].append(ended.outcome)
    return heard


def _repeated(request: Request, repeat: int) -> Request:
    if request.origin is None or repeat == 0:
        return request
    return replace(request, origin=replace(request.origin, repeat=repeat))


def _likelihood(request: Request, response: LoglikelihoodResponse) -> Any:
    if isinstance(request, Loglikelihood):
        return (response.logprob, response.is_greedy)
    return response.logprob


def _as_recorded(opened: OpenedTask, raw: list[list[Any]]) -> Any:
    """Leave out the lists of one: of repeats, and of the one request for a text."""
    if len(raw) == 1 and opened.task.scoring.is_generation:
        (repeats,) = raw
        return repeats[0] if len(repeats) == 1 else repeats
    return [repeats[0] if len(repeats) == 1 else repeats for repeats in raw]


def _blame(error: BaseException) -> str:
    if isinstance(error.__cause__, StopIteration):
        # What ends a generator comes out of a flow as something else.
        error = error.__cause__
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"scorer raised {type(error).__name__}: {error}{place}"
