"""A run whose answers are to be scored again, read from its journals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import decode
from pytest_evalkit.errors import OptionError, RecordingError, ResultsError
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.naming import suggestion
from pytest_evalkit.results.conclusion import RunRecord, read_run
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.journal import (
    Place,
    PlaceReader,
    RunDict,
    journal_paths,
)
from pytest_evalkit.results.sources import (
    bare_facts,
    counted_samples,
    head_of,
    run_name,
)


class RecordedRun:
    """The answers of a run, found by the content of their documents.

    Only where they stand is kept in memory; each is read when it is asked for.

    Args:
        path: The run's folder, or its ``results.json``.
        label: What messages call it.

    Raises:
        OptionError: There is no run.
    """

    def __init__(self, path: Path, label: str) -> None:
        self._folder = RunFolder(path if path.is_dir() else path.parent)
        self.label = label
        if not path.exists() or not self._folder.journal_dir.is_dir():
            raise OptionError(
                f"--rescore {label}: there is no run; name the folder that it was written "
                "to, such as results/MODEL/TIMESTAMP"
            )

    @property
    def name(self) -> str:
        """What the run is called in results: model and time, as its folder."""
        return run_name(self._folder.root)

    @property
    def said(self) -> RunDict:
        """What it says of itself.

        Raises:
            OptionError: It does not say it.
        """
        return self._heads[0]

    @cached_property
    def _heads(self) -> Sequence[RunDict]:
        try:
            heads = [*map(head_of, journal_paths(self._folder.journal_dir))]
        except ResultsError as error:
            raise OptionError(f"--rescore: {error}") from error
        told = [head for head in heads if head is not None]
        if not told:
            raise OptionError(
                f"--rescore {self.label}: its journal is empty: the run had not begun"
            )
        return told

    def agreed_options(self) -> Mapping[str, Any]:
        """Get the options that it was run with; of a merged run those of all its parts.

        Raises:
            OptionError: It does not say them.
        """
        every = [head["options"] for head in self._heads]
        agreed = {
            name: value
            for name, value in every[0].items()
            if all(options.get(name) == value for options in every)
        }
        is_merged = "part" in self.said
        return {**agreed, "shard": None} if is_merged else agreed

    @property
    def variant_model(self) -> str | None:
        """The name that decided between forms of prompts; None where none did."""
        name: str | None = self.said["settings"].get("model_name")
        return name

    @property
    def model_name(self) -> str:
        """What answered."""
        return self._record.model_name or ""

    @property
    def model_description(self) -> Mapping[str, Any]:
        """How its answers came about."""
        return self._record.model_description

    def require(self, task: str) -> None:
        """Refuse a task that the run did not ask.

        Raises:
            OptionError: It did not.
        """
        tasks = self._record.tasks
        if task not in tasks:
            raise OptionError(
                f"{self.label} has no answers of task {task!r}; {suggestion(task, tasks)}"
            )

    def find(self, task: str, doc_hash: str, doc_id: int) -> SampleDict:
        """Find what was recorded of a document.

        Args:
            task: Its task.
            doc_hash: The hash of its content.
            doc_id: Its position, which counts where documents are equal.

        Raises:
            RecordingError: Nothing was; says what to do.
        """
        found = self._index.get((task, doc_hash), {})
        # What was never prepared, since it was skipped or its prompt could not be made,
        # has no hash.
        unprepared = self._index.get((task, ""), {})
        place = found.get(doc_id, unprepared.get(doc_id))
        if place is None and not found:
            raise RecordingError(self._absence(task, doc_id))
        if place is None:
            place = next(iter(found.values()))
        sample: SampleDict = decode(self._reader.line(place))
        return sample

    def close(self) -> None:
        """Close the journals."""
        if "_reader" in vars(self):
            self._reader.__exit__()

    @cached_property
    def _reader(self) -> PlaceReader:
        return PlaceReader(journal_paths(self._folder.journal_dir))

    def _absence(self, task: str, doc_id: int) -> str:
        where = f"document {doc_id} of task {task!r}"
        if (task, doc_id) in self._positions:
            return (
                f"{where} is another one in {self.label}: the data have changed; ask it "
                "anew, or score the run with the data that it had"
            )
        return (
            f"{where} was not asked in {self.label}; leave it out as that run did, with "
            "-k, --limit or node ids, or ask it in a run of its own"
        )

    @cached_property
    def _record(self) -> RunRecord:
        try:
            return read_run(self._folder, bare_facts)
        except ResultsError as error:
            raise OptionError(f"--rescore: {error}") from error

    @cached_property
    def _index(self) -> Mapping[tuple[str, str], Mapping[int, Place]]:
        index: dict[tuple[str, str], dict[int, Place]] = {}
        for sample, place in counted_samples(self._record):
            known = index.setdefault((sample["task"], sample["doc_hash"]), {})
            known.setdefault(sample["doc_id"], place)
        return index

    @cached_property
    def _positions(self) -> frozenset[tuple[str, int]]:
        return frozenset(
            (task, doc_id)
            for (task, _), places in self._index.items()
            for doc_id in places
        )


def last_run(output_path: Path) -> Path:
    """Find the run that was written to last.

    Args:
        output_path: Where the runs of all models are.

    Raises:
        OptionError: There is none.
    """
    journals = output_path.glob("*/*/journal/*.jsonl")
    newest = max(journals, key=lambda path: path.stat().st_mtime_ns, default=None)
    if newest is None:
        raise OptionError(
            f"--rescore last: there is no run under {output_path}; name its folder"
        )
    return newest.parent.parent
