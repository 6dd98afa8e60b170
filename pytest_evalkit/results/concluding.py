"""From what the journals of a run say to its results, judged by its gates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pytest_evalkit.codec import decode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.baseline import Baseline, open_baseline
from pytest_evalkit.results.conclusion import RunRecord
from pytest_evalkit.results.document import RunFacts, build_results
from pytest_evalkit.results.drops import Drops
from pytest_evalkit.results.early_gates import EarlyTask, early_gates
from pytest_evalkit.results.gates import CONFIDENCE, Gate, gates_of_task, parse_gates
from pytest_evalkit.results.groups import conclude_groups
from pytest_evalkit.results.journal import PlaceReader
from pytest_evalkit.results.recorded import Answers, RecordedRun, answers_in
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.results.task_record import TaskFacts
from pytest_evalkit.scoring import MetricSpec
from pytest_evalkit.tasks import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """By which rules a run is judged.

    Attributes:
        gates: The conditions on its figures.
        judges_partial: Whether they are judged on a part of a task's documents too.
        is_strict: Whether figures of groups are to be what the reference makes of them.
        baseline: What the run is held against, why it cannot be read, or None.
    """

    gates: Sequence[Gate]
    judges_partial: bool
    is_strict: bool
    baseline: Baseline | str | None = None


def conclude_record(record: RunRecord, run: RunFacts, judging: Judging) -> ResultsDict:
    """Conclude a run.

    Args:
        record: What its journals say.
        run: What it is.
        judging: How it is judged.
    """
    levels = _levels(judging.gates)
    tasks = [
        task.conclude(judge_partial=judging.judges_partial, levels=levels)
        for task in record.tasks.values()
    ]
    groups = conclude_groups(
        record.groups.values(), tasks, is_strict=judging.is_strict, levels=levels
    )
    baseline = judging.baseline
    drops_in = None if baseline is None else partial(_drops, record, baseline)
    return build_results(tasks, run, judging.gates, groups, drops_in)


def end_early(record: RunRecord, gates: Sequence[Gate], seed: int) -> None:
    """Leave out of a run the documents that were not needed to decide its gates.

    Cases in Python are all run.

    Args:
        record: What its journals say.
        gates: Its gates.
        seed: Its seed, by which documents were put in order.

    Raises:
        OptionError: A gate is none that some documents can decide.
    """
    tasks = [
        EarlyTask(name=name, plan=task.facts.plan)
        for name, task in record.tasks.items()
        if all(said["path"] is not None for said in task.selections)
    ]
    if not tasks:
        return
    for name, own in early_gates(gates, tasks).items():
        record.tasks[name].end_early(own, seed)


def _levels(gates: Iterable[Gate]) -> list[float]:
    """List the levels of intervals that gates ask for, beside those that are made."""
    asked = {gate.confidence for gate in gates if not gate.is_drop}
    return sorted(level for level in asked if level not in (None, CONFIDENCE))


def _drops(record: RunRecord, baseline: Baseline | str, results: ResultsDict) -> Drops:
    """Make ready to hold a run against a baseline."""

    def answers_of(task: str) -> Answers:
        with PlaceReader(record.paths) as reader:
            places = record.tasks[task].places()
            return answers_in(decode(reader.line(place)) for place in places)

    def find_metric(_run: RecordedRun, task: str, metric: str) -> MetricSpec | str:
        for spec in record.tasks[task].facts.plan.metrics:
            if spec.name == metric:
                return spec
        return f"the task {task!r} does not list it"

    run = RecordedRun(
        label=results["model_name"], path=Path("this run"), results=results, samples={}
    )

    def samples() -> Iterator[SampleDict]:
        with PlaceReader(record.paths) as reader:
            for task in record.tasks.values():
                for place in task.places():
                    yield decode(reader.line(place))

    return Drops(baseline, run, answers_of, find_metric, samples)


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
    gates = [gate for text in given for gate in parse_gates(text)]
    for name in record.tasks:
        if name in tasks:
            own = [dict(gate) for gate in tasks[name].gates]
            gates.extend(gates_of_task(name, own))
    for group in record.groups.values():
        gates.extend(gates_of_task(group["name"], group["gates"]))
    return gates


def baseline_for(gates: Iterable[Gate], path: Path | None) -> Baseline | str | None:
    """Open the baseline, where there is one and a gate asks for it.

    Args:
        gates: The gates of the run.
        path: Where it is, or None where the run has none.

    Returns:
        The baseline; why it cannot be read, in one line; or None.
    """
    if path is None or not any(gate.is_drop for gate in gates):
        return None
    try:
        return open_baseline(path)
    except ResultsError as error:
        # The figures stand: only the gates that ask for it fail.
        return str(error)


def facts_of_task(task: Task) -> TaskFacts:
    """Say of a task what concluding needs to know."""
    return TaskFacts(
        alias=task.alias,
        config=task.config,
        version=task.version,
        num_fewshot=task.num_fewshot,
        plan=task.scoring,
    )
