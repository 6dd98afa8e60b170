"""Whether gates name what a run can tell, before it asks anything.

A gate on what nobody has fails in any case; told in the end, it has cost the whole run.
What only a run shows is not judged here: names that a scorer of a task's own may give,
those of cases in Python, and the numbers of the whole run in its results.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from pytest_evalkit.naming import nearest, suggestion
from pytest_evalkit.results.gate_figures import (
    COVERAGE,
    FIRST,
    OF_RUN,
    PARSE_RATE,
    missing_filter,
    missing_metric,
)
from pytest_evalkit.results.gates import Gate
from pytest_evalkit.results.load_gate_figures import load_figures_of, missing_figure
from pytest_evalkit.scoring import ScoringPlan
from pytest_evalkit.scoring.metric_names import has_only_listed, may_tell_parsing
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.stats.request_times import RequestTimes
from pytest_evalkit.tasks import Group

# The figures of each turn, which any conversation may have.
_TURN = re.compile(r"(?<=_by_turn\.)\d+(?=\.)")
# What stands in ``load`` beside the figures where requests were sent ahead.
_WARM_UP = ("warmup.requests", "warmup.failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureNames:
    """What gates may name of one task or group.

    Attributes:
        kind: ``task`` or ``group``.
        filters: The names of filters by metric, in their order.
        is_complete: Whether it has no other metrics.
        is_run: Whether any of its documents is to be run.
        has_conversations: Whether its documents are conversations.
    """

    kind: str
    filters: Mapping[str, tuple[str, ...]]
    is_complete: bool
    is_run: bool = True
    has_conversations: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNames:
    """What gates may name of a run.

    Attributes:
        figures: By task or group.
        unknown: Names of tasks of which nothing is known before they run.
    """

    figures: Mapping[str, FigureNames]
    unknown: frozenset[str] = frozenset()


def names_of_task(plan: ScoringPlan, *, is_run: bool) -> FigureNames:
    """List what gates may name of a task.

    Args:
        plan: How it scores.
        is_run: Whether any of its documents is to be run.
    """
    pipelines = tuple(pipeline.name for pipeline in plan.pipelines)
    filters: dict[str, tuple[str, ...]] = {COVERAGE: ("",)}
    if may_tell_parsing(plan):
        filters[PARSE_RATE] = pipelines
    filters |= dict.fromkeys([metric.name for metric in plan.metrics], pipelines)
    return FigureNames(
        kind="task",
        filters=filters,
        is_complete=has_only_listed(plan),
        is_run=is_run,
        has_conversations=plan.is_conversation,
    )


def names_of_group(group: Group, tasks: Mapping[str, FigureNames]) -> FigureNames:
    """List what gates may name of a group.

    Args:
        group: The group.
        tasks: What they may name of its tasks, and of others.
    """
    own = [tasks[name] for name in group.tasks if name in tasks]
    filters: dict[str, tuple[str, ...]] = {COVERAGE: ("",)}
    for metric in group.metrics:
        having = (name for one in own for name in _filters(metric.metric, one))
        listed = metric.filters or tuple(dict.fromkeys(having)) or ("none",)
        filters[metric.metric] = (*filters.get(metric.metric, ()), *listed)
    return FigureNames(
        kind="group",
        filters=filters,
        is_complete=True,
        is_run=any(one.is_run for one in own),
    )


def _filters(metric: str, task: FigureNames) -> Iterable[str]:
    """List the filters under which a task has a metric, or may have it."""
    if metric in task.filters or task.is_complete:
        return task.filters.get(metric, ())
    return (name for names in task.filters.values() for name in names if name)


def misnaming(gate: Gate, run: RunNames, *, is_for_any: bool = False) -> str | None:
    """Say what a gate names that the run cannot tell; None where nothing.

    Args:
        gate: The gate.
        run: What the run can tell.
        is_for_any: Whether the gate is there for other runs too, and may be about tasks
            of theirs: only what is misspelt is told then, not what is not there.
    """
    if gate.task is None or gate.task in run.figures:
        return _misnamed_figure(gate, run, is_for_any=is_for_any)
    if gate.task in run.unknown or is_for_any:
        return None
    hint = suggestion(gate.task, (*run.figures, *run.unknown))
    return f"no task {gate.task!r} is run; {hint}"


def _misnamed_figure(gate: Gate, run: RunNames, *, is_for_any: bool) -> str | None:
    if gate.metric == FIRST or _is_of_run(gate.metric):
        return None
    asked = _asked(gate, run)
    having = {name: one for name, one in asked.items() if gate.metric in one.filters}
    if having:
        return _misnamed_filter(gate, having)
    is_known = all(one.is_complete for one in asked.values())
    if gate.task is None and run.unknown:
        is_known = False
    # What a scorer may give has no dot, as far as it begins like a figure of requests.
    is_of_load = _root(gate.metric) in _load_names().roots
    if is_of_load and (is_known or "." in gate.metric):
        return _misnamed_load(gate, run)
    return _misnamed_metric(gate, asked, is_for_any=is_for_any) if is_known else None


def _is_of_run(metric: str) -> bool:
    key, _, path = metric.partition(".")
    return key in OF_RUN and bool(path)


def _asked(gate: Gate, run: RunNames) -> Mapping[str, FigureNames]:
    """Tell what a gate is about: groups are judged only where they are named."""
    if gate.task is not None:
        return {gate.task: run.figures[gate.task]}
    return {name: one for name, one in run.figures.items() if one.kind == "task"}


def _misnamed_filter(gate: Gate, having: Mapping[str, FigureNames]) -> str | None:
    if gate.filter is None:
        return None
    for name, one in having.items():
        known = one.filters[gate.metric]
        if one.is_run and gate.filter not in known:
            return missing_filter(gate, f"{one.kind} {name!r}", known)
    return None


def _misnamed_load(gate: Gate, run: RunNames) -> str | None:
    """Look for a gate among the figures of requests."""
    if gate.filter is not None:
        return f"{gate.metric!r} is of requests, which have no filter"
    known = _load_names()
    may_converse = run.unknown or any(
        one.has_conversations for one in run.figures.values()
    )
    if _root(gate.metric) in known.of_conversations and not may_converse:
        return f"{gate.metric!r} is of conversations, and no task has any"
    if _TURN.sub("1", gate.metric) not in known.names:
        return missing_figure(gate.metric, known.names)
    return None


def _misnamed_metric(
    gate: Gate, asked: Mapping[str, FigureNames], *, is_for_any: bool
) -> str | None:
    """Say which metric may be meant by one that nobody has."""
    owner = "no task"
    if gate.task is not None:
        owner = f"{asked[gate.task].kind} {gate.task!r}"
    if gate.metric == PARSE_RATE:
        has = "has a" if gate.task is None else "has no"
        return f"{owner} {has} {PARSE_RATE!r}: no filter of it tells what it found"
    metrics = {name for one in asked.values() for name in one.filters}
    close = nearest(gate.metric, metrics) or nearest(gate.metric, _load_names().names)
    if close is not None:
        metrics = {close}
    elif is_for_any and gate.task is None:
        return None
    return missing_metric(gate, owner, metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LoadNames:
    """What figures of requests are called.

    Attributes:
        names: Whole names; of turns those of the first stand for all.
        roots: What they begin with, up to the dot.
        of_conversations: Of these, what only conversations have.
    """

    names: frozenset[str]
    roots: frozenset[str]
    of_conversations: frozenset[str]


@cache
def _load_names() -> _LoadNames:
    """List the names of figures of requests, as those of no request have them."""
    turn = RequestTimes(status="skipped", conversation="one", turn=1)
    plain, whole = (load_figures_of(load_figures(one)) for one in ((), (turn,)))
    names = frozenset({*plain, *whole, *_WARM_UP})
    return _LoadNames(
        names=names,
        roots=_roots(names),
        of_conversations=_roots(names) - _roots(plain) - _roots(_WARM_UP),
    )


def _root(name: str) -> str:
    return name.partition(".")[0]


def _roots(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(_root, names))
