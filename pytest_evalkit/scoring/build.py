"""From the lists in a task file to a plan of functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.filters import filter_of
from pytest_evalkit.scoring.metric_list import MetricRules, metrics_of
from pytest_evalkit.scoring.metrics import DEFAULT_METRICS, GENERATION_METRICS
from pytest_evalkit.scoring.plan import (
    MUTUAL_INFORMATION,
    FilterPipeline,
    ProcessResults,
    ScoringPlan,
)

_NO_FILTER = {"name": "none", "filter": [{"function": "take_first"}]}
_PIPELINE_KEYS = ("name", "filter")


# The arguments are the keys of a task file that say how it is scored.
def build_plan(  # noqa: PLR0913
    filter_list: Sequence[Mapping[str, Any]] | None,
    metric_list: Sequence[Mapping[str, Any]] | None,
    process_results: ProcessResults | None,
    *,
    output_type: str = "generate_until",
    dialect: str = "lm",
    compat: str = "fixed",
    cluster_key: str | None = None,
    score_key: str | None = None,
) -> ScoringPlan:
    """Resolve what a task file says about scoring.

    Args:
        filter_list: Entries ``{name, filter: [{function, ...}]}``; None or empty for
            the first response as it is, under the name ``none``.
        metric_list: Entries ``{metric, aggregation, higher_is_better, ...}``, the
            rest being arguments of the metric; None or empty for the usual ones.
        process_results: The task's own scorer, or None for the metrics' functions.
        output_type: What the model is asked for.
        dialect: Whose rules the file follows, ``lm`` or ``lmms``.
        compat: ``strict`` for the reference's rules where they are known to be wrong,
            ``fixed`` for better ones.
        cluster_key: The column, or the field of a metric's values, whose equal values
            make documents depend on each other; None where each stands for itself.
        score_key: Which number of a metric whose values are mappings statistics are
            made of; None for ``score``.

    Raises:
        OptionError: A filter, metric, aggregation or argument does not exist, or an
            entry has the wrong form.
        MissingPackageError: One of them needs a package that is not installed.
    """
    said = {"dialect": dialect, "compat": compat}
    entries = _entries(filter_list or [_NO_FILTER], "filter_list")
    pipelines = tuple(_pipeline(entry, said) for entry in entries)
    _refuse_twice("filter_list", (pipeline.name for pipeline in pipelines))
    rules = _rules(output_type, process_results, compat)
    metrics = metrics_of(_metric_entries(metric_list, rules), rules)
    return ScoringPlan(
        pipelines=pipelines,
        metrics=metrics,
        process_results=process_results,
        output_type=output_type,
        dialect=dialect,
        compat=compat,
        cluster_key=cluster_key,
        score_key=score_key or "score",
    )


def unscored_plan(
    metric_list: Sequence[Mapping[str, Any]] | None,
    *,
    output_type: str = "generate_until",
    dialect: str = "lm",
    compat: str = "fixed",
) -> ScoringPlan:
    """Make the plan of a task whose answers are recorded and not scored.

    Nothing is resolved, so that what scoring needs may be missing.

    Args:
        metric_list: As in the task file: what is to be asked for can depend on it.
        output_type: What the model is asked for.
        dialect: Whose rules the file follows.
        compat: As the command line has it.
    """
    named = [entry.get("metric") for entry in metric_list or () if entry]
    return ScoringPlan(
        pipelines=(_pipeline(_NO_FILTER, {"dialect": dialect, "compat": compat}),),
        metrics=(),
        output_type=output_type,
        dialect=dialect,
        compat=compat,
        is_scoring=False,
        asks_alone=MUTUAL_INFORMATION in named,
    )


def _rules(
    output_type: str, process_results: ProcessResults | None, compat: str
) -> MetricRules:
    return MetricRules(
        output_type=output_type,
        is_labels=process_results is not None,
        is_strict=compat == "strict",
    )


def _entries(value: Any, key: str) -> list[Mapping[str, Any]]:
    if isinstance(value, list | tuple) and all(
        isinstance(entry, Mapping) for entry in value
    ):
        return list(value)
    raise OptionError(f"{key} must be a list of mappings, not {value!r}")


def _metric_entries(metric_list: Any, rules: MetricRules) -> list[Mapping[str, Any]]:
    if metric_list:
        return _entries(metric_list, "metric_list")
    if rules.is_labels:
        raise OptionError(
            "process_results needs a metric_list that names the values it returns"
        )
    names = DEFAULT_METRICS.get(rules.output_type, GENERATION_METRICS)
    return [{"metric": name} for name in names]


def _pipeline(entry: Mapping[str, Any], said: Mapping[str, str]) -> FilterPipeline:
    for key in entry:
        if key not in _PIPELINE_KEYS:
            raise OptionError(
                f"unknown key {key!r} in a filter_list entry; "
                f"{suggestion(str(key), _PIPELINE_KEYS)}"
            )
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise OptionError(f"a filter_list entry needs a name, not {name!r}")
    steps = entry.get("filter")
    if not steps:
        raise OptionError(f"filter pipeline {name!r} has no filter")
    steps = _entries(steps, f"the filter of pipeline {name!r}")
    return FilterPipeline(
        name=name, steps=tuple(_step(step, name, said) for step in steps)
    )


def _step(step: Mapping[str, Any], pipeline: str, said: Mapping[str, str]) -> Any:
    if "function" not in step:
        raise OptionError(
            f"a filter of pipeline {pipeline!r} names no function: {dict(step)!r}"
        )
    kwargs = {key: value for key, value in step.items() if key != "function"}
    return filter_of(step["function"], kwargs, **said)


def _refuse_twice(key: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise OptionError(f"{key} names {name!r} {count} times")
