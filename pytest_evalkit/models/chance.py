"""Backends that show the level of chance: a fixed answer, a random one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
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

# What an open question is answered with; short answers that do occur as targets.
_WORDS = ("yes", "no", "A", "B", "C", "D", *map(str, range(10)))
# Of what a constant does not say.
_UNSAID_LOGPROB = -100.0
_LOGPROB_OF_A_BYTE = -math.log(256)
# A draw has so many values.
_DRAWS = 2**64


class Constant:
    """Answers the same text to everything.

    Args:
        text: The answer.
    """

    model_name = "constant"
    draws_images = True

    def __init__(self, *, text: str = "") -> None:
        self._text = text

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about."""
        return {"model": self.model_name, "text": self._text}

    async def generate(self, request: Generate) -> Response:  # noqa: ARG002 - any
        """Answer the text."""
        return Response(text=self._text, finish_reason="stop")

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        """Find the text certain, and anything else equally unlikely."""
        is_said = reads_as(request, self._text)
        return LoglikelihoodResponse(
            logprob=0.0 if is_said else _UNSAID_LOGPROB, is_greedy=is_said
        )

    async def rolling_loglikelihood(
        self, request: RollingLoglikelihood
    ) -> LoglikelihoodResponse:
        """Find all bytes of a text equally likely."""
        return _all_bytes_alike(request.text)

    async def aclose(self) -> None:
        """Do nothing: a constant holds nothing."""


class Random:
    """Draws one of the choices, or a short word where the question is open.

    The draw depends on the seed, the task, the document, its turn and the repeat alone:
    neither on order nor on the number of workers.

    Args:
        seed: Another seed gives other draws.
    """

    model_name = "random"
    draws_images = True

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about."""
        return {"model": self.model_name, "seed": self._seed}

    async def generate(self, request: Generate) -> Response:
        """Answer with a draw.

        Raises:
            RequestRejectedError: The request is of no document.
        """
        origin = _origin_of(request)
        answers = origin.choices or _WORDS
        turn = () if origin.turn is None else (str(origin.turn),)
        draw = self._draw(origin, *turn) % len(answers)
        return Response(text=answers[draw], finish_reason="stop")

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        """Draw a probability, which also depends on the texts.

        Raises:
            RequestRejectedError: The request is of no document.
        """
        origin = _origin_of(request)
        draw = self._draw(origin, request.context, request.continuation)
        return LoglikelihoodResponse(
            logprob=math.log((draw + 1) / _DRAWS), is_greedy=False
        )

    async def rolling_loglikelihood(
        self, request: RollingLoglikelihood
    ) -> LoglikelihoodResponse:
        """Find all bytes of a text equally likely."""
        return _all_bytes_alike(request.text)

    async def aclose(self) -> None:
        """Do nothing: a die holds nothing."""

    def _draw(self, origin: Origin, *texts: str) -> int:
        place = (str(self._seed), origin.task, str(origin.doc_id), str(origin.repeat))
        drawn = hashlib.sha256(
            "\0".join((*place, *texts)).encode(errors="surrogatepass")
        ).digest()
        return int.from_bytes(drawn[:8])


def _origin_of(request: Generate | Loglikelihood) -> Origin:
    if request.origin is None:
        raise RequestRejectedError(
            "the random model answers documents of a task only; this request has none"
        )
    return request.origin


def _all_bytes_alike(text: str) -> LoglikelihoodResponse:
    size = len(text.encode(errors="surrogatepass"))
    return LoglikelihoodResponse(logprob=size * _LOGPROB_OF_A_BYTE, is_greedy=not size)
