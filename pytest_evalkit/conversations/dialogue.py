"""A conversation as a flow: its turns are asked one after another, answers told back."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_evalkit.conversations.conversation import (
    NO_SETTINGS,
    Conversation,
    Turn,
    TurnSettings,
)
from pytest_evalkit.conversations.prompt import (
    TurnPrompt,
    opening,
    prompt_of,
    recorded_prompts,
)
from pytest_evalkit.errors import UnsuitedModelError
from pytest_evalkit.messages import Message, TextPart, ToolCallPart, ToolResultPart
from pytest_evalkit.values import Response

History = Literal["dataset", "live"]
OnTurnFailure = Literal["abort", "continue"]
OnMissingCall = Literal["error_stop", "ignore_stop", "ignore_continue"]
TurnStatus = Literal["successful", "errored", "skipped"]

ABORTED = "aborted_by_prior_failure"
NO_CALL = "no_tool_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFailure:
    """Tell a flow that a turn has no answer.

    Attributes:
        cause: Why, in one line.
    """

    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteTools:
    """Ask for tools to be called; the answer is one result for each, in order.

    Attributes:
        turn: The number of the client turn that the results are for.
        calls: What the model wants to have called; at least one.
    """

    turn: int
    calls: tuple[ToolCallPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOutcome:
    """What became of one client turn.

    Attributes:
        turn: The turn as the file has it.
        status: A turn that was never asked is skipped.
        response: The answer; None unless the turn was successful.
        cause: Why there is no answer; None where there is one.
    """

    turn: Turn
    status: TurnStatus
    response: Response | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueRules:
    """How a conversation is led.

    Attributes:
        history: ``dataset`` for prompts as recorded, ``live`` for the model's answers.
        on_turn_failure: What a failed turn does to those after it.
        on_missing_call: What becomes of a tool's turn in live history, where the model
            called none: an error and the end, the end, or the next turn.
        has_executor: Whether somebody calls tools.
    """

    history: History = "dataset"
    on_turn_failure: OnTurnFailure = "abort"
    on_missing_call: OnMissingCall = "error_stop"
    has_executor: bool = False


RECORDED = DialogueRules()
"""Every prompt is as recorded, and a failed turn ends the conversation."""

Asked = TurnPrompt | ExecuteTools
Told = Response | TurnFailure | Sequence[str]
DialogueFlow = Generator[Asked, Told, tuple[TurnOutcome, ...]]


def require_playable(conversation: Conversation, rules: DialogueRules) -> None:
    """Check that a conversation can be led by the rules, before anything is asked.

    Raises:
        UnsuitedModelError: Its tools have nobody to call them in live history, or it
            would go on after an answer that is missing from that.
    """
    if rules.history == "dataset":
        return
    named = f"conversation {conversation.id!r}"
    tool = conversation.first_tool_turn
    if tool is not None and not rules.has_executor:
        raise UnsuitedModelError(
            named,
            f"has results of tools (turn {tool.number}, line {tool.line}), which answer "
            "recorded calls and not the model's; use history: dataset, or name a "
            "tool_executor",
        )
    if rules.on_turn_failure == "continue":
        raise UnsuitedModelError(
            named,
            "cannot go on after a failed turn in live history, where the answer is "
            "part of the next prompt; use history: dataset, or on_turn_failure: abort",
        )


def dialogue(
    conversation: Conversation,
    rules: DialogueRules = RECORDED,
    defaults: TurnSettings = NO_SETTINGS,
) -> DialogueFlow:
    """Ask the client turns of a conversation in order.

    It yields prompts, and is told responses or failures; in live history it may yield
    calls of tools, and is told the text of each result, or the failure of them all.

    Args:
        conversation: What was recorded.
        rules: How it is led.
        defaults: What holds for every turn that says nothing else.

    Returns:
        One outcome for each client turn, whatever happened.

    Raises:
        UnsuitedModelError: The conversation cannot be led by the rules.
    """
    require_playable(conversation, rules)
    if rules.history == "live":
        return (yield from _live(conversation, rules, defaults))
    return (yield from _recorded(conversation, rules, defaults))


def _recorded(
    conversation: Conversation, rules: DialogueRules, defaults: TurnSettings
) -> DialogueFlow:
    outcomes: list[TurnOutcome] = []
    prompts = recorded_prompts(conversation, defaults)
    for turn, prompt in zip(conversation.client_turns, prompts, strict=True):
        outcome = yield from _asked(turn, prompt)
        outcomes.append(outcome)
        if outcome.status == "errored" and rules.on_turn_failure == "abort":
            break
    return _completed(conversation, outcomes, ABORTED)


def _live(
    conversation: Conversation, rules: DialogueRules, defaults: TurnSettings
) -> DialogueFlow:
    said = opening(conversation)
    calls: tuple[ToolCallPart, ...] = ()
    outcomes: list[TurnOutcome] = []
    for turn, settings in conversation.settings(defaults):
        if turn.message.role == "tool" and not calls:
            outcomes.append(_without_call(turn, rules))
            if rules.on_missing_call == "ignore_continue":
                continue
            break
        if calls:
            heard = yield from _heard(turn, calls, rules)
            if isinstance(heard, TurnOutcome):
                outcomes.append(heard)
                break
            said.append(heard)
        if turn.message.role == "user":
            said.append(turn.message)
        outcome = yield from _asked(turn, prompt_of(conversation, turn, said, settings))
        outcomes.append(outcome)
        if outcome.response is None:
            break
        said.append(_answer(outcome.response))
        calls = outcome.response.tool_calls
    is_failed = any(outcome.status == "errored" for outcome in outcomes)
    return _completed(conversation, outcomes, ABORTED if is_failed else NO_CALL)


def _asked(turn: Turn, prompt: TurnPrompt) -> Generator[Asked, Told, TurnOutcome]:
    told = yield prompt
    if isinstance(told, TurnFailure):
        return TurnOutcome(turn=turn, status="errored", cause=told.cause)
    assert isinstance(told, Response), "a prompt is answered by a response"
    return TurnOutcome(turn=turn, status="successful", response=told)


def _heard(
    turn: Turn, calls: tuple[ToolCallPart, ...], rules: DialogueRules
) -> Generator[Asked, Told, Message | TurnOutcome]:
    """Have the calls of the answer before made; where none can be, the turn fails."""
    if not rules.has_executor:
        return _unanswerable(turn, calls)
    told = yield ExecuteTools(turn=turn.number, calls=calls)
    if isinstance(told, TurnFailure):
        return TurnOutcome(turn=turn, status="errored", cause=told.cause)
    assert isinstance(told, Sequence), "calls are answered by results"
    results = (
        ToolResultPart(call.id, text) for call, text in zip(calls, told, strict=True)
    )
    return Message("tool", tuple(results))


def _unanswerable(turn: Turn, calls: tuple[ToolCallPart, ...]) -> TurnOutcome:
    """Fail a turn before which the model called tools that nobody can call."""
    named = ", ".join(call.name for call in calls)
    cause = f"the model called {named} before, and no tool_executor is named"
    return TurnOutcome(turn=turn, status="errored", cause=cause)


def _without_call(turn: Turn, rules: DialogueRules) -> TurnOutcome:
    if rules.on_missing_call == "error_stop":
        cause = "a tool should answer here, and the model called none"
        return TurnOutcome(turn=turn, status="errored", cause=cause)
    return TurnOutcome(turn=turn, status="skipped", cause=NO_CALL)


def _answer(response: Response) -> Message:
    # What says nothing and calls nothing is still an answer, of empty text.
    is_silent = not response.text and bool(response.tool_calls)
    text = () if is_silent else (TextPart(response.text),)
    parts = (*text, *response.tool_calls)
    return Message("assistant", parts, reasoning=response.reasoning)


def _completed(
    conversation: Conversation, outcomes: Sequence[TurnOutcome], cause: str
) -> tuple[TurnOutcome, ...]:
    left = conversation.client_turns[len(outcomes) :]
    skipped = (TurnOutcome(turn=turn, status="skipped", cause=cause) for turn in left)
    return (*outcomes, *skipped)
