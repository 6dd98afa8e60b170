"""From the lists in a task file to a plan of functions."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.aggregations import aggregation_of
from pytest_evalkit.scoring.filters import compiled, filter_of
from pytest_evalkit.scoring.metrics import (
    METRIC_DEFAULTS,
    METRICS,
    UNNAMED_DEFAULTS,
    exact_match,
)
from pytest_evalkit.scoring.plan import (
    FilterPipeline,
    MetricSpec,
    ProcessResults,
    ScoringPlan,
)

_NO_FILTER = {"name": "none", "filter": [{"function": "take_first"}]}
_PIPELINE_KEYS = ("name", "filter")
_METRIC_KEYS = ("metric", "aggregation", "higher_is_better")
# Asks for the metric of the ``evaluate`` package, whose rules are the same.
_WITHOUT_EFFECT = ("hf_evaluate",)


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
            rest being arguments of the metric; None or empty for ``exact_match``.
        process_results: The task's own scorer, which gives each metric its value;
            None for the metrics' own functions.
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
    entries = _entries(filter_list or [_NO_FILTER], "filter_list")
    pipelines = tuple(_pipeline(entry) for entry in entries)
    metrics = tuple(
        _metric(entry, process_results is not None)
        for entry in _metric_entries(metric_list, process_results)
    )
    _refuse_twice("filter_list", (pipeline.name for pipeline in pipelines))
    _refuse_twice("metric_list", (metric.name for metric in metrics))
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


def _entries(value: Any, key: str) -> list[Mapping[str, Any]]:
    if isinstance(value, list | tuple) and all(
        isinstance(entry, Mapping) for entry in value
    ):
        return list(value)
    raise OptionError(f"{key} must be a list of mappings, not {value!r}")


def _metric_entries(
    metric_list: Any, process_results: ProcessResults | None
) -> list[Mapping[str, Any]]:
    if metric_list:
        return _entries(metric_list, "metric_list")
    if process_results is not None:
        raise OptionError(
            "process_results needs a metric_list that names the values it returns"
        )
    return [{"metric": "exact_match"}]


def _pipeline(entry: Mapping[str, Any]) -> FilterPipeline:
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
    return FilterPipeline(name=name, steps=tuple(_step(step, name) for step in steps))


def _step(step: Mapping[str, Any], pipeline: str) -> Any:
    if "function" not in step:
        raise OptionError(
            f"a filter of pipeline {pipeline!r} names no function: {dict(step)!r}"
        )
    kwargs = {key: value for key, value in step.items() if key != "function"}
    return filter_of(step["function"], kwargs)


def _metric(entry: Mapping[str, Any], is_label: bool) -> MetricSpec:
    metric = entry.get("metric")
    name = getattr(metric, "__name__", metric) if callable(metric) else metric
    if not isinstance(name, str) or not name:
        raise OptionError(f"a metric_list entry needs a metric, not {metric!r}")
    defaults = METRIC_DEFAULTS.get(name, UNNAMED_DEFAULTS)
    kwargs = _metric_arguments(entry)
    aggregation_name, aggregation = aggregation_of(
        entry.get("aggregation") or defaults.aggregation, name
    )
    return MetricSpec(
        name=name,
        function=None if is_label else _function(metric, kwargs),
        kwargs=kwargs,
        aggregation=aggregation,
        aggregation_name=aggregation_name,
        higher_is_better=_direction(entry, name, defaults.higher_is_better),
    )


def _metric_arguments(entry: Mapping[str, Any]) -> dict[str, Any]:
    reserved = (*_METRIC_KEYS, *_WITHOUT_EFFECT)
    return {key: value for key, value in entry.items() if key not in reserved}


def _direction(
    entry: Mapping[str, Any], metric: str, default: bool | None
) -> bool | None:
    value = entry.get("higher_is_better", default)
    if value is None or isinstance(value, bool):
        return value
    raise OptionError(
        f"higher_is_better of metric {metric!r} must be true or false, not {value!r}"
    )


def _function(metric: Any, kwargs: Mapping[str, Any]) -> Any:
    if callable(metric):
        return metric
    if metric in METRICS:
        _check_arguments(metric, kwargs)
        return METRICS[metric]
    if metric in METRIC_DEFAULTS:
        raise OptionError(
            f"metric {metric!r} is not supported yet for generated text without "
            f"process_results; supported: {', '.join(sorted(METRICS))}, or a !function"
        )
    raise OptionError(f"unknown metric {metric!r}; {suggestion(metric, METRICS)}")


def _check_arguments(metric: str, kwargs: Mapping[str, Any]) -> None:
    parameters = inspect.signature(METRICS[metric]).parameters
    valid = [name for name in parameters if name not in ("references", "predictions")]
    for name, value in kwargs.items():
        if name not in valid:
            remedy = suggestion(name, (*valid, *_METRIC_KEYS))
            raise OptionError(f"metric {metric!r} has no argument {name!r}; {remedy}")
        if METRICS[metric] is exact_match:
            _check_exact_match(name, value)


def _check_exact_match(name: str, value: Any) -> None:
    owner = f"{name} of metric 'exact_match'"
    if name != "regexes_to_ignore":
        if not isinstance(value, bool):
            raise OptionError(f"{owner} must be true or false, not {value!r}")
        return
    if not isinstance(value, list | tuple):
        raise OptionError(f"{owner} must be a list of patterns, not {value!r}")
    for pattern in value:
        compiled(pattern, owner)


def _refuse_twice(key: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise OptionError(f"{key} names {name!r} {count} times")
