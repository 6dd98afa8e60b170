"""Models behind a text completions endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.messages import ImagePart, text_of
from pytest_evalkit.models.openai_answer import Spoken, spoken_in_completion
from pytest_evalkit.models.openai_endpoint import OpenAIEndpoint
from pytest_evalkit.values import Generate


@dataclass(kw_only=True, eq=False)
class OpenAICompletions(OpenAIEndpoint):
    """Asks ``POST <base_url>/completions``; texts only.

    Its arguments are those of OpenAIEndpoint.
    """

    path: ClassVar[str] = "/completions"

    def _prompt(self, request: Generate) -> dict[str, Any]:
        if any(isinstance(p, ImagePart) for m in request.messages for p in m.parts):
            raise RequestRejectedError(
                "a completions endpoint takes no images; use --model openai"
            )
        return {"prompt": text_of(request.messages)}

    def _spoken(self, choice: Mapping[str, Any]) -> Spoken:
        return spoken_in_completion(choice)
