"""The keys of a task file: which there are, what they hold, and which run today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_evalkit.naming import suggestion
from pytest_evalkit.tasks.source import FunctionReference, Source

_FUNCTION = (FunctionReference,)
_TEXT = (str,)
_FLAG = (bool,)
_MAPPING = (dict,)
_LIST = (list,)

# What each key may hold; null always means that the key is not set.
SUPPORTED: Mapping[str, tuple[type, ...]] = {
    "task": _TEXT,
    "task_alias": _TEXT,
    "tag": (str, list),
    "group": (str, list),
    "dialect": _TEXT,
    "dataset_path": _TEXT,
    "dataset_name": _TEXT,
    "dataset_kwargs": _MAPPING,
    "dataset_revision": _TEXT,
    "training_split": _TEXT,
    "validation_split": _TEXT,
    "test_split": _TEXT,
    "fewshot_split": _TEXT,
    "process_docs": _FUNCTION,
    "doc_to_text": (str, int, FunctionReference),
    "doc_to_target": (str, int, list, FunctionReference),
    "doc_to_choice": (str, list, dict, FunctionReference),
    "doc_to_ideal": (str, FunctionReference),
    "doc_to_visual": (str, list, FunctionReference),
    "lmms_eval_specific_kwargs": _MAPPING,
    "model_specific_generation_kwargs": _MAPPING,
    "model_specific_target_kwargs": _MAPPING,
    "description": _TEXT,
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
    "reasoning_tags": (list, str, bool),
    "metadata": (dict, list),
    "gate": _LIST,
    "needs": (str, list),
    # Without effect in both systems; files that set them mean the same without.
    "should_decontaminate": _FLAG,
    "doc_to_decontamination_query": (str, FunctionReference),
    # Scoring always sees the whole document here, images included.
    "process_results_use_image": _FLAG,
}

# Known to one of the two systems; setting one to anything but null or false is told.
NOT_YET = frozenset(
    {
        "auto_strip_thinking",
        "class",
        "cluster_key",
        "custom_dataset",
        "doc_to_audio",
        "doc_to_image",
        "doc_to_messages",
        "full_docs",
        "gen_prefix",
        "group_alias",
        "aggregate_metric_list",
        "score_key",
        "task_list",
        "unsafe_code",
        "use_prompt",
    }
)

FEWSHOT_KEYS: Mapping[str, tuple[type, ...]] = {
    "sampler": (str, FunctionReference),
    "split": _TEXT,
    "samples": (list, FunctionReference),
    "process_docs": _FUNCTION,
    "doc_to_text": (str, FunctionReference),
    "doc_to_target": (str, int, list, FunctionReference),
    "doc_to_choice": (str, list, dict, FunctionReference),
    "target_delimiter": _TEXT,
    "fewshot_delimiter": _TEXT,
}
_FEWSHOT_NOT_YET = frozenset({"fewshot_indices", "gen_prefix"})

GATE_KEYS: Mapping[str, tuple[type, ...]] = {
    "metric": _TEXT,
    "filter": _TEXT,
    "min": (int, float),
    "max": (int, float),
}
_GATE_NOT_YET = frozenset({"confidence", "max_drop", "coverage", "parse_rate"})

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

ALL_KEYS = frozenset(SUPPORTED) | NOT_YET | {"include"}

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
    """Check every key of a task file: its name, its kind, and that it runs today.

    Raises:
        TaskError: A key is unknown (with the nearest one), holds a value of the wrong
            kind, or is known but not supported yet.
    """
    _check_group(source)
    check_keys(source, source.values, SUPPORTED, NOT_YET, ())
    _check_output_type(source)
    for key in ("filter_list", "metric_list", "gate"):
        _check_mappings(source, key)
    for key, least in (("num_fewshot", 0), ("repeats", 1)):
        value = source.values.get(key)
        if value is not None and value < least:
            raise source.error(f"{key} is {value}, but must be {least} or more", key)
    fewshot = source.values.get("fewshot_config") or {}
    check_keys(source, fewshot, FEWSHOT_KEYS, _FEWSHOT_NOT_YET, ("fewshot_config",))
    for position, gate in enumerate(source.values.get("gate") or ()):
        steps = ("gate", position)
        check_keys(source, gate, GATE_KEYS, _GATE_NOT_YET, steps)
        _check_gate(source, gate, steps)


def check_keys(
    source: Source,
    values: Mapping[Any, Any],
    kinds: Mapping[str, tuple[type, ...]],
    not_yet: frozenset[str],
    steps: tuple[str | int, ...],
) -> None:
    """Check the keys of one mapping in a task file.

    Args:
        source: The file.
        values: The mapping.
        kinds: The types that each key may hold.
        not_yet: Keys that are known, but do not run yet.
        steps: The way from the root to the mapping.

    Raises:
        TaskError: As ``check``.
    """
    for key, value in values.items():
        way = (*steps, key)
        if key in not_yet:
            if value is not None and value is not False:
                raise _error(source, f"{_path(way)} is not supported yet", way)
        elif key not in kinds:
            nearest = suggestion(str(key), set(kinds) | not_yet)
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


def _check_group(source: Source) -> None:
    if source.values.get("task") is None and source.values.get("group") is None:
        raise source.error(
            "has no task: key, which names the task; files without one are there to "
            "be included",
            "task",
        )
    if isinstance(source.values.get("task"), str):
        return
    key = "group" if "group" in source.values else "task"
    if source.values.get("task") is None or isinstance(source.values["task"], list):
        raise source.error(
            "groups are not supported yet; name the tasks one by one", key
        )


def _check_output_type(source: Source) -> None:
    value = source.values.get("output_type")
    if value is None or value == "generate_until":
        return
    if value in OUTPUT_TYPES:
        message = f"output_type {value} is not supported yet; valid: generate_until"
        raise source.error(message, "output_type")
    raise source.error(
        f"unknown output_type {value!r}; {suggestion(value, OUTPUT_TYPES)}",
        "output_type",
    )


def _check_mappings(source: Source, key: str) -> None:
    for position, item in enumerate(source.values.get(key) or ()):
        if not isinstance(item, dict):
            message = f"{key} holds {_word(item)}, but must hold mappings"
            raise source.error(message, key, position)


def _check_gate(
    source: Source, gate: Mapping[str, Any], steps: tuple[str, int]
) -> None:
    if gate.get("metric") is None:
        raise source.error("a gate names its metric", *steps)
    if gate.get("min") is None and gate.get("max") is None:
        raise source.error("a gate has min, max, or both", *steps)


def _error(source: Source, message: str, way: tuple[Any, ...]) -> Exception:
    return source.error(message, way[0], *way[1:])


def _path(way: Iterable[Any]) -> str:
    return ".".join(str(step) for step in way)


def _word(value: Any) -> str:
    word = _WORDS.get(type(value), f"a {type(value).__name__}")
    return f"{word} ({value!r})" if isinstance(value, str | int | float) else word
