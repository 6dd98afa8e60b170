"""The seam between the engine and whatever answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from pytest_evalkit.values import Generate, Response


@runtime_checkable
class Backend(Protocol):
    """Answers requests; one attempt each, without retries of its own.

    A backend is constructed by keyword arguments alone; their names and annotations
    are what ``--model-args`` may say. Construction opens no connection.
    """

    @property
    def model_name(self) -> str:
        """What the results call the model, such as ``gpt-5`` or ``oracle``."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about: plain JSON values, secrets masked."""
        ...

    async def generate(self, request: Generate) -> Response:
        """Answer one request.

        Raises:
            TransientModelError: There is no answer; asking again may help.
            RequestRejectedError: There is no answer, nor will there be.
            ModelUnavailableError: No request will be answered.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections and processes; called once, may find none."""
        ...
