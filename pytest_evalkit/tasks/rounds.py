"""Tasks that go on asking: what a task says to the answers it got so far."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytest_evalkit.messages import MediaPart, Message, TextPart
from pytest_evalkit.tasks.conversations import Conversations
from pytest_evalkit.tasks.functions import guarded
from pytest_evalkit.tasks.recipe import Recipe

_ROUND = ("round_idx", "previous_output", "previous_round_info")
_KWARGS = "lmms_eval_specific_kwargs"
_AGENTIC = "generate_until_agentic"
_OF_MESSAGES = 4
_OF_TEXT = 5
_AGENTIC_STEPS = 12


class Round(NamedTuple):
    """What a task says next.

    Attributes:
        messages: What the model is asked, or None where the dialogue has ended.
        outputs: What the task makes of the answers so far, or None to leave them.
        state: Whatever the task wants to be told when it is asked again.
    """

    messages: tuple[Message, ...] | None
    outputs: tuple[Any, ...] | None = None
    state: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """How one document goes on after each answer.

    Attributes:
        recipe: The task.
        doc: The document.
        conversations: Reads what the task's functions return.
        first_media: The media of the first round.
    """

    recipe: Recipe
    doc: Mapping[str, Any]
    conversations: Conversations
    first_media: tuple[MediaPart, ...]

    @property
    def is_agentic(self) -> bool:
        """Whether what counts is the task's last word, and not each answer."""
        return self.recipe.output_type == _AGENTIC

    @property
    def most(self) -> int | None:
        """The most answers to ask for; None where the task alone knows the end."""
        if not self.is_agentic:
            return None
        kwargs = self.recipe.values.get("generation_kwargs") or {}
        return int(kwargs.get("max_agentic_steps") or _AGENTIC_STEPS)

    def following(self, number: int, outputs: Sequence[str], state: Any) -> Round:
        """Ask the task what to say next.

        Args:
            number: How many answers there are.
            outputs: The answers.
            state: What the task returned the last time, or None.

        Raises:
            TaskError: Its function fails, or returns what is no round.
            DatasetError: A medium cannot be read.
        """
        key = self._key
        function = self.recipe.values[key]
        call = guarded(
            lambda: function(
                self.doc, **self._arguments(function, number, outputs, state)
            ),
            key,
            self.recipe.source.place(key),
        )
        payload = call()
        if payload is None:
            return Round(None)
        if isinstance(payload, str):
            return Round(self._turn(None, payload), None, state)
        if isinstance(payload, tuple) and len(payload) in (_OF_MESSAGES, _OF_TEXT):
            return self._round(payload)
        raise self.recipe.source.error(
            f"{key} returned {type(payload).__name__} for round {number}, but must "
            "return a text, (media, text, is last, answers, state) or (messages, is "
            "last, answers, state)",
            key,
        )

    @property
    def _key(self) -> str:
        values = self.recipe.values
        is_own = not self.is_agentic and callable(values.get("doc_to_messages"))
        return "doc_to_messages" if is_own else "doc_to_text"

    def _arguments(
        self,
        function: Callable[..., Any],
        number: int,
        outputs: Sequence[str],
        state: Any,
    ) -> dict[str, Any]:
        given = dict(zip(_ROUND, (number, list(outputs), state), strict=True))
        if self.recipe.kwargs is not None:
            # A copy: functions change it, and documents are prepared meanwhile.
            given[_KWARGS] = dict(self.recipe.kwargs)
        parameters = inspect.signature(function).parameters
        takes_all = any(
            parameter.kind is inspect.Parameter.VAR_KEYWORD
            for parameter in parameters.values()
        )
        return {
            name: value
            for name, value in given.items()
            if takes_all or name in parameters
        }

    def _round(self, payload: tuple[Any, ...]) -> Round:
        *said, is_last, outputs, state = payload
        told = None if outputs is None else tuple(outputs)
        if is_last:
            return Round(None, told, state)
        if len(said) == 1:
            return Round(self.conversations.messages(said[0]), told, state)
        media, text = said
        return Round(self._turn(media, text), told, state)

    def _turn(self, media: Any, text: str) -> tuple[Message, ...]:
        """Write one round as the user says it."""
        if media is None and self.is_agentic:
            # What an agent saw at first stays before it.
            parts = self.first_media
        else:
            parts = tuple(self.conversations.medium(item) for item in media or ())
        return (Message("user", (*parts, TextPart(text))),)
