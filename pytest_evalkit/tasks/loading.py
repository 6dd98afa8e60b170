"""From a task file to a Task, without touching its data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_evalkit.errors import OptionError, UnsafeTaskError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring import DEFAULT_REASONING_TAGS, parse_reasoning_tags
from pytest_evalkit.tasks import schema
from pytest_evalkit.tasks.config import config
from pytest_evalkit.tasks.constructing import Constructing
from pytest_evalkit.tasks.conversation_documents import ID_COLUMN
from pytest_evalkit.tasks.conversation_rules import (
    ConversationRules,
    conversation_rules,
    has_conversations,
    with_data_defaults,
)
from pytest_evalkit.tasks.fewshot import SAMPLERS
from pytest_evalkit.tasks.functions import load_functions
from pytest_evalkit.tasks.generation import (
    DroppedParameterWarning,
    dropped,
    parameters,
)
from pytest_evalkit.tasks.python_tasks import PythonTask, python_task
from pytest_evalkit.tasks.reasoned import reasoning_form
from pytest_evalkit.tasks.recipe import Recipe
from pytest_evalkit.tasks.scoring_plan import output_type_of, scoring_plan
from pytest_evalkit.tasks.settings import TaskSettings
from pytest_evalkit.tasks.source import Source, read_source
from pytest_evalkit.tasks.task import Task
from pytest_evalkit.tasks.variants import Variant, choose, of_model
from pytest_evalkit.tasks.yaml_file import DuplicateKeyWarning
from pytest_evalkit.values import GenerationParameters

# What the published system's models generate where nobody says.
_STRICT_MAX_TOKENS = 256


def load_task(
    path: Path,
    settings: TaskSettings,
    overrides: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Task:
    """Read a task file and import the functions that it names.

    Args:
        path: The task file, or a group's file where ``overrides`` are the task.
        settings: What the command line says.
        overrides: Keys that replace those of the merged file, whole values each.
        name: What the task is called, where that is not what its file says.

    Raises:
        TaskError: The file is wrong; says where, and the nearest valid name.
        OptionError: A setting is wrong for this task.
    """
    written, rules = _checked(read_source(path, overrides, name), settings)
    python = python_task(written)
    source = written if python is None else python.merged
    _check_required(source, has_conversations=rules is not None)
    values = {key: load_functions(value) for key, value in source.values.items()}
    variant = _variant(source, settings)
    num_fewshot = _num_fewshot(values, settings)
    repeats = _first(settings.repeats, values.get("repeats"), 1)
    recipe = _recipe(source, values, settings, variant, num_fewshot)
    recipe = _with_conversations(recipe, rules)
    gates = tuple(values.get("gate") or ())
    return Task(
        name=str(values["task"]),
        alias=values.get("task_alias") or str(values["task"]),
        path=path,
        tags=(*schema.texts(source, "tag"), *schema.texts(source, "group")),
        version=_metadata(source).get("version"),
        num_fewshot=num_fewshot,
        output_type=output_type_of(values),
        config=config(written, settings, variant, num_fewshot, repeats),
        scoring=scoring_plan(source, values, settings),
        repeats=repeats,
        reasoning_tags=_reasoning_tags(source),
        strips_thinking=bool(values.get("auto_strip_thinking")),
        gates=gates,
        gate_places=tuple(source.place("gate", n) for n in range(len(gates))),
        needs=_needs(source, settings),
        parameters=_parameters(source, settings),
        recipe=recipe if python is None else _of_class(recipe, python, settings),
    )


def _checked(
    written: Source, settings: TaskSettings
) -> tuple[Source, ConversationRules | None]:
    """Check what a file says, and give what it need not say where data are named."""
    _warn_of_repetitions(written)
    schema.check(written)
    rules = conversation_rules(written, settings)
    _check_unsafe(written, settings)
    return with_data_defaults(written), rules


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)


def _num_fewshot(values: Mapping[str, Any], settings: TaskSettings) -> int:
    own = values.get("num_fewshot")
    if own == 0 and settings.compat == "strict":
        # The published system takes a zero in the file for the last word.
        return 0
    count: int = _first(settings.num_fewshot, own, 0)
    return count


def _warn_of_repetitions(source: Source) -> None:
    for key, first, (path, line) in source.repetitions:
        warnings.warn_explicit(
            f"{path}:{line}: {key!r} is given again with another value, first in line "
            f"{first}; the last one counts",
            DuplicateKeyWarning,
            filename=str(path),
            lineno=line or 0,
        )


def _check_required(source: Source, *, has_conversations: bool) -> None:
    values = source.values
    needed = [("dataset_path", "custom_dataset")]
    if not has_conversations:
        needed.append(("doc_to_text", "doc_to_messages"))
    for key, stand_in in needed:
        if values.get(key) is None and values.get(stand_in) is None:
            raise source.error(f"has no {key}: key", key)
    if not values.get("test_split") and not values.get("validation_split"):
        raise source.error(
            "names no split to evaluate; set test_split or validation_split",
            "test_split",
        )
    if has_conversations:
        return
    if values.get("doc_to_target") is None and values.get("process_results") is None:
        raise source.error(
            "has nothing to score by; set doc_to_target or process_results",
            "doc_to_target",
        )
    _check_fewshot(source)


def _check_unsafe(source: Source, settings: TaskSettings) -> None:
    # Where nothing is scored, nothing is run.
    may_run = settings.confirm_unsafe or settings.predict_only
    if source.values.get("unsafe_code") and not may_run:
        path, line = source.place("unsafe_code")
        raise UnsafeTaskError(
            "unsafe_code: scoring this task runs code that the model wrote, on this "
            "machine; if that is what you want, give --allow-code-execution",
            path=path,
            line=line,
        )


def _check_fewshot(source: Source) -> None:
    sampler = (source.values.get("fewshot_config") or {}).get("sampler")
    if isinstance(sampler, str) and sampler not in SAMPLERS:
        hint = suggestion(sampler, SAMPLERS)
        message = f"unknown sampler {sampler!r}; {hint}"
        raise source.error(message, "fewshot_config", "sampler")


def _metadata(source: Source) -> Mapping[str, Any]:
    """Read ``metadata``, which some files write as a list of one mapping."""
    value = source.values.get("metadata") or {}
    if isinstance(value, list):
        value = value[0]
    return value if isinstance(value, dict) else {}


def _variant(source: Source, settings: TaskSettings) -> Variant | None:
    options = source.values.get("lmms_eval_specific_kwargs")
    if options is None:
        return None
    return choose(options, settings.prompt_variant, _model_name(settings))


def _of_model(source: Source, key: str, settings: TaskSettings) -> Any:
    return of_model(source.values.get(key) or {}, _model_name(settings))


def _model_name(settings: TaskSettings) -> str | None:
    return settings.prompt_variant or settings.model_name


def _recipe(
    source: Source,
    values: Mapping[str, Any],
    settings: TaskSettings,
    variant: Variant | None,
    num_fewshot: int,
) -> Recipe:
    if num_fewshot and values.get("doc_to_messages") is not None:
        message = "examples cannot be shown with doc_to_messages; use num_fewshot: 0"
        raise source.error(message, "num_fewshot")
    output_type = values.get("output_type") or "generate_until"
    if settings.choice_as_generation and output_type.startswith("loglikelihood"):
        raise source.error(
            f"output_type {output_type} has no choices to ask for; leave "
            "--choice-as-generation out and use --model openai-completions",
            "output_type",
        )
    return Recipe(
        source=source,
        values=values,
        output_type=output_type,
        num_fewshot=num_fewshot,
        fewshot_seed=settings.fewshot_seed,
        system_instruction=_instruction(source, settings),
        is_multiturn=bool(settings.fewshot_as_multiturn),
        kwargs=variant.kwargs if variant else None,
        target_kwargs=_of_model(source, "model_specific_target_kwargs", settings),
        id_column=_id_column(source),
        keywords=_keywords(source),
        group_by=_group_by(source),
        is_strict=settings.compat == "strict",
        is_reasoned=reasoning_form(source) is not None,
        is_choice_as_generation=settings.is_by_letter(values),
    )


def _of_class(recipe: Recipe, python: PythonTask, settings: TaskSettings) -> Recipe:
    """Have a task class ask as it wants."""
    construct = python.construct
    if construct is None:
        return replace(recipe, python=python)
    if settings.choice_as_generation and recipe.is_choice_as_generation:
        raise recipe.source.error(
            "a class that constructs its requests has no choices to ask for; leave "
            "--choice-as-generation out",
            "class",
        )
    constructing = Constructing(
        source=recipe.source,
        construct=construct,
        generation=settings.generation,
        max_tokens=_STRICT_MAX_TOKENS if recipe.is_strict else None,
    )
    return replace(recipe, python=python, constructing=constructing)


def _with_conversations(recipe: Recipe, rules: ConversationRules | None) -> Recipe:
    if rules is None:
        return recipe
    return replace(recipe, conversation=rules, id_column=recipe.id_column or ID_COLUMN)


def _instruction(source: Source, settings: TaskSettings) -> str | None:
    form, given = reasoning_form(source), settings.system_instruction
    return given if form is None else form.instruction(given)


def _id_column(source: Source) -> str | None:
    value = _metadata(source).get("id_column")
    if value is None or isinstance(value, str):
        return value
    message = f"metadata.id_column names a column, not {value!r}"
    raise source.error(message, "metadata", "id_column")


def _keywords(source: Source) -> tuple[str, ...]:
    value = _metadata(source).get("keywords") or []
    names = [value] if isinstance(value, str) else value
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(names)
    message = f"metadata.keywords names columns, not {value!r}"
    raise source.error(message, "metadata", "keywords")


def _group_by(source: Source) -> Any:
    value = load_functions(_metadata(source).get("group_by"))
    if value is None or callable(value) or (isinstance(value, str) and value):
        return value
    is_list = isinstance(value, list) and bool(value)
    if is_list and all(isinstance(name, str) for name in value):
        return value
    raise source.error(
        "metadata.group_by is a column, a list of columns, a template or a !function, "
        f"not {value!r}",
        "metadata",
        "group_by",
    )


def _needs(source: Source, settings: TaskSettings) -> tuple[str, ...]:
    """List what must be there to run the task; a judge only where answers are scored."""
    needs = schema.texts(source, "needs")
    return tuple(n for n in needs if n != "judge" or not settings.predict_only)


def _reasoning_tags(source: Source) -> tuple[tuple[str, str], ...] | None:
    value = source.values.get("reasoning_tags")
    if value is None:
        return None
    if value is False or value == []:
        return ()
    if value is True:
        return DEFAULT_REASONING_TAGS
    try:
        return parse_reasoning_tags(value)
    except OptionError as error:
        raise source.error(str(error), "reasoning_tags") from error


def _generation_of_model(source: Source, settings: TaskSettings) -> Mapping[str, Any]:
    key = "model_specific_generation_kwargs"
    specific = _of_model(source, key, settings) or {}
    if isinstance(specific, Mapping):
        return specific
    raise source.error(f"{key} holds mappings by model, not {specific!r}", key)


def _parameters(source: Source, settings: TaskSettings) -> GenerationParameters:
    own = source.values.get("generation_kwargs") or {}
    task = {**own, **_generation_of_model(source, settings)}
    stop = _first(source.values.get("fewshot_delimiter"), "\n\n")
    form = reasoning_form(source)
    if form is not None:
        task, stop = form.generation(task), None
    if settings.is_by_letter(source.values) or has_conversations(source.values):
        # Written for likelihoods, the task says nothing of how an answer ends; and what
        # is said in a conversation has paragraphs.
        stop = None
    _warn_of_dropped(source, task)
    is_published = settings.compat == "strict" and source.dialect == "lm"
    most = _STRICT_MAX_TOKENS if is_published else None
    try:
        # Alone first, so that a fault is laid to the file or to the command line.
        parameters(task, {}, stop=stop)
    except OptionError as error:
        raise source.error(
            f"generation_kwargs: {error}", "generation_kwargs"
        ) from error
    return parameters(task, settings.generation, stop=stop, max_tokens=most)


def _warn_of_dropped(source: Source, task: Mapping[str, Any]) -> None:
    for key, value in dropped(task).items():
        path, line = source.place("generation_kwargs", key)
        warnings.warn_explicit(
            f"{path}:{line}: generation_kwargs.{key} ({value!r}) is not sent: no server "
            "knows it",
            DroppedParameterWarning,
            filename=str(path),
            lineno=line or 0,
        )
