"""Whether documents of two runs can be told apart by their content, or by position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.recorded import Answers, DocumentKey, RecordedRun

POSITIONED = "position {}"


def aligned(
    answers: tuple[Answers, Answers], *, is_foreign: bool
) -> tuple[Answers, Answers]:
    """Bring the answers of two runs to be matched by the same thing.

    By content where both tell it. By position in the split where one of them does not,
    and where the hashes are of different systems and none is common.

    Args:
        answers: The answers of both runs to a task.
        is_foreign: Whether one of the runs is of another system.
    """
    first, second = answers
    if not (first.contents or second.contents):
        return answers
    if first.contents and second.contents:
        common = set(first.contents.values()) & set(second.contents.values())
        if common or not is_foreign:
            return answers
    return _by_position(first), _by_position(second)


def _by_position(answers: Answers) -> Answers:
    return Answers(
        by_filter={
            name: {
                DocumentKey(POSITIONED.format(each.doc_id), 0): each
                for each in own.values()
            }
            for name, own in answers.by_filter.items()
        },
        torn=answers.torn,
    )


def sample_sources(
    first: RecordedRun, second: RecordedRun
) -> tuple[Iterable[SampleDict], Iterable[SampleDict]]:
    """Give the samples of two runs, with hashes by which they can be matched.

    Where documents of a task are told by their positions, these stand in place of the
    hashes.

    Raises:
        ResultsError: They cannot be read.
    """
    tasks = {
        task
        for task in first.samples
        if task in second.samples and _is_without_hashes(first, second, task)
    }
    return _samples_of(first, tasks), _samples_of(second, tasks)


def _is_without_hashes(first: RecordedRun, second: RecordedRun, task: str) -> bool:
    if first.written_by is None and second.written_by is None:
        return False
    hashes = [
        {sample["doc_hash"] for sample in run.samples[task]} for run in (first, second)
    ]
    return not (hashes[0] & hashes[1]) - {""}


def _samples_of(run: RecordedRun, positioned: set[str]) -> Iterator[SampleDict]:
    for sample in run.all_samples():
        if sample["task"] in positioned:
            place = POSITIONED.format(sample["doc_id"])
            yield cast("SampleDict", {**sample, "doc_hash": place})
        else:
            yield sample
