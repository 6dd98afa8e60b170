"""From what the journals of a run say to its results, judged by its gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_evalkit.results.conclusion import RunRecord, TaskFacts
from pytest_evalkit.results.document import RunFacts, build_results
from pytest_evalkit.results.gates import Gate, gates_of_task, parse_gate
from pytest_evalkit.results.groups import conclude_groups
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.tasks import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """By which rules a run is judged.

    Attributes:
        gates: The conditions on its figures.
        judges_partial: Whether they are judged on a part of a task's documents too.
        is_strict: Whether figures of groups are to be what the reference makes of them.
    """

    gates: Sequence[Gate]
    judges_partial: bool
    is_strict: bool


def conclude_record(record: RunRecord, run: RunFacts, judging: Judging) -> ResultsDict:
    """Conclude a run.

    Args:
        record: What its journals say.
        run: What it is.
        judging: How it is judged.
    """
    tasks = [
        task.conclude(judge_partial=judging.judges_partial)
        for task in record.tasks.values()
    ]
    groups = conclude_groups(record.groups.values(), tasks, is_strict=judging.is_strict)
    return build_results(tasks, run, judging.gates, groups)


def gates_of(
    record: RunRecord, given: Iterable[str], tasks: Mapping[str, Task]
) -> list[Gate]:
    """Gather the gates of a run: those given, those of its tasks and of its groups.

    Args:
        record: What its journals say.
        given: Gates as the command line writes them.
        tasks: Tasks by name; cases in Python have none.

    Raises:
        OptionError: One of them is written wrongly.
    """
    gates = [parse_gate(text) for text in given]
    for name in record.tasks:
        if name in tasks:
            own = [dict(gate) for gate in tasks[name].gates]
            gates.extend(gates_of_task(name, own))
    for group in record.groups.values():
        gates.extend(gates_of_task(group["name"], group["gates"]))
    return gates


def facts_of_task(task: Task) -> TaskFacts:
    """Say of a task what concluding needs to know."""
    return TaskFacts(
        alias=task.alias,
        config=task.config,
        version=task.version,
        num_fewshot=task.num_fewshot,
        plan=task.scoring,
    )
