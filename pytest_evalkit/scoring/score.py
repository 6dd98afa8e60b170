"""Scoring one document: its responses filtered, and each answer given its values."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from pytest_evalkit.errors import ScoringError
from pytest_evalkit.scoring.metrics import bypass, exact_match
from pytest_evalkit.scoring.plan import (
    AnswerKey,
    FilterPipeline,
    MetricSpec,
    ProcessResults,
    Scored,
    ScoringPlan,
)


def score_document(
    plan: ScoringPlan,
    doc: Mapping[str, Any],
    key: AnswerKey,
    responses: Sequence[Sequence[Any]],
) -> tuple[Scored, ...]:
    """Score the answers to one document under each of its task's filters.

    The task's own code raises what it raises.

    Args:
        plan: How the task scores.
        doc: The document.
        key: What is right for it.
        responses: For each request of the document, in order, one response per repeat,
            at least one: a text without its reasoning; for likelihoods a pair of
            log-probability and whether the text is what the model would write
            greedily; for the likelihood of a whole text the log-probability alone.

    Raises:
        ScoringError: A filter or scorer returned what cannot be a score.
    """
    return tuple(
        _scored(plan, pipeline, doc, key, responses) for pipeline in plan.pipelines
    )


def _scored(
    plan: ScoringPlan,
    pipeline: FilterPipeline,
    doc: Mapping[str, Any],
    key: AnswerKey,
    responses: Sequence[Sequence[Any]],
) -> Scored:
    results = [_filtered(pipeline, doc, each) for each in responses]
    if plan.process_results is not None:
        metrics = _processed(plan.process_results, doc, _handed(plan, results))
    else:
        metrics = {
            metric.name: _value(metric, key.target, results[0])
            for metric in plan.metrics
        }
    for name, value in metrics.items():
        _refuse_nan(name, value)
    return Scored(
        filter=pipeline.name,
        filtered=results[0] if plan.is_generation else results,
        metrics=metrics,
    )


def _filtered(
    pipeline: FilterPipeline, doc: Mapping[str, Any], responses: Sequence[Any]
) -> Any:
    filtered: Any = list(responses)
    for step in pipeline.steps:
        filtered = step(filtered, doc)
    return filtered


def _handed(plan: ScoringPlan, results: list[Any]) -> list[Any]:
    """Write what ``process_results`` is given.

    In the lm dialect, what the filters made of each request. In the lmms dialect the
    answers to the one request, stripped, as one list.
    """
    if plan.dialect != "lmms" or not plan.is_generation:
        return results
    answers = results[0] if isinstance(results[0], list) else results
    return [answer.strip() if isinstance(answer, str) else answer for answer in answers]


def _processed(
    process_results: ProcessResults, doc: Mapping[str, Any], results: list[Any]
) -> dict[str, Any]:
    values = process_results(doc, results)
    if not isinstance(values, Mapping):
        raise ScoringError(
            f"process_results returned {type(values).__name__}, "
            "not a mapping of metrics to values"
        )
    return {str(name): value for name, value in values.items()}


def _value(metric: MetricSpec, target: Any, filtered: Any) -> Any:
    if metric.function is bypass:
        return None
    if target is None:
        raise ScoringError(
            f"the document has no target to compare with by metric {metric.name!r}"
        )
    targets = list(target) if isinstance(target, list | tuple) else [target]
    if metric.function is exact_match:
        return _matched(metric, targets, filtered)
    scores = [_called(metric, each, filtered) for each in targets]
    if isinstance(target, list | tuple):
        return 1.0 if any(scores) else 0.0
    return scores[0]


def _matched(metric: MetricSpec, targets: Sequence[Any], filtered: Any) -> float:
    """Match each repeat with any of the targets; of several repeats, the mean."""
    answers = filtered if isinstance(filtered, list) else [filtered]
    if not answers:
        raise ScoringError(f"the filter left metric {metric.name!r} no answer")
    matches = [
        any(
            exact_match(
                references=[str(target)], predictions=[str(answer)], **metric.kwargs
            )
            for target in targets
        )
        for answer in answers
    ]
    return sum(matches) / len(matches)


def _called(metric: MetricSpec, target: Any, filtered: Any) -> Any:
    """Call a task's own metric in the way that its signature shows.

    Either ``(references, predictions, **kwargs)`` or, as pairs are passed on to an
    aggregation, ``([reference, prediction])``.
    """
    assert metric.function is not None
    reference = str(target) if isinstance(filtered, str) else target
    if _takes_references(metric):
        value = metric.function(
            references=[reference], predictions=[filtered], **metric.kwargs
        )
    else:
        value = metric.function([reference, filtered])
    if isinstance(value, Mapping):
        raise ScoringError(
            f"metric {metric.name!r} returned several values "
            f"({', '.join(map(str, value))}), which is not supported yet"
        )
    return value


def _takes_references(metric: MetricSpec) -> bool:
    assert metric.function is not None
    try:
        inspect.signature(metric.function).bind(
            references=[], predictions=[], **metric.kwargs
        )
    except TypeError:
        return False
    return True


def _refuse_nan(name: str, value: Any) -> None:
    if isinstance(value, Real) and math.isnan(value):
        raise ScoringError(f"metric {name!r} is not a number (NaN)")
