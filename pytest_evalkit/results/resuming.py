"""Going on with an earlier run: finding it, and taking what it has recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import decode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate import DocumentOutcome, SampleDict
from pytest_evalkit.naming import suggestion
from pytest_evalkit.results.folder import RunFolder, run_folders
from pytest_evalkit.results.journal import (
    Place,
    PlaceReader,
    journal_paths,
    session_of,
)
from pytest_evalkit.results.locking import first_in_use
from pytest_evalkit.results.survey import TaskSurvey, survey


def find_run(place: Path) -> RunFolder:
    """Find the run that a user names.

    Args:
        place: Its folder, or its ``results.json``.

    Raises:
        ResultsError: There is no run.
    """
    root = place.parent if place.name == "results.json" else place
    folder = RunFolder(root.resolve())
    if not root.is_dir():
        runs = [path.parents[1].name for path in root.parent.glob("*/journal/*.jsonl")]
        hint = suggestion(root.name, set(runs)) if runs else "'last' is the newest one"
        raise ResultsError(f"there is no run {place}; {hint}")
    if not journal_paths(folder.journal_dir):
        raise ResultsError(
            f"{place} cannot be resumed: it has no journal; name the folder that holds "
            "journal/ and results.json"
        )
    return folder


def newest_run(output_path: Path, model: str) -> RunFolder | None:
    """Find the newest run of a model; None where it has none with a journal.

    Args:
        output_path: Where the runs of all models are.
        model: Name of the model.
    """
    for folder in reversed(run_folders(output_path, model)):
        if journal_paths(folder.journal_dir):
            return folder
    return None


def next_session(folder: RunFolder) -> int:
    """Number the session that resumes a run.

    Raises:
        ResultsError: A process is still at work on the run.
    """
    paths = journal_paths(folder.journal_dir)
    busy = first_in_use(paths)
    if busy is not None:
        raise ResultsError(
            f"{folder.root} cannot be resumed: a process still writes {busy.name}; let "
            "it end first"
        )
    return 1 + max(map(session_of, paths), default=0)


class RecordedDocuments:
    """What the sessions of a run before this one have recorded.

    Args:
        folder: The run.
        session: Number of this session; its own journals are not looked at.

    Raises:
        ResultsError: A journal is damaged other than at its end.
    """

    def __init__(self, folder: RunFolder, session: int) -> None:
        self._survey = survey(
            folder.journal_dir, lambda path: session_of(path) < session
        )
        self._lines = PlaceReader(self._survey.paths)

    def task(self, name: str) -> TaskSurvey | None:
        """Get what is recorded of a task; None where nothing is."""
        return self._survey.tasks.get(name)

    @property
    def names(self) -> frozenset[str]:
        """The names of the tasks that are recorded, and of their groups."""
        notes = (line for _, line in self._survey.notes if line["kind"] == "group")
        return frozenset({*self._survey.tasks, *(line["name"] for line in notes)})

    def model(self) -> Mapping[str, Any] | None:
        """Get the first line about a model, of the last session that has one; or None.

        It is as the model described itself before it answered anything.
        """
        lines = [note for note in self._survey.notes if note[1]["kind"] == "model"]
        last = max((session for session, _ in lines), default=None)
        return next((line for session, line in lines if session == last), None)

    def session_at(self, place: Place) -> int:
        """Tell which session recorded a sample."""
        return self._survey.session_at(place)

    def samples(self, task: TaskSurvey, doc_id: int) -> list[SampleDict]:
        """Read the samples of a recorded document, in the order of the filters."""
        places = task.places(doc_id, task.said.get("filters", ()))
        return [decode(self._lines.line(place)) for place in places]

    def close(self) -> None:
        """Close the journals."""
        self._lines.close()


def recorded_outcome(samples: Sequence[SampleDict]) -> DocumentOutcome:
    """Tell from its samples how a document ended.

    Args:
        samples: Those of one document, at least one.
    """
    first = samples[0]
    return DocumentOutcome(
        task=first["task"],
        doc_id=first["doc_id"],
        status=first["status"],
        scores={
            f"{name},{sample['filter']}": sample[name]  # type: ignore[literal-required]  # the metrics' names are the task's
            for sample in samples
            for name in sample["metrics"]
        },
        message=first.get("error"),
        duration_s=0.0,
        turns=first.get("turns", ()),
        is_resumed=True,
    )
