"""Backends that show the level of chance: a fixed answer, a random one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.values import Generate, Origin, Response

# What an open question is answered with; short answers that do occur as targets.
_WORDS = ("yes", "no", "A", "B", "C", "D", *map(str, range(10)))


class Constant:
    """Answers the same text to everything.

    Args:
        text: The answer.
    """

    model_name = "constant"

    def __init__(self, *, text: str = "") -> None:
        self._text = text

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about."""
        return {"model": self.model_name, "text": self._text}

    async def generate(self, request: Generate) -> Response:  # noqa: ARG002 - any
        """Answer the text."""
        return Response(text=self._text, finish_reason="stop")

    async def aclose(self) -> None:
        """Do nothing: a constant holds nothing."""


class Random:
    """Draws one of the choices, or a short word where the question is open.

    The draw depends on the seed, the task, the document and the repeat alone: neither
    on order nor on the number of workers.

    Args:
        seed: Another seed gives other draws.
    """

    model_name = "random"

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
        if request.origin is None:
            raise RequestRejectedError(
                "the random model answers documents of a task only; "
                "this request has none"
            )
        answers = request.origin.choices or _WORDS
        draw = self._draw(request.origin) % len(answers)
        return Response(text=answers[draw], finish_reason="stop")

    async def aclose(self) -> None:
        """Do nothing: a die holds nothing."""

    def _draw(self, origin: Origin) -> int:
        place = f"{self._seed}\0{origin.task}\0{origin.doc_id}\0{origin.repeat}"
        return int.from_bytes(hashlib.sha256(place.encode()).digest()[:8])
