"""Conversations: what was said in turns, and how a model is to be asked in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pytest_evalkit.messages import Message
from pytest_evalkit.values import GenerationParameters, Tool

_OPEN = GenerationParameters()


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """How a model is to be asked; None leaves a setting to whoever fills the gaps.

    Attributes:
        model: The model, by the name that the endpoint knows.
        stream: Whether the answer is to be streamed.
        tools: What may be called; empty for nothing.
        parameters: How to generate.
    """

    model: str | None = None
    stream: bool | None = None
    tools: tuple[Tool, ...] | None = None
    parameters: GenerationParameters = _OPEN

    def filled(self, other: TurnSettings) -> TurnSettings:
        """Take from another what is not set here; what is set stays."""
        return TurnSettings(
            model=self.model if self.model is not None else other.model,
            stream=self.stream if self.stream is not None else other.stream,
            tools=self.tools if self.tools is not None else other.tools,
            parameters=_filled(self.parameters, other.parameters),
        )

    def lasting(self) -> TurnSettings:
        """Keep what holds for later turns too: model, tokens, streaming and tools."""
        return TurnSettings(
            model=self.model,
            stream=self.stream,
            tools=self.tools,
            parameters=GenerationParameters(max_tokens=self.parameters.max_tokens),
        )


NO_SETTINGS = TurnSettings()
"""Nothing is asked for: every gap is left open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing said in a conversation.

    Attributes:
        number: Its place, from one.
        line: The line of the file that says it, from one.
        message: What is said. Results of parallel calls are parts of one message.
        sample_index: For a client turn, its place among all client turns of the file,
            from zero; None for what the assistant said.
        settings: How the turn's row wants the model to be asked.
        delay_s: Seconds that the client took before it said this, as recorded; None
            where that is not known.
        others: What its row says besides, such as a reference answer; never sent.
    """

    number: int
    line: int
    message: Message
    sample_index: int | None = None
    settings: TurnSettings = NO_SETTINGS
    delay_s: float | None = None
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_client(self) -> bool:
        """Whether the model is asked to answer this: a user's or a tool's turn."""
        return self.message.role in {"user", "tool"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """An ordered exchange, which is one document.

    Attributes:
        id: What tells it from others; not empty.
        turns: What was said, from turn one; at least one.
        system: What the system says first, or None.
        others: What its line says besides, where it is on one; never sent.
    """

    id: str
    turns: tuple[Turn, ...]
    system: str | None = None
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def client_turns(self) -> tuple[Turn, ...]:
        """The turns that the model is asked to answer, in order."""
        return tuple(turn for turn in self.turns if turn.is_client)

    @property
    def first_tool_turn(self) -> Turn | None:
        """The first turn of a tool, or None."""
        tools = (turn for turn in self.turns if turn.message.role == "tool")
        return next(tools, None)

    def settings(
        self, defaults: TurnSettings = NO_SETTINGS
    ) -> Iterator[tuple[Turn, TurnSettings]]:
        """Tell for each client turn how the model is to be asked.

        A row's own value wins. What lasts of the first user row fills gaps, and the
        defaults fill what is still open.

        Args:
            defaults: What holds for every turn that says nothing else.
        """
        first, *_ = turns = self.client_turns
        lasting = first.settings.lasting()
        for turn in turns:
            yield turn, turn.settings.filled(lasting).filled(defaults)


def _filled(
    own: GenerationParameters, other: GenerationParameters
) -> GenerationParameters:
    names = [one.name for one in fields(GenerationParameters) if one.name != "extra"]
    # Stop texts have no None: an empty tuple is what nobody set.
    unset = (None, ())
    values = {
        name: getattr(other if getattr(own, name) in unset else own, name)
        for name in names
    }
    return GenerationParameters(**values, extra={**other.extra, **own.extra})
