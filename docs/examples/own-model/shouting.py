"""A backend of our own, named on the command line as shouting:Shouting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_evalkit import Generate, Identity, Response


class Shouting:
    """Repeats what it is asked, in capitals.

    Its keyword arguments are what ``--model-args`` may say.
    """

    model_name = "shouting"

    def __init__(self, *, ending: str = "!") -> None:
        self._ending = ending

    def describe(self) -> Mapping[str, Any]:
        """Say how answers come about; the results record it."""
        return {"model": self.model_name, "ending": self._ending}

    async def generate(self, request: Generate) -> Response:
        """Answer one request, once: retries are the engine's."""
        return Response(text=request.messages[-1].text.upper() + self._ending)

    async def identity(self) -> Identity:
        """Say what the answers depend on, besides the request."""
        return Identity(facts=self.describe(), temperature=0.0)

    async def aclose(self) -> None:
        """Give back connections; there are none."""
