"""What fails a run where no pytest counts its failed tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_evalkit.codec import decode
from pytest_evalkit.results.cases import PASSED_METRIC
from pytest_evalkit.results.conclusion import RunRecord
from pytest_evalkit.results.journal import PlaceReader
from pytest_evalkit.results.schema import GateDict, ResultsDict, task_names
from pytest_evalkit.results.task_record import TaskRecord


def is_failing(gate: GateDict, inconclusive: str | None) -> bool:
    """Tell whether a gate fails its run.

    Args:
        gate: The gate with its verdict.
        inconclusive: ``fail`` or ``warn`` where somebody said what becomes of gates
            that neither pass nor fail. None for the default: those that ask for proof
            and do not get it fail.
    """
    if gate["verdict"] != "inconclusive":
        return gate["verdict"] == "fail"
    if inconclusive is None:
        return gate.get("unproven", False)
    return inconclusive == "fail"


def failures(
    record: RunRecord,
    results: ResultsDict,
    *,
    max_errors: int,
    fails_wrong: bool,
    inconclusive: str | None = None,
) -> Iterator[str]:
    """Say what would fail the run under pytest, one line for each kind.

    Args:
        record: What its journals say.
        results: What it concludes.
        max_errors: Documents in error that do not fail it.
        fails_wrong: Whether wrong answers do.
        inconclusive: As of ``is_failing``.
    """
    gates = results["gates"]
    failing = [gate["verdict"] for gate in gates if is_failing(gate, inconclusive)]
    for verdict, word in (("fail", "failed"), ("inconclusive", "are inconclusive")):
        if verdict in failing:
            yield f"{failing.count(verdict)} of {len(gates)} gates {word}"
    for name, rows in results["aggregates"].items():
        for row in rows:
            if "error" in row:
                yield f"{name}: {row['metric']},{row['filter']}: {row['error']}"
    errors = sum(results["coverage"][name]["errors"] for name in task_names(results))
    if errors > max_errors:
        noun = "document is" if errors == 1 else "documents are"
        yield f"{errors} {noun} in error; --max-errors allows {max_errors}"
    for task in record.tasks.values():
        yield from _failed_documents(record, task, fails_wrong=fails_wrong)


def _failed_documents(
    record: RunRecord, task: TaskRecord, *, fails_wrong: bool
) -> Iterator[str]:
    """Say which documents of a task fail it although they have a score."""
    broken = _broken(record.paths, task)
    if broken:
        yield f"{task.name}: {broken} scored although a turn has no answer"
    is_of_cases = any(said["path"] is None for said in task.selections)
    if not is_of_cases and not fails_wrong:
        return
    wrong = _wrong(record.paths, task, PASSED_METRIC if is_of_cases else None)
    if wrong:
        what = "failed" if is_of_cases else "wrong answers (--fail-wrong)"
        yield f"{task.name}: {wrong} {what}"


def _broken(journals: Sequence[Path], task: TaskRecord) -> int:
    """Count the conversations that are scored although a turn of them failed."""
    if not task.has_conversations:
        return 0
    with PlaceReader(journals) as reader:
        samples = [decode(reader.line(place)) for place in task.first_places()]
    return sum(one["status"] == "scored" and "error" in one for one in samples)


def _wrong(journals: Sequence[Path], task: TaskRecord, metric: str | None) -> int:
    """Count the documents whose first score, or a metric by its name, is not above 0."""
    scores: dict[int, float] = {}
    with PlaceReader(journals) as reader:
        for place in task.places():
            sample = decode(reader.line(place))
            names = sample["metrics"] if metric is None else [metric]
            values = (sample.get(name) for name in names)
            numbers = [value for value in values if isinstance(value, int | float)]
            if numbers:
                scores.setdefault(sample["doc_id"], numbers[0])
    return sum(score <= 0 for score in scores.values())
