"""Who answers in the place of a model."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.values import AnyResponse, Request, Response


def answering(answers: Iterable[Response | Exception]) -> Ask:
    """Answer one request after the other; what is an exception is raised."""
    left = iter(answers)

    async def ask(_: Request) -> AnyResponse:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask
