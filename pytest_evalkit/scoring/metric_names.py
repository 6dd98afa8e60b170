"""Which metrics the results of a task can have, as far as its plan says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_evalkit.scoring.libraries import LIBRARY_METRICS, rouge
from pytest_evalkit.scoring.metrics import METRICS, pair
from pytest_evalkit.scoring.parsed import ParserFilter
from pytest_evalkit.scoring.plan import ScoringPlan

# Functions of the package that give one value, under the name of their metric.
_OF_ONE_VALUE: frozenset[Callable[..., Any]] = frozenset(
    {*METRICS.values(), *LIBRARY_METRICS.values(), pair}
) - {rouge}


def has_only_listed(plan: ScoringPlan) -> bool:
    """Tell whether results have no metric but those that the plan lists.

    A scorer of the task's own may give others, which are averaged in the lm dialect and
    left out in the lmms dialect. So may a metric that is a function of the task's own.
    """
    if plan.process_results is not None:
        return plan.dialect == "lmms"
    if plan.is_conversation:
        return True
    return all(
        metric.function is None or metric.function in _OF_ONE_VALUE
        for metric in plan.metrics
    )


def may_tell_parsing(plan: ScoringPlan) -> bool:
    """Tell whether anything says in which answers one was found."""
    if plan.process_results is not None or plan.reasoned is not None:
        return True
    return any(
        isinstance(step, ParserFilter)
        for pipeline in plan.pipelines
        for step in pipeline.steps
    )
