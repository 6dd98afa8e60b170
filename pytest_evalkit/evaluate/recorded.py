"""Recorded answers in place of a model's: scoring what a run has asked again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any, NamedTuple, Protocol

from msgspec.structs import replace

from pytest_evalkit.codec import decode, encode
from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.errors import OptionError, RecordingError
from pytest_evalkit.evaluate.recording import prompt_of
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.models.recorded_likelihoods import likelihoods_of
from pytest_evalkit.tasks import Prepared
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    Loglikelihood,
    LoglikelihoodResponse,
    Request,
    Response,
    RollingLoglikelihood,
)

# So much of two texts is shown where they differ.
_SHOWN = 40


class RecordedRun(Protocol):
    """The answers of a run."""

    @property
    def label(self) -> str:
        """What messages call it."""
        ...

    def find(self, task: str, doc_hash: str, doc_id: int) -> SampleDict:
        """Find what was recorded of a document.

        Args:
            task: Its task.
            doc_hash: The hash of its content.
            doc_id: Its position, which counts where documents are equal.

        Raises:
            RecordingError: Nothing was; says what to do.
        """
        ...


def recorded_answers(label: str, sample: SampleDict, prepared: Prepared) -> Ask:
    """Answer the requests of a document with what was recorded of it.

    Args:
        label: What messages call the run that it was recorded in.
        sample: What was recorded.
        prepared: The document as it is asked today.

    Returns:
        What answers one request, and raises RecordingError where more is asked than was
        recorded.

    Raises:
        RecordingError: There is no answer, or it is one to something else.
    """
    answer = _answers(label, sample, prepared)

    async def ask(request: Request) -> AnyResponse:
        return answer(request)

    return ask


def _answers(
    label: str, sample: SampleDict, prepared: Prepared
) -> Callable[[Request], AnyResponse]:
    document = require_answer(label, sample)
    raw = sample.get("resps", sample["filtered_resps"])
    if isinstance(prepared.requests[0], Generate):
        require_prompt(label, sample, prepared)
        return _Texts(f"{document} in {label}", sample, prepared, raw).answer
    return _Likelihoods(f"{document} in {label}", sample, raw).answer


class _Texts:
    """Texts that a model wrote: by request, repeat and round.

    Args:
        place: What messages call the document.
        sample: What was recorded.
        prepared: The document as it is asked today.
        raw: The answers as they were recorded.
    """

    def __init__(
        self, place: str, sample: SampleDict, prepared: Prepared, raw: Any
    ) -> None:
        self._place = place
        self._is_dialogue = prepared.rounds is not None
        self._requests = prepared.requests
        count = len(prepared.requests)
        each = [raw] if count == 1 else raw
        if not isinstance(each, list) or len(each) != count:
            raise RecordingError(
                f"{place} was asked otherwise: today it has {count} requests"
            )
        nested = [self._repeats(answers) for answers in each]
        count = sum(len(rounds) for repeats in nested for rounds in repeats)
        facts = _facts(sample, count)
        self._left = [
            [
                deque(_response(text, next(facts)) for text in rounds)
                for rounds in repeats
            ]
            for repeats in nested
        ]

    def _repeats(self, answers: Any) -> list[list[str]]:
        """Write the answers to a request as repeats of rounds."""
        told = answers if isinstance(answers, list) else [answers]
        if self._is_dialogue:
            return [told] if all(isinstance(one, str) for one in told) else told
        return [[text] for text in told]

    def answer(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            RecordingError: More is asked than was recorded.
        """
        number = 0 if self._is_dialogue else self._number(request)
        repeat = 0 if request.origin is None else request.origin.repeat
        repeats = self._left[number]
        if repeat >= len(repeats):
            raise RecordingError(
                f"{self._place} was asked {len(repeats)} times, today's task repeats it "
                f"more often; give --repeats {len(repeats)}"
            )
        if not repeats[repeat]:
            raise RecordingError(
                f"{self._place} had fewer rounds than today's task asks; ask it anew"
            )
        return repeats[repeat].popleft()

    def _number(self, request: Request) -> int:
        """Tell which of the document's requests one is, whatever its repeat."""
        assert isinstance(request, Generate)
        return next(
            number
            for number, known in enumerate(self._requests)
            if isinstance(known, Generate) and known.messages is request.messages
        )


class _Likelihoods:
    """How likely texts were found to be: by the texts.

    Args:
        place: What messages call the document.
        sample: What was recorded.
        raw: The answers as they were recorded, one for each of its ``arguments``.
    """

    def __init__(self, place: str, sample: SampleDict, raw: Any) -> None:
        self._place = place
        asked = sample.get("arguments", [])
        try:
            self._found = likelihoods_of(place, [tuple(one) for one in asked], raw)
        except OptionError as error:
            raise RecordingError(str(error)) from error

    def answer(self, request: Request) -> LoglikelihoodResponse:
        """Answer one request.

        Raises:
            RecordingError: Another text is asked about, or more often.
        """
        texts = _texts_of(request)
        answers = self._found.get(texts)
        if answers is None:
            raise RecordingError(
                f"{self._place} was not asked how likely {texts[-1][:_SHOWN]!r} is after "
                "the same context: another prompt was recorded; ask it anew"
            )
        repeat = 0 if request.origin is None else request.origin.repeat
        if repeat >= len(answers):
            raise RecordingError(
                f"{self._place} was asked {len(answers)} times, today's task repeats it "
                f"more often; give --repeats {len(answers)}"
            )
        return replace(answers[repeat], attempts=0)


def _texts_of(request: Request) -> tuple[str, ...]:
    if isinstance(request, Loglikelihood):
        return (request.context, request.continuation)
    assert isinstance(request, RollingLoglikelihood)
    return (request.text,)


def require_answer(label: str, sample: SampleDict) -> str:
    """Refuse a document that was not answered.

    Returns:
        What messages call the document.

    Raises:
        RecordingError: It was not.
    """
    document = f"document {sample['doc_id']} of task {sample['task']!r}"
    # What only the judge had no verdict on has an answer, and so has a conversation that
    # counts turns without one as zero.
    is_answered = sample["status"] in ("scored", "answered")
    if not is_answered and "error" in sample and "resps" not in sample:
        raise RecordingError(
            f"{document} has no answer in {label}: {sample['error']}; have it asked "
            f"with --resume {label} --rerun-errors, then score again"
        )
    return document


def require_prompt(label: str, sample: SampleDict, prepared: Prepared) -> None:
    """Refuse the answer to another prompt.

    Raises:
        RecordingError: It is one.
    """
    today = decode(encode(prompt_of(prepared)))
    if today == sample["input"]:
        return
    raise RecordingError(
        f"document {sample['doc_id']} of task {sample['task']!r} had another prompt in "
        f"{label}: {_difference(sample['input'], today)}; ask it anew, or score the "
        f"answer to the other prompt with --model replay --model-args path={label}"
    )


def _difference(recorded: Any, today: Any) -> str:
    """Show where two prompts begin to differ."""
    one, other = encode(recorded).decode(), encode(today).decode()
    pairs = zip_longest(one, other)
    at = next((n for n, (a, b) in enumerate(pairs) if a != b), 0)
    start = max(0, at - _SHOWN // 4)
    return (
        f"...{one[start : start + _SHOWN]}... is ...{other[start : start + _SHOWN]}..."
    )


class _Facts(NamedTuple):
    """What came with one answer."""

    reasoning: str | None
    finish_reason: str | None
    refusal: str | None
    notes: tuple[str, ...]


def _facts(sample: SampleDict, count: int) -> Iterator[_Facts]:
    """List what came with each of so many answers."""
    columns = [
        _column(sample.get(name), count)
        for name in ("reasoning", "finish_reason", "refusal")
    ]
    notes = tuple(sample.get("notes", ()))
    for reasoning, finish_reason, refusal in zip(*columns, strict=True):
        yield _Facts(reasoning, finish_reason, refusal, notes)


def _column(value: Any, count: int) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    return values if len(values) == count else [None] * count


def _response(text: str, facts: _Facts) -> Response:
    # A thought that stands in the text is taken out of it again.
    is_apart = facts.reasoning is not None and facts.reasoning not in text
    return Response(
        text=text,
        reasoning=facts.reasoning if is_apart else None,
        finish_reason=facts.finish_reason,
        refusal=facts.refusal,
        attempts=0,
        notes=facts.notes,
    )
