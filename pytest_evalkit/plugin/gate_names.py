"""Refusing gates on what the collected tasks cannot tell, before anything is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from pytest_evalkit.errors import OptionError, TaskError
from pytest_evalkit.plugin.asked import asked_of
from pytest_evalkit.plugin.collection import DocumentItem
from pytest_evalkit.plugin.run import Run
from pytest_evalkit.results.gate_names import (
    RunNames,
    misnaming,
    names_of_group,
    names_of_task,
)
from pytest_evalkit.results.gates import gates_of_task, parse_gates
from pytest_evalkit.tasks import Group, Task


def check_gate_names(
    run: Run, items: Sequence[pytest.Item], cases: Iterable[str]
) -> None:
    """Make sure that gates are about something, as far as that is known.

    Nothing is checked where collecting failed, which is then what there is to tell.

    Args:
        run: The run.
        items: What pytest selected.
        cases: Tasks of cases in Python, of which only their names are known.

    Raises:
        TaskError: A gate in a file names what is not there; says where it stands.
        OptionError: A gate that was given does, or one is written wrongly.
    """
    if run.options.predict_only or not items or items[0].session.testsfailed:
        return
    selected = {
        item.parent.opened.task.name for item in items if isinstance(item, DocumentItem)
    }
    names = _names(run, selected, cases)
    of_project = len(run.config.getini("evalkit_gates"))
    for position, text in enumerate(run.options.gates):
        for gate in parse_gates(text):
            problem = misnaming(gate, names, is_for_any=position < of_project)
            if problem is not None:
                raise OptionError(f"gate {text!r}: {problem}")
    for name in sorted(selected):
        _check_written(run.tasks.opened[name].task, names)
    for group in asked_of(run.config).groups:
        _check_written(group, names)


def _names(run: Run, selected: set[str], cases: Iterable[str]) -> RunNames:
    tasks = {
        name: names_of_task(opened.task.scoring, is_run=name in selected)
        for name, opened in run.tasks.opened.items()
    }
    groups = {
        group.name: names_of_group(group, tasks)
        for group in asked_of(run.config).groups
    }
    figures = {**groups, **tasks}
    earlier = frozenset() if run.resumption is None else run.resumption.tasks
    return RunNames(
        figures=figures, unknown=frozenset({*cases, *earlier} - figures.keys())
    )


def _check_written(owner: Task | Group, names: RunNames) -> None:
    """Check the gates that stand in the file of a task or a group."""
    for entry, place in zip(owner.gates, owner.gate_places, strict=True):
        for gate in gates_of_task(owner.name, [dict(entry)]):
            problem = misnaming(gate, names)
            if problem is not None:
                raise TaskError(
                    f"gate {gate.condition!r}: {problem}",
                    path=place.path,
                    line=place.line,
                )
