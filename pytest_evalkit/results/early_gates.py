"""Which gates can be decided before all documents have a score, and on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.results.gates import CONFIDENCE, Gate
from pytest_evalkit.scoring import MetricSpec, ScoringPlan

_UP, _DOWN = (">=", ">"), ("<=", "<")
_FIRST = "*"
_REMEDY = "leave out --early-stop, or the gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyTask:
    """A task of a run that may end early.

    Attributes:
        name: Its name.
        plan: How it scores.
        partial: Why its gates are not judged, such as that documents were left out;
            None where they are.
        is_bundled: Whether documents belong together, so that none goes alone.
    """

    name: str
    plan: ScoringPlan
    partial: str | None = None
    is_bundled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyGate:
    """A gate on a mean of bounded values, of one task.

    Attributes:
        gate: As it is written; task, metric and filter are named.
        low: The least value of a document.
        high: The highest.
    """

    gate: Gate
    low: float
    high: float

    @property
    def metric(self) -> tuple[str, str]:
        """Its metric and filter."""
        return self.gate.metric, self.gate.filter or ""

    @property
    def wants_above(self) -> bool:
        """Whether it holds where the mean is above the bound."""
        return self.gate.comparison in _UP

    @property
    def is_of_these(self) -> bool:
        """Whether it is about the mean of these documents.

        With a confidence it is about others of their kind.
        """
        return self.gate.confidence is None

    @property
    def level(self) -> float:
        """How sure its verdict is to be, between 0 and 1."""
        return CONFIDENCE if self.gate.confidence is None else self.gate.confidence


def early_gates(
    gates: Sequence[Gate], tasks: Sequence[EarlyTask]
) -> dict[str, tuple[EarlyGate, ...]]:
    """Sort the gates of a run by the tasks that they are about.

    Args:
        gates: All of them.
        tasks: The tasks of the run.

    Returns:
        The gates of each task that has any.

    Raises:
        OptionError: There is none, or one that only all documents can decide.
    """
    if not gates:
        raise OptionError(
            "--early-stop ends a task when its gates are decided, and there is no gate; "
            "give one with --gate, or leave --early-stop out"
        )
    found: dict[str, list[EarlyGate]] = {}
    for gate in gates:
        for task in _tasks_of(gate, tasks):
            found.setdefault(task.name, []).append(_early_gate(gate, task))
    return {name: tuple(dict.fromkeys(own)) for name, own in found.items()}


def _tasks_of(gate: Gate, tasks: Sequence[EarlyTask]) -> Sequence[EarlyTask]:
    if gate.is_drop:
        _refuse(gate, "it compares with a baseline")
    by_name = {task.name: task for task in tasks}
    if gate.task is not None:
        if gate.task not in by_name:
            _refuse(gate, f"no task {gate.task!r} with documents is run")
        return [by_name[gate.task]]
    having = [task for task in tasks if _metrics(gate, task)]
    return having or _refuse(gate, f"no task lists the metric {gate.metric!r}")


def _metrics(gate: Gate, task: EarlyTask) -> Sequence[MetricSpec]:
    metrics = task.plan.metrics
    if gate.metric != _FIRST:
        return [metric for metric in metrics if metric.name == gate.metric]
    directed = [metric for metric in metrics if metric.higher_is_better is not None]
    return (directed or metrics)[:1]


def _early_gate(gate: Gate, task: EarlyTask) -> EarlyGate:
    """Make sure that scores of some documents can decide a gate."""
    found = _metrics(gate, task)
    if not found:
        known = [metric.name for metric in task.plan.metrics]
        hint = suggestion(gate.metric, known)
        _refuse(gate, f"{task.name!r} lists no metric {gate.metric!r}; {hint}")
    metric = found[0]
    filters = [pipeline.name for pipeline in task.plan.pipelines]
    if gate.filter is not None and gate.filter not in filters:
        hint = suggestion(gate.filter, filters)
        _refuse(gate, f"{task.name!r} has no filter {gate.filter!r}; {hint}")
    if gate.comparison not in (*_UP, *_DOWN):
        _refuse(gate, "one document more can always change whether it is so exactly")
    if metric.aggregation_name != "mean":
        _refuse(
            gate,
            f"{metric.name!r} of {task.name!r} is no mean of documents, but "
            f"{metric.aggregation_name!r}",
        )
    low, high = metric.range or _refuse(
        gate,
        f"it is not known between which numbers {metric.name!r} of {task.name!r} lies; "
        "say 'range: [0, 1]' in its entry of metric_list",
    )
    if not low <= gate.bound <= high:
        _refuse(gate, f"{metric.name!r} lies from {low:g} to {high:g}")
    problem = _problem(gate, task)
    if problem is not None:
        _refuse(gate, problem)
    named = replace(
        gate, task=task.name, metric=metric.name, filter=gate.filter or filters[0]
    )
    return EarlyGate(gate=named, low=low, high=high)


def _problem(gate: Gate, task: EarlyTask) -> str | None:
    """Say why the documents of a task cannot be taken one by one, in any order."""
    if task.is_bundled:
        return f"documents of {task.name!r} belong together (metadata.group_by)"
    if gate.confidence is not None and task.plan.cluster_key is not None:
        return (
            f"documents of {task.name!r} depend on each other (cluster_key), and a "
            "confidence is about others of their kind"
        )
    if task.partial is not None:
        return f"gates of {task.name!r} are not judged: {task.partial}"
    return None


def _refuse(gate: Gate, reason: str) -> NoReturn:
    of_task = "" if gate.task is None else f"{gate.task}: "
    raise OptionError(
        f"--early-stop cannot decide the gate '{of_task}{gate.condition}': {reason}; "
        f"{_REMEDY}"
    )


def scores_for(gates: Sequence[EarlyGate], scores: Mapping[str, Any]) -> Sequence[Any]:
    """Pick what gates are about of the scores of a document.

    Args:
        gates: The gates of its task.
        scores: Values by ``metric,filter``.

    Returns:
        A value for each gate, in their order; None where the document has none.
    """
    return [scores.get(",".join(one.metric)) for one in gates]
