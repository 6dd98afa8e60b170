"""What is asked in a conversation, and what is right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from pytest_evalkit.conversations import (
    Conversation,
    TurnPrompt,
    TurnSettings,
)
from pytest_evalkit.conversations.conversation import Turn
from pytest_evalkit.messages import Message, TextPart, ToolCallPart
from pytest_evalkit.scoring import TurnKey
from pytest_evalkit.tasks.conversation_documents import PLACEHOLDER, TARGET
from pytest_evalkit.tasks.conversation_rules import ConversationRules
from pytest_evalkit.values import Generate, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationPlan:
    """One conversation that is ready to be led.

    Attributes:
        conversation: What is said in it, as far as it is to be led.
        rules: How it is led.
        defaults: How a turn is asked that does not say it itself.
        keys: What is right for each client turn; None where nobody says.
        messages: What the record shows of it: all that is said until the last answer,
            and of a live one what the client says.
        origin: Where its requests come from; without a turn.
    """

    conversation: Conversation
    rules: ConversationRules
    defaults: TurnSettings
    keys: tuple[TurnKey | None, ...]
    messages: tuple[Message, ...]
    origin: Origin

    def request(self, prompt: TurnPrompt) -> Generate:
        """Put the prompt of a turn as a request.

        What a row says of the model is sent as it says: an endpoint may serve several.
        """
        place = self.place(prompt.turn)
        key = self.keys[place]
        extra = {
            name: value
            for name, value in prompt.parameters.extra.items()
            if name != "n"
        }
        if prompt.settings.model is not None:
            extra["model"] = prompt.settings.model
        return Generate(
            messages=prompt.messages,
            parameters=replace(prompt.parameters, extra=extra),
            tools=prompt.tools,
            is_streamed=prompt.settings.stream,
            origin=structs.replace(
                self.origin,
                turn=place,
                target=None if key is None else list(key.texts),
                calls=() if key is None else key.calls,
            ),
        )

    def place(self, number: int) -> int:
        """Tell the place of a client turn among those of its conversation, from zero."""
        numbers = [turn.number for turn in self.conversation.client_turns]
        return numbers.index(number)


def turn_keys(conversation: Conversation) -> list[TurnKey | None]:
    """Tell what is right for each client turn.

    That is the ``target`` of its row where it has one, else what the assistant says
    next; None where it is the last and has none, or where that only holds its place.
    """
    following = {turn.number: turn for turn in conversation.turns if not turn.is_client}
    return [
        _key(turn, following.get(turn.number + 1)) for turn in conversation.client_turns
    ]


def _key(turn: Turn, answer: Turn | None) -> TurnKey | None:
    target = turn.others.get(TARGET)
    if answer is not None and answer.others.get(PLACEHOLDER):
        answer = None
    if answer is None and target is None:
        return None
    parts = () if answer is None else answer.message.parts
    said = tuple(
        part.text for part in parts if isinstance(part, TextPart) and part.text
    )
    texts = said if target is None else _texts(target)
    calls = tuple(part for part in parts if isinstance(part, ToolCallPart))
    return TurnKey(texts=texts, calls=calls)


def _texts(target: Any) -> tuple[str, ...]:
    return tuple(target) if isinstance(target, list) else (target,)
