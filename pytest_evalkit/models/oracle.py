"""The oracle: a backend that answers what the task expects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.models.choosing import reads_as
from pytest_evalkit.values import (
    Generate,
    Loglikelihood,
    LoglikelihoodResponse,
    Origin,
    Response,
    RollingLoglikelihood,
)

# How unlikely each character is of what is not the answer: enough for scores that are
# shares of probability to be those of a model that is certain.
_WRONG_LOGPROB = -30.0


class Oracle:
    """Answers the target of each document: shows that a task can be won."""

    model_name = "oracle"
    draws_images = True

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about."""
        return {"model": self.model_name}

    async def generate(self, request: Generate) -> Response:
        """Answer as well as can be: the task's ideal answer, or else its target.

        Raises:
            RequestRejectedError: The request is of no document, or its document's
                target is no text, no number and no choice.
        """
        origin = request.origin
        if origin is not None and origin.turn is not None:
            return _turn_answer(origin)
        answer = _best_answer(origin)
        if origin is not None and origin.answer_form is not None:
            answer = origin.answer_form.replace("{answer}", answer)
        return Response(text=answer, finish_reason="stop")

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        """Find the right answer certain, and anything else the less likely the longer.

        Raises:
            RequestRejectedError: As ``generate``.
        """
        is_alone = request.origin is not None and request.origin.is_without_question
        if reads_as(request, _best_answer(request.origin)) and not is_alone:
            return LoglikelihoodResponse(logprob=0.0, is_greedy=True)
        characters = max(1, len(request.continuation))
        return LoglikelihoodResponse(
            logprob=_WRONG_LOGPROB * characters, is_greedy=False
        )

    async def rolling_loglikelihood(
        self,
        request: RollingLoglikelihood,  # noqa: ARG002 - any
    ) -> LoglikelihoodResponse:
        """Find the text certain: nothing surprises an oracle."""
        return LoglikelihoodResponse(logprob=0.0, is_greedy=True)

    async def aclose(self) -> None:
        """Do nothing: an oracle holds nothing."""


def _turn_answer(origin: Origin) -> Response:
    """Say and call in a turn of a conversation what is right there."""
    if origin.target is None:
        raise RequestRejectedError(
            f"conversation {origin.doc_id} of {origin.task} does not say what is right "
            "for this turn, so that the oracle has no answer to it: let the assistant "
            "speak after it, or give its row a target"
        )
    texts, calls = origin.target, origin.calls
    reason = "tool_calls" if calls else "stop"
    text = texts[0] if texts else ""
    return Response(text=text, tool_calls=calls, finish_reason=reason)


def _best_answer(origin: Origin | None) -> str:
    if origin is None:
        raise RequestRejectedError(
            "the oracle answers documents of a task only; this request has none"
        )
    if origin.ideal is not None:
        return origin.ideal
    return _answer(origin, origin.target)


def _answer(origin: Origin, target: Any) -> str:
    if isinstance(target, str):
        return target
    if isinstance(target, Sequence) and target:
        return _answer(origin, target[0])
    if isinstance(target, int | float) and not isinstance(target, bool):
        return _numbered(origin, target)
    raise RequestRejectedError(
        f"document {origin.doc_id} of {origin.task} has the target {target!r}, "
        "which the oracle cannot say: it must be a text, a number or a list of them"
    )


def _numbered(origin: Origin, target: float) -> str:
    """Say the choice that a number stands for, or the number where none are given."""
    if not origin.choices or not isinstance(target, int):
        return str(target)
    if not 0 <= target < len(origin.choices):
        raise RequestRejectedError(
            f"document {origin.doc_id} of {origin.task} has the target {target}, "
            f"but {len(origin.choices)} choices"
        )
    return origin.choices[target]
