"""How a task scores, by its keys; and which of them is at fault where it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pytest_evalkit.errors import MissingPackageError, OptionError
from pytest_evalkit.scoring import (
    CONVERSATION,
    ScoringPlan,
    build_plan,
    unscored_plan,
)
from pytest_evalkit.tasks.choices import CHOICE_METRIC
from pytest_evalkit.tasks.conversation_rules import has_conversations
from pytest_evalkit.tasks.faulty_code import FaultyCode
from pytest_evalkit.tasks.import_failure import code_error
from pytest_evalkit.tasks.reasoned import reasoning_form
from pytest_evalkit.tasks.settings import TaskSettings
from pytest_evalkit.tasks.source import Source

Way = tuple[str | int, ...]


def scoring_plan(
    source: Source, values: Mapping[str, Any], settings: TaskSettings
) -> ScoringPlan:
    """Resolve the filters and metrics of a task.

    Args:
        source: The task file.
        values: Its keys, functions loaded.
        settings: What the command line says.

    Raises:
        TaskError: One of them is wrong; says which, and where in the task's own code
            where that fails.
        MissingPackageError: One of them needs a package that is not installed.
        MissingCredentialError: A class of the task needs a credential that is not set.
    """
    if settings.predict_only:
        is_by_letter = settings.is_by_letter(values)
        return unscored_plan(
            values.get("metric_list"),
            output_type="generate_until" if is_by_letter else output_type_of(values),
            dialect=source.dialect,
            compat=settings.compat,
        )
    if settings.is_by_letter(values):
        return build_plan(
            None, [CHOICE_METRIC], None, dialect=source.dialect, compat=settings.compat
        )
    form = reasoning_form(source)
    try:
        plan = _plan(source, values, settings)
    except OptionError as error:
        raise _blamed(source, values, error, settings) from error
    if has_conversations(values):
        return replace(plan, missing=values["conversation"].get("missing") or "exclude")
    plan = plan if form is None else form.scoring(source, plan)
    return replace(plan, runs_code=bool(values.get("unsafe_code")))


def _plan(
    source: Source, values: Mapping[str, Any], settings: TaskSettings
) -> ScoringPlan:
    return build_plan(
        values.get("filter_list"),
        values.get("metric_list"),
        values.get("process_results"),
        output_type=output_type_of(values),
        dialect=source.dialect,
        compat=settings.compat,
        cluster_key=values.get("cluster_key"),
        score_key=values.get("score_key"),
    )


def output_type_of(values: Mapping[str, Any]) -> str:
    """Tell what is asked of the model, given the keys of a task."""
    if has_conversations(values):
        return CONVERSATION
    return values.get("output_type") or "generate_until"


def _blamed(
    source: Source,
    values: Mapping[str, Any],
    error: OptionError,
    settings: TaskSettings,
) -> Exception:
    """Make the error that points to the entry at fault, found by trying each alone."""
    key, *steps = next(
        (
            way
            for way, alone in _parts(values)
            if not _is_sound(source, {**values, **alone}, settings)
        ),
        ("metric_list" if values.get("metric_list") else "filter_list",),
    )
    place = source.place(str(key), *steps)
    if isinstance(error, MissingPackageError):
        wanted_by = f"{source.error(error.wanted_by, str(key), *steps)}"
        return MissingPackageError(error.package, error.extra, wanted_by=wanted_by)
    cause = error.__cause__
    if cause is None or FaultyCode.of(cause) is None:
        return source.error(str(error), str(key), *steps)
    return code_error(str(key), "making a filter failed", cause, place)


def _parts(values: Mapping[str, Any]) -> Iterator[tuple[Way, Mapping[str, Any]]]:
    """List each filter and each metric alone, with the way to it."""
    for position, pipeline in enumerate(values.get("filter_list") or ()):
        steps = pipeline.get("filter")
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            way = ("filter_list", position, "filter", index)
            yield way, _filters_alone({**pipeline, "filter": [step]})
        yield ("filter_list", position), _filters_alone(pipeline)
    for position, metric in enumerate(values.get("metric_list") or ()):
        alone = {"metric_list": [metric], "filter_list": None}
        yield ("metric_list", position), alone


def _filters_alone(pipeline: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"filter_list": [pipeline], "metric_list": None, "process_results": None}


def _is_sound(
    source: Source, values: Mapping[str, Any], settings: TaskSettings
) -> bool:
    try:
        _plan(source, values, settings)
    except OptionError:
        return False
    return True
