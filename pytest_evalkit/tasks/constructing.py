"""Requests that a task class constructs, as ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.messages import Message
from pytest_evalkit.tasks.functions import guarded
from pytest_evalkit.tasks.generation import parameters
from pytest_evalkit.tasks.python_tasks import Construct
from pytest_evalkit.tasks.source import Source
from pytest_evalkit.values import (
    Generate,
    Loglikelihood,
    Origin,
    Request,
    RollingLoglikelihood,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constructing:
    """How a task class asks.

    Attributes:
        source: The task file, for messages.
        construct: The class's own method.
        generation: Generation arguments that go over those of the class.
        max_tokens: The most tokens to generate where neither says, or None.
    """

    source: Source
    construct: Construct
    generation: Mapping[str, Any]
    max_tokens: int | None

    def requests(
        self, origin: Origin, prompt: str, messages: Callable[[], Sequence[Message]]
    ) -> tuple[Request, ...]:
        """Have the class construct the requests of a document.

        Args:
            origin: The document.
            prompt: What asks its question, as one text.
            messages: Writes the same as messages.

        Raises:
            TaskError: The class failed, or wants something else than a model can do.
        """
        place = self.source.place("class")
        construct = guarded(self.construct, "construct_requests", place)
        doc = dict(origin.doc)
        made = construct(doc, prompt, origin.task, origin.doc_id)
        if not made:
            raise self._error("made no request")
        return tuple(self._request(each, origin, prompt, messages) for each in made)

    def _request(
        self,
        made: Any,
        origin: Origin,
        prompt: str,
        messages: Callable[[], Sequence[Message]],
    ) -> Request:
        kind = getattr(made, "request_type", None)
        match kind, getattr(made, "args", None):
            case "generate_until", (str(text), Mapping() as options, *_):
                said = (
                    messages() if text == prompt else (Message.of_text("user", text),)
                )
                asked = parameters(
                    options, self.generation, stop=None, max_tokens=self.max_tokens
                )
                return Generate(messages=tuple(said), parameters=asked, origin=origin)
            case "loglikelihood", (str(text), str(continuation)):
                return Loglikelihood(
                    context=text, continuation=continuation, origin=origin
                )
            case "loglikelihood_rolling", (str(text),):
                return RollingLoglikelihood(text=text, origin=origin)
        raise self._error(
            f"made {made!r}, which is none of the requests there are: "
            "generate_until (text, arguments), loglikelihood (text, continuation), "
            "loglikelihood_rolling (text)"
        )

    def _error(self, problem: str) -> Exception:
        return self.source.error(f"construct_requests {problem}", "class")
