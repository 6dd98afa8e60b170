"""Scores of generated text, by the metrics that a task lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from msgspec import Struct, field

from pytest_evalkit.errors import ScoringError
from pytest_evalkit.scoring.metrics import (
    OF_ALL_TARGETS,
    anls,
    bypass,
    exact_match,
    pair,
)
from pytest_evalkit.scoring.parsed import Parsed
from pytest_evalkit.scoring.plan import AnswerKey, MetricSpec, ScoringPlan


class Values(Struct):
    """What the metrics make of one answer.

    Attributes:
        metrics: Value by name.
        sources: Of a name that no metric has, the metric whose function gave it.
        parsed: How the task's own scorer read the answers, where it tells that.
    """

    metrics: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    parsed: tuple[Parsed, ...] = ()


def generated_values(
    plan: ScoringPlan, doc: Mapping[str, Any], key: AnswerKey, answer: Any
) -> Values:
    """Give each metric its value for a document that was answered in words.

    An answer in which nothing was found (None) equals no target.

    Args:
        plan: How the task scores.
        doc: The document.
        key: What is right; of a list of targets each is.
        answer: What the filters made of the responses; a list where they left several.

    Raises:
        ScoringError: The document has no target, or the filters left no answer.
    """
    values = Values()
    for metric in plan.metrics:
        value = _value(plan, metric, doc, key.target, answer)
        # Asking an abstract class takes longer than most metrics.
        if type(value) is not float and isinstance(value, Mapping):
            _spread(values, metric.name, value)
        else:
            values.metrics[metric.name] = value
        answer = _left(plan, metric, key.target, answer)
    return values


def _spread(values: Values, metric: str, several: Mapping[Any, Any]) -> None:
    for name, value in several.items():
        values.metrics[str(name)] = value
        if name != metric:
            values.sources[str(name)] = metric


def _left(plan: ScoringPlan, metric: MetricSpec, target: Any, answer: Any) -> Any:
    """Tell what the next metric sees of the answer.

    With several targets, ``exact_match`` of lm-evaluation-harness leaves a list of
    equal answers behind.
    """
    is_left = (
        plan.compat == "strict"
        and plan.dialect == "lm"
        and metric.function is exact_match
        and isinstance(target, list | tuple)
    )
    return [answer] * len(target) if is_left else answer


def _value(
    plan: ScoringPlan,
    metric: MetricSpec,
    doc: Mapping[str, Any],
    target: Any,
    answer: Any,
) -> Any:
    if metric.function is bypass:
        return None
    if target is None:
        raise ScoringError(
            f"the document has no target to compare with by metric {metric.name!r}"
        )
    is_several = isinstance(target, (list, tuple))
    targets = list(target) if is_several else [target]
    if metric.function is exact_match or metric.function is anls:
        score = _matched(metric, targets, answer)
        # The reference asks of several targets only whether anything matched.
        return _any([score]) if is_several and plan.compat == "strict" else score
    if metric.function in OF_ALL_TARGETS:
        return _of_all_targets(metric, doc, targets, answer)
    if not is_several:
        return _called(plan, metric, target, answer)
    if metric.function is pair:
        return [targets, answer]
    return _over_targets(plan, metric, targets, answer)


def _of_all_targets(
    metric: MetricSpec, doc: Mapping[str, Any], targets: list[Any], answer: Any
) -> Any:
    """Compare an answer with all targets at once; of several answers, take the mean."""
    assert metric.function is not None
    answers = answer if isinstance(answer, list) else [answer]
    kwargs = {**metric.kwargs, **({"doc": doc} if metric.takes_doc else {})}
    values = [
        metric.function(references=targets, predictions=[one], **kwargs)
        for one in answers
    ]
    if len(values) == 1:
        return values[0]
    if values and all(isinstance(value, Real) for value in values):
        return sum(values) / len(values)
    raise ScoringError(
        f"metric {metric.name!r} scores one answer of a document, not {len(values)}; "
        "take one of them with a filter such as take_first"
    )


def _over_targets(
    plan: ScoringPlan, metric: MetricSpec, targets: list[Any], answer: Any
) -> Any:
    """Say 1 where the answer scores with any of the targets, else 0."""
    scores = [_called(plan, metric, each, answer) for each in targets]
    if all(isinstance(score, Mapping) for score in scores):
        names = dict.fromkeys(name for score in scores for name in score)
        return {name: _any([score.get(name) for score in scores]) for name in names}
    if all(isinstance(score, Real) for score in scores):
        return _any(scores)
    # The function makes no score but what an aggregation is to see.
    return _called(plan, metric, targets, answer)


def _matched(metric: MetricSpec, targets: Sequence[Any], answer: Any) -> float:
    """Compare each repeat with all targets; of several repeats, take the mean."""
    if not isinstance(answer, list):
        return _nearest(metric, targets, answer)
    if not answer:
        raise ScoringError(f"the filter left metric {metric.name!r} no answer")
    scores = [_nearest(metric, targets, each) for each in answer]
    return sum(scores) / len(scores)


def _nearest(metric: MetricSpec, targets: Sequence[Any], answer: Any) -> float:
    """Compare an answer with the target that it is nearest to."""
    if answer is None:
        return 0.0
    match, said = metric.function, [str(answer)]
    assert match is not None
    if len(targets) == 1:
        return float(
            match(references=[str(targets[0])], predictions=said, **metric.kwargs)
        )
    return float(
        max(
            match(references=[str(target)], predictions=said, **metric.kwargs)
            for target in targets
        )
    )


def _called(plan: ScoringPlan, metric: MetricSpec, target: Any, answer: Any) -> Any:
    """Call a function in the way that its signature shows.

    Either ``(references, predictions, **kwargs)`` or, as pairs are passed on to an
    aggregation, ``([reference, prediction])``.
    """
    assert metric.function is not None
    reference = _cast(target, answer)
    if metric.takes_pair:
        return metric.function([reference, answer])
    is_list = plan.dialect == "lmms" and isinstance(answer, list)
    predictions = answer if is_list else [answer]
    return metric.function(
        references=[reference], predictions=predictions, **metric.kwargs
    )


def _cast(target: Any, answer: Any) -> Any:
    """Make a target of the answer's kind, such as a text of a number."""
    if type(target) is type(answer) or isinstance(target, list):
        return target
    if answer is None or isinstance(answer, list):
        return target
    try:
        return type(answer)(target)
    except (TypeError, ValueError):
        return target


def _any(scores: Sequence[Any]) -> float:
    return 1.0 if any(scores) else 0.0
