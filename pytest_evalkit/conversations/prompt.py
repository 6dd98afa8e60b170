"""What a model is shown in each client turn, where the history is the recorded one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_evalkit.conversations.conversation import (
    NO_SETTINGS,
    Conversation,
    Turn,
    TurnSettings,
)
from pytest_evalkit.messages import Message
from pytest_evalkit.values import Generate, GenerationParameters, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPrompt:
    """One request: everything said so far, and how it is to be answered.

    Attributes:
        conversation: The conversation's id.
        turn: The number of the turn to answer, from one.
        sample_index: The turn's place among all client turns of the file, from zero;
            None for one that no file has.
        messages: System text, all earlier turns, and the turn itself.
        settings: How to ask, with all gaps filled that can be.
        delay_s: Seconds that the client took before the turn, as recorded, or None.
    """

    conversation: str
    turn: int
    sample_index: int | None
    messages: tuple[Message, ...]
    settings: TurnSettings
    delay_s: float | None

    @property
    def parameters(self) -> GenerationParameters:
        """How to generate."""
        return self.settings.parameters

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What may be called; empty for nothing."""
        return self.settings.tools or ()

    def request(self) -> Generate:
        """Put it as a request; model and streaming are for who sends it."""
        return Generate(
            messages=self.messages, parameters=self.parameters, tools=self.tools
        )


def recorded_prompts(
    conversation: Conversation, defaults: TurnSettings = NO_SETTINGS
) -> Iterator[TurnPrompt]:
    """Build the prompt of each client turn from what the file says, in order.

    No answer of a model has a part in them: they are the same for every model.

    Args:
        conversation: What was recorded.
        defaults: What holds for every turn that says nothing else.
    """
    settings = {turn.number: asked for turn, asked in conversation.settings(defaults)}
    said = opening(conversation)
    for turn in conversation.turns:
        said.append(turn.message)
        if turn.is_client:
            yield prompt_of(conversation, turn, said, settings[turn.number])


def opening(conversation: Conversation) -> list[Message]:
    """Say what stands before the first turn: the system's text, where there is one."""
    if conversation.system is None:
        return []
    return [Message.of_text("system", conversation.system)]


def prompt_of(
    conversation: Conversation,
    turn: Turn,
    said: list[Message],
    settings: TurnSettings,
) -> TurnPrompt:
    """Put what was said as the prompt of a client turn.

    Args:
        conversation: Whose turn it is.
        turn: The turn to answer.
        said: Everything that the model is shown, the turn itself last.
        settings: How to ask.
    """
    return TurnPrompt(
        conversation=conversation.id,
        turn=turn.number,
        sample_index=turn.sample_index,
        messages=tuple(said),
        settings=settings,
        delay_s=turn.delay_s,
    )
