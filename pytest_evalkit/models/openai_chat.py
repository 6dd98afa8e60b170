"""Models behind a chat completions endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_evalkit.messages import to_openai_messages
from pytest_evalkit.models.openai_answer import Spoken, spoken_in_chat
from pytest_evalkit.models.openai_endpoint import OpenAIEndpoint
from pytest_evalkit.values import Generate


@dataclass(kw_only=True, eq=False)
class OpenAIChat(OpenAIEndpoint):
    """Asks ``POST <base_url>/chat/completions``; texts and images.

    Its arguments are those of OpenAIEndpoint.
    """

    path: ClassVar[str] = "/chat/completions"

    def _prompt(self, request: Generate) -> dict[str, Any]:
        return {"messages": to_openai_messages(request.messages)}

    def _spoken(self, choice: Mapping[str, Any]) -> Spoken:
        return spoken_in_chat(choice)
