"""The turns of conversations, a row each, as the samples of a run tell them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from pytest_evalkit.codec import decode, encode
from pytest_evalkit.evaluate import SampleDict, TurnDict
from pytest_evalkit.results.conclusion import RunRecord
from pytest_evalkit.results.folder import RunFolder, write_whole
from pytest_evalkit.results.journal import PlaceReader
from pytest_evalkit.results.task_record import TaskRecord

TURN_SCHEMA_VERSION = 1

_OF_SAMPLE = ("task", "doc_id", "item_id", "conversation_id")


class TurnRowDict(TurnDict):
    """One line of ``turns_<task>.jsonl``: a turn, and whose it is."""

    schema_version: int
    task: str
    doc_id: int
    item_id: str
    conversation_id: str


def write_turns(folder: RunFolder, record: RunRecord) -> None:
    """Write the turns of each task of conversations, in order, each file whole.

    Every client turn that was planned in a conversation that was recorded has one row.

    Raises:
        ResultsError: A file cannot be written.
    """
    for task in record.tasks.values():
        if not task.has_conversations:
            continue
        with PlaceReader(record.paths) as reader:
            lines = (encode(row) + b"\n" for row in _rows(task, reader))
            write_whole(folder.turns_path(task.name), lines)


def _rows(task: TaskRecord, reader: PlaceReader) -> Iterator[TurnRowDict]:
    for place in task.first_places():
        sample = cast("SampleDict", decode(reader.line(place)))
        yield from turn_rows(sample)


def turn_rows(sample: SampleDict) -> Iterator[TurnRowDict]:
    """List the turns of a sample; none where it is of no conversation."""
    for turn in sample.get("turns", ()):
        owner = {key: sample[key] for key in _OF_SAMPLE}  # type: ignore[literal-required]  # all are keys
        row = {"schema_version": TURN_SCHEMA_VERSION, **owner, **turn}
        yield cast("TurnRowDict", row)
