"""The key ``conversation``: how the conversations of a task are led and scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from pytest_evalkit.conversations import DialogueRules
from pytest_evalkit.conversations.dialogue import (
    History,
    OnMissingCall,
    OnTurnFailure,
)
from pytest_evalkit.naming import suggestion
from pytest_evalkit.tasks.locations import BUILDERS
from pytest_evalkit.tasks.settings import TaskSettings
from pytest_evalkit.tasks.source import Source

Missing = Literal["exclude", "zero"]

_KEY = "conversation"
_TURN_TIMEOUT_S = 300.0
_CHOICES: Mapping[str, Sequence[str]] = {
    "history": get_args(History),
    "on_turn_failure": get_args(OnTurnFailure),
    "tool_call_missing": get_args(OnMissingCall),
    "missing": get_args(Missing),
}
# Beside ``conversation``; all others write prompts or targets, which the data have.
_KEYS = frozenset(
    {
        *("task", "task_alias", "tag", "group", "group_alias", "dialect", _KEY),
        *("dataset_path", "dataset_name", "dataset_kwargs", "dataset_revision"),
        *("custom_dataset", "training_split", "validation_split", "test_split"),
        *("process_docs", "generation_kwargs", "model_specific_generation_kwargs"),
        *("filter_list", "metric_list", "process_results", "full_docs"),
        *("cluster_key", "score_key", "reasoning_tags", "auto_strip_thinking"),
        *("unsafe_code", "metadata", "gate", "needs", "repeats", "task_list"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRules:
    """How the conversations of a task are led and scored.

    Attributes:
        dialogue: How each is led.
        turn_timeout_s: Seconds that a turn may take, from when it is sent, or its tools
            are called, to its whole answer; above zero.
        injects_delay: Whether a client waits before a turn as long as was recorded.
        tool_executor: The fixture that calls tools, or None.
        max_turns: The most client turns of a conversation; None for all.
        missing: What a turn without an answer does to the score: ``exclude`` leaves it
            out, and the whole conversation where the turn failed; ``zero`` counts it as
            worth nothing.
        reports_turns: Whether each turn is reported as a subtest.
    """

    dialogue: DialogueRules
    turn_timeout_s: float = _TURN_TIMEOUT_S
    injects_delay: bool = False
    tool_executor: str | None = None
    max_turns: int | None = None
    missing: Missing = "exclude"
    reports_turns: bool = False


def has_conversations(values: Mapping[str, Any]) -> bool:
    """Tell whether the documents of a task, given its keys, are conversations."""
    return values.get(_KEY) is not None


def conversation_rules(
    source: Source, settings: TaskSettings
) -> ConversationRules | None:
    """Read the key ``conversation``; None where a task has no conversations.

    Args:
        source: The task file, its keys and their kinds checked.
        settings: What the command line says.

    Raises:
        TaskError: A value is none of those there are, does not go with another, or a
            key of the task or an option has no part in conversations.
    """
    values = source.values.get(_KEY)
    if values is None:
        return None
    _check_settings(source, settings)
    said = {key: value for key, value in values.items() if value is not None}
    _check_choices(source, said)
    _check_ranges(source, said)
    _check_keys(source)
    executor = said.get("tool_executor")
    rules = DialogueRules(
        history=said.get("history", "dataset"),
        on_turn_failure=said.get("on_turn_failure", "abort"),
        on_missing_call=said.get("tool_call_missing", "error_stop"),
        has_executor=executor is not None,
    )
    _check_history(source, rules, said)
    return ConversationRules(
        dialogue=rules,
        turn_timeout_s=float(said.get("turn_timeout_s", _TURN_TIMEOUT_S)),
        injects_delay=said.get("inject_tool_delay", False),
        tool_executor=executor,
        max_turns=said.get("max_turns"),
        missing=said.get("missing", "exclude"),
        reports_turns=said.get("subtests", False),
    )


def with_data_defaults(source: Source) -> Source:
    """Let files of conversations be named alone, without the words that say JSON."""
    values = source.values
    kwargs = values.get("dataset_kwargs") or {}
    if values.get(_KEY) is None or "data_files" not in kwargs:
        return source
    path = values.get("dataset_path") or "json"
    made: dict[str, Any] = {**values, "dataset_path": path}
    splits = ("test_split", "validation_split")
    is_one = not isinstance(kwargs["data_files"], dict)
    if path in BUILDERS and is_one and not any(values.get(one) for one in splits):
        made["test_split"] = "train"
    return replace(source, values=made)


def _check_choices(source: Source, said: Mapping[str, Any]) -> None:
    for key, choices in _CHOICES.items():
        if key in said and said[key] not in choices:
            hint = suggestion(said[key], choices)
            message = f"{_KEY}.{key} is {said[key]!r}; {hint}"
            raise source.error(message, _KEY, key)


def _check_ranges(source: Source, said: Mapping[str, Any]) -> None:
    seconds = said.get("turn_timeout_s", _TURN_TIMEOUT_S)
    if not 0 < seconds < float("inf"):
        message = f"{_KEY}.turn_timeout_s is {seconds:g}, but must be seconds above 0"
        raise source.error(message, _KEY, "turn_timeout_s")
    if said.get("max_turns", 1) < 1:
        message = f"{_KEY}.max_turns is {said['max_turns']}, but must be 1 or more"
        raise source.error(message, _KEY, "max_turns")
    if not said.get("tool_executor", "any").isidentifier():
        message = f"{_KEY}.tool_executor names a fixture, not {said['tool_executor']!r}"
        raise source.error(message, _KEY, "tool_executor")


def _check_history(
    source: Source, rules: DialogueRules, said: Mapping[str, Any]
) -> None:
    """Refuse what has an effect only where the model's own answers are shown again."""
    if rules.history == "live":
        if rules.on_turn_failure == "continue":
            raise source.error(
                f"{_KEY}.on_turn_failure: continue does not go with history: live, "
                "where the answer that is missing is part of the next prompt",
                *(_KEY, "on_turn_failure"),
            )
        return
    for key in ("tool_executor", "tool_call_missing"):
        if key in said:
            raise source.error(
                f"{_KEY}.{key} has no effect with history: dataset, where tools "
                "answer as recorded; say history: live, or leave it out",
                *(_KEY, key),
            )


def _check_settings(source: Source, settings: TaskSettings) -> None:
    for option, value in (
        ("--num-fewshot", settings.num_fewshot or None),
        ("--repeats", None if settings.repeats == 1 else settings.repeats),
    ):
        if value is not None:
            raise source.error(
                f"{option} {value} has no part in a task with {_KEY}:, whose data are "
                "asked once, as they are; leave it out",
                _KEY,
            )


def _check_keys(source: Source) -> None:
    for key, value in source.values.items():
        if value is not None and key not in _KEYS:
            raise source.error(
                f"{key} has no part in a task with {_KEY}:, whose data say what is "
                "asked and what is right; leave it out",
                key,
            )
    repeats = source.values.get("repeats")
    if repeats not in (None, 1):
        message = f"repeats is {repeats}, but a conversation is held once"
        raise source.error(message, "repeats")
