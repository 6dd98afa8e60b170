"""The keys of a task file: which there are, what they hold, and which run today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_evalkit.naming import suggestion
from pytest_evalkit.tasks.source import FunctionReference, Source, is_group

_FUNCTION = (FunctionReference,)
_TEXT = (str,)
# By truth, as both systems read them: some files have a text where a flag belongs.
_FLAG = (bool, str, int)
_MAPPING = (dict,)
_LIST = (list,)
_FIELD = (str, int, FunctionReference)
_TARGET = (str, int, list, FunctionReference)
_CHOICE = (str, list, dict, FunctionReference)
_MEDIA = (str, list, FunctionReference)

# What each key may hold; null always means that the key is not set.
SUPPORTED: Mapping[str, tuple[type, ...]] = {
    "task": _TEXT,
    "task_alias": _TEXT,
    "tag": (str, list),
    "group": (str, list),
    "dialect": _TEXT,
    "class": _FUNCTION,
    "dataset_path": _TEXT,
    "dataset_name": _TEXT,
    "dataset_kwargs": _MAPPING,
    "dataset_revision": _TEXT,
    "custom_dataset": _FUNCTION,
    "training_split": _TEXT,
    "validation_split": _TEXT,
    "test_split": _TEXT,
    "fewshot_split": _TEXT,
    "process_docs": _FUNCTION,
    "doc_to_text": _FIELD,
    "doc_to_target": _TARGET,
    "doc_to_choice": _CHOICE,
    "doc_to_ideal": (str, FunctionReference),
    "doc_to_visual": _MEDIA,
    "doc_to_image": _MEDIA,
    "doc_to_audio": _MEDIA,
    "doc_to_messages": _FUNCTION,
    "interleave_visuals": (bool,),
    "gen_prefix": _TEXT,
    "lmms_eval_specific_kwargs": _MAPPING,
    "model_specific_generation_kwargs": _MAPPING,
    "model_specific_target_kwargs": _MAPPING,
    "description": (str, FunctionReference),
    "target_delimiter": _TEXT,
    "fewshot_delimiter": _TEXT,
    "fewshot_config": _MAPPING,
    "num_fewshot": (int,),
    "output_type": _TEXT,
    "generation_kwargs": _MAPPING,
    "repeats": (int,),
    "filter_list": _LIST,
    "metric_list": _LIST,
    "process_results": _FUNCTION,
    "full_docs": _FLAG,
    "cluster_key": _TEXT,
    "score_key": _TEXT,
    "reasoning_tags": (list, str, bool),
    "auto_strip_thinking": _FLAG,
    "reasoning": (dict, bool),
    "unsafe_code": _FLAG,
    "metadata": (dict, list),
    "gate": _LIST,
    "needs": (str, list),
    "conversation": _MAPPING,
}

# Accepted, since a file that sets one means the same without it; each with its reason.
WITHOUT_EFFECT: Mapping[str, str] = {
    "should_decontaminate": "nothing in either system reads it when it scores",
    "doc_to_decontamination_query": "the same",
    "process_results_use_image": "scoring sees the whole document, images included",
    "task_list": "a note for people; both systems drop it",
    "group_alias": "the alias of a tag, which has no row in any table",
}

# Known to one of the two systems; setting one to anything but null or false is told.
NOT_YET: Mapping[str, str] = {
    "use_prompt": "promptsource is no longer maintained; write doc_to_text, "
    "doc_to_target and doc_to_choice",
    "aggregate_metric_list": "it belongs into the file of a group, whose task: is a "
    "list",
}

FEWSHOT_KEYS: Mapping[str, tuple[type, ...]] = {
    "sampler": (str, FunctionReference),
    "split": _TEXT,
    "samples": (list, FunctionReference),
    "fewshot_indices": _LIST,
    "process_docs": _FUNCTION,
    "doc_to_text": _FIELD,
    "doc_to_target": _TARGET,
    "doc_to_choice": _CHOICE,
    "gen_prefix": _TEXT,
    "target_delimiter": _TEXT,
    "fewshot_delimiter": _TEXT,
}

REASONING_KEYS: Mapping[str, tuple[type, ...]] = {
    "system_prompt": _TEXT,
    "max_new_tokens": (int,),
    "metric": _TEXT,
}

GATE_KEYS: Mapping[str, tuple[type, ...]] = {
    "metric": _TEXT,
    "filter": _TEXT,
    "min": (int, float),
    "max": (int, float),
    "max_drop": (int, float),
    "confidence": (int, float),
}
_GATE_NOT_YET = {
    "coverage": "write {metric: coverage, min: 1} instead",
    "parse_rate": "write {metric: parse_rate, min: 0.95} instead",
}

CONVERSATION_KEYS: Mapping[str, tuple[type, ...]] = {
    "history": _TEXT,
    "turn_timeout_s": (int, float),
    "on_turn_failure": _TEXT,
    "tool_call_missing": _TEXT,
    "tool_executor": _TEXT,
    "max_turns": (int,),
    "inject_tool_delay": (bool,),
    "missing": _TEXT,
    "subtests": (bool,),
}
_CONVERSATION_NOT_YET = {
    "item": "a conversation is one item; subtests: true reports each of its turns",
    "enable_salt": "prompts are sent as they are recorded",
    "routing_headers": "no header tells which conversation a request is of",
    "use_dataset_history": "write history: dataset, or history: live",
}

GROUP_KEYS: Mapping[str, tuple[type, ...]] = {
    "group": _TEXT,
    "group_alias": _TEXT,
    "task": _LIST,
    "aggregate_metric_list": (list, dict),
    "gate": _LIST,
    "metadata": (dict, list),
}
GROUP_METRIC_KEYS: Mapping[str, tuple[type, ...]] = {
    "metric": (str, FunctionReference),
    "filter_list": (str, list),
    "aggregation": (str, FunctionReference),
    "weight_by_size": _FLAG,
}

OUTPUT_TYPES = frozenset(
    {
        "generate_until",
        "generate_until_agentic",
        "generate_until_multi_round",
        "generate_visual_cot",
        "loglikelihood",
        "loglikelihood_rolling",
        "multiple_choice",
    }
)

ALL_KEYS = frozenset((*SUPPORTED, *WITHOUT_EFFECT, *NOT_YET, "include"))

_WORDS: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
    FunctionReference: "a !function",
}


def check(source: Source) -> None:
    """Check every key of a task file: its name, its kind, and that it runs.

    Raises:
        TaskError: A key is unknown (with the nearest one), holds a value of the wrong
            kind, or is one that nothing here can give effect.
    """
    _check_is_task(source)
    values = source.values
    if values.get("class") is not None:
        # The other keys are arguments of the class, which may take any.
        known = SUPPORTED.keys() | WITHOUT_EFFECT.keys() | NOT_YET.keys()
        values = {key: value for key, value in values.items() if key in known}
    kept = {key: item for key, item in values.items() if key not in WITHOUT_EFFECT}
    check_keys(source, kept, SUPPORTED, NOT_YET, ())
    _check_output_type(source)
    for key in ("filter_list", "metric_list"):
        _check_mappings(source, key)
    for key, least in (("num_fewshot", 0), ("repeats", 1)):
        value = source.values.get(key)
        if value is not None and value < least:
            raise source.error(f"{key} is {value}, but must be {least} or more", key)
    fewshot = source.values.get("fewshot_config") or {}
    check_keys(source, fewshot, FEWSHOT_KEYS, {}, ("fewshot_config",))
    reasoning = source.values.get("reasoning")
    if isinstance(reasoning, dict):
        check_keys(source, reasoning, REASONING_KEYS, {}, ("reasoning",))
    conversation = source.values.get("conversation") or {}
    check_keys(
        source,
        conversation,
        CONVERSATION_KEYS,
        _CONVERSATION_NOT_YET,
        ("conversation",),
    )
    _check_gates(source, source.values, ())


def check_group(
    source: Source, values: Mapping[str, Any], steps: tuple[str | int, ...]
) -> None:
    """Check the keys of a group: its own, and those it lays over its tasks.

    Args:
        source: The file.
        values: The mapping that defines the group.
        steps: The way from the root to the mapping; empty for the whole file.

    Raises:
        TaskError: A key is unknown or holds a value of the wrong kind.
    """
    check_keys(source, values, {**SUPPORTED, **GROUP_KEYS}, {}, steps)
    given = values.get("aggregate_metric_list") or ()
    for position, metric in enumerate([given] if isinstance(given, dict) else given):
        place = () if isinstance(given, dict) else (position,)
        way = (*steps, "aggregate_metric_list", *place)
        if not isinstance(metric, dict) or metric.get("metric") is None:
            raise _error(source, f"{_path(way)} names no metric", way)
        check_keys(source, metric, GROUP_METRIC_KEYS, {}, way)
        if isinstance(aggregation := metric.get("aggregation"), str | None):
            _check_mean(source, aggregation, way)
    _check_gates(source, values, steps)


def _check_mean(source: Source, aggregation: str | None, way: tuple[Any, ...]) -> None:
    if aggregation not in (None, "mean"):
        message = f"{_path(way)}: aggregation is {aggregation!r}; valid: mean"
        raise _error(source, message, (*way, "aggregation"))


def check_keys(
    source: Source,
    values: Mapping[Any, Any],
    kinds: Mapping[str, tuple[type, ...]],
    not_yet: Mapping[str, str],
    steps: tuple[str | int, ...],
) -> None:
    """Check the keys of one mapping in a task file.

    Args:
        source: The file.
        values: The mapping.
        kinds: The types that each key may hold.
        not_yet: Keys that are known, but have no effect here, with what to do.
        steps: The way from the root to the mapping.

    Raises:
        TaskError: As ``check``.
    """
    for key, value in values.items():
        way = (*steps, key)
        if key in not_yet:
            if value is not None and value is not False:
                message = f"{_path(way)} is not supported: {not_yet[key]}"
                raise _error(source, message, way)
        elif key not in kinds:
            nearest = suggestion(str(key), {*kinds, *not_yet})
            raise _error(source, f"unknown key {_path(way)!r}; {nearest}", way)
        elif value is not None and type(value) not in kinds[key]:
            raise _error(
                source,
                f"{_path(way)} is {_word(value)}, but must be "
                f"{' or '.join(_WORDS[kind] for kind in kinds[key])}",
                way,
            )


def texts(source: Source, key: str) -> tuple[str, ...]:
    """Read a key that holds a text or a list of texts.

    Raises:
        TaskError: Part of the list is not text.
    """
    value = source.values.get(key)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    for position, item in enumerate(value):
        if not isinstance(item, str):
            message = f"{key} holds {_word(item)}, but must hold text"
            raise source.error(message, key, position)
    return tuple(value)


def _check_is_task(source: Source) -> None:
    if is_group(source.values):
        raise source.error(
            "is a group of tasks; name it with --tasks, or as a file of its own, to "
            "run its members",
            "group" if "group" in source.values else "task",
        )
    if source.values.get("task") is None:
        raise source.error(
            "has no task: key, which names the task; files without one are there to "
            "be included",
            "task",
        )


def _check_output_type(source: Source) -> None:
    value = source.values.get("output_type")
    if value is not None and value not in OUTPUT_TYPES:
        raise source.error(
            f"unknown output_type {value!r}; {suggestion(value, OUTPUT_TYPES)}",
            "output_type",
        )


def _check_mappings(source: Source, key: str) -> None:
    for position, item in enumerate(source.values.get(key) or ()):
        if not isinstance(item, dict):
            message = f"{key} holds {_word(item)}, but must hold mappings"
            raise source.error(message, key, position)


def _check_gates(
    source: Source, values: Mapping[str, Any], steps: tuple[str | int, ...]
) -> None:
    """Check the gates of a task, or of a group at the end of some steps."""
    for position, gate in enumerate(values.get("gate") or ()):
        way = (*steps, "gate", position)
        if not isinstance(gate, dict):
            message = f"gate holds {_word(gate)}, but must hold mappings"
            raise _error(source, message, way)
        check_keys(source, gate, GATE_KEYS, _GATE_NOT_YET, way)
        if gate.get("metric") is None:
            raise _error(source, "a gate names its metric", way)
        if all(gate.get(key) is None for key in ("min", "max", "max_drop")):
            raise _error(source, "a gate has min, max or max_drop", way)
        if gate.get("confidence") is not None and not 0 < gate["confidence"] < 1:
            raise _error(source, "confidence is between 0 and 1, such as 0.95", way)
        if (gate.get("max_drop") or 0) < 0:
            raise _error(source, "max_drop is 0 or above", way)


def _error(source: Source, message: str, way: tuple[Any, ...]) -> Exception:
    return source.error(message, way[0], *way[1:])


def _path(way: Iterable[Any]) -> str:
    return ".".join(str(step) for step in way)


def _word(value: Any) -> str:
    word = _WORDS.get(type(value), f"a {type(value).__name__}")
    return f"{word} ({value!r})" if isinstance(value, str | int | float) else word
