"""Going on with an earlier run: which, whether it may be, and what is taken of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.evaluate import DocumentOutcome, Status
from pytest_evalkit.models.description import model_identity
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.plugin.place import (
    fixture_model,
    note,
    set_resumed,
)
from pytest_evalkit.plugin.refusal import note_refusal
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.identity import differences, short_text
from pytest_evalkit.results.journal import (
    SelectionDict,
)
from pytest_evalkit.results.resuming import (
    RecordedDocuments,
    find_run,
    newest_run,
    next_session,
    recorded_outcome,
)
from pytest_evalkit.results.secrets import without_secrets
from pytest_evalkit.results.survey import TaskSurvey
from pytest_evalkit.tasks import OpenedTask, doc_hash

LAST = "last"

# Differences that one message names; the rest are counted.
_NAMED = 4


def choose_run(
    config: pytest.Config, options: RunOptions, model_name: str | None
) -> None:
    """Make the run that ``--resume`` names this one.

    Args:
        config: pytest's configuration.
        options: What the user asked for.
        model_name: Name of the model, or None where a fixture gives it.

    Raises:
        ResultsError: There is no such run, or somebody is at work on it.
        OptionError: There is none whose errors could be run again.
    """
    assert options.resume is not None, "asked only where a run is to be resumed"
    if options.resume != LAST:
        folder = find_run(config.invocation_params.dir / Path(options.resume))
    else:
        model = fixture_model(model_name)
        newest = newest_run(options.output_path, model)
        if newest is None and options.rerun_errors:
            raise OptionError(
                f"--rerun-errors: there is no run of {model!r} in "
                f"{options.output_path} whose errors could be run again"
            )
        if newest is None:
            note(config, f"there was no run of {model!r} to resume: this one is new")
            return
        folder = newest
    set_resumed(config, folder, next_session(folder))


class Resumption:
    """What a process takes from the earlier sessions of its run.

    A worker that replaces another takes from that one, too, what it has recorded in this
    session. That one had finished with it, however it ended.

    Attributes:
        differences: In what this session is not like the last one, a line each.

    Args:
        options: What the user asked for.
        folder: The run.
        session: Number of this session.
        replaces: Whether this process replaces another of the session.
    """

    def __init__(
        self,
        options: RunOptions,
        folder: RunFolder,
        session: int,
        *,
        replaces: bool = False,
    ) -> None:
        self._options = options
        self._folder = folder
        self._session = session
        self._replaces = replaces
        self._same: dict[tuple[str, int], bool] = {}
        self.differences: list[str] = []

    @cached_property
    def _recorded(self) -> RecordedDocuments:
        return RecordedDocuments(self._folder, self._session + self._replaces)

    def compare_model(self, name: str, description: Mapping[str, Any]) -> None:
        """Note in what the model is not the one that answered before.

        Raises:
            ResultsError: A journal is damaged.
        """
        line = self._recorded.model()
        if line is None:
            return
        was = {"name": line["name"], **model_identity(line["description"])}
        plain = without_secrets(description)
        now = {"name": name, **model_identity(plain)}
        self._note("the model", _short(was), _short(now))

    def require_model(
        self, config: pytest.Config, name: str, description: Mapping[str, Any]
    ) -> None:
        """Refuse a fixture's model if it is not the one that answered before.

        Raises:
            OptionError: It is refused; the exit status will say so.
        """
        self.compare_model(name, description)
        refusal = self.refusal()
        if refusal is not None:
            note_refusal(config)
            raise OptionError(refusal)

    def compare_task(self, opened: OpenedTask, identity: Mapping[str, str]) -> None:
        """Note in what a task or its documents are not those of before.

        Raises:
            ResultsError: A journal is damaged.
        """
        name = opened.task.name
        found = self._recorded.task(name)
        if found is None:
            return
        now = _data(len(opened.documents), opened.fingerprint)
        self._note(f"task {name!r}", found.said.get("identity"), identity)
        self._note(f"task {name!r}", _recorded_data(found.said), now)

    def _note(
        self, what: str, was: Mapping[str, str] | None, now: Mapping[str, str]
    ) -> None:
        new = differences(what, was, now)
        self.differences.extend(one for one in new if one not in self.differences)

    def refusal(self) -> str | None:
        """Say why the run cannot be resumed, in one line; None where it can.

        Differences that the user goes on with all the same are none.
        """
        if not self.differences or self._options.resume_anyway:
            return None
        named = "; ".join(self.differences[:_NAMED])
        rest = len(self.differences) - _NAMED
        more = f"; and {rest} more" if rest > 0 else ""
        return (
            f"{self._folder.root} cannot be resumed, since its answers were to other "
            f"questions: {named}{more}. Start a new run without --resume, or go on "
            "with --resume-anyway, which the results will say"
        )

    @property
    def tasks(self) -> frozenset[str]:
        """The names of the tasks that are recorded, and of their groups.

        Raises:
            ResultsError: A journal is damaged.
        """
        return self._recorded.names

    def outcome(self, opened: OpenedTask, doc_id: int) -> DocumentOutcome | None:
        """Get how a document ended in an earlier session; None where it is to be run.

        Raises:
            ResultsError: A journal is damaged.
        """
        if not self.is_taken(opened, doc_id):
            return None
        found = self._recorded.task(opened.task.name)
        assert found is not None, "it has a record"
        return recorded_outcome(self._recorded.samples(found, doc_id))

    def is_taken(self, opened: OpenedTask, doc_id: int) -> bool:
        """Tell whether a document is taken as it was recorded."""
        found = self._recorded.task(opened.task.name)
        if found is None or found.status(doc_id) is None:
            return False
        names = [pipeline.name for pipeline in opened.task.scoring.pipelines]
        places = list(found.places(doc_id, names))
        if len(places) != len(names):
            return False
        if self._recorded.session_at(places[0]) == self._session:
            return True
        is_done = found.status(doc_id) in self._taken_statuses
        return is_done and self._is_same_document(found, opened, doc_id)

    def planned_s(self, opened: OpenedTask, doc_id: int) -> Iterator[float]:
        """List when the requests were planned that a predecessor recorded of a document.

        In seconds of the run's clock, cut to microseconds as in samples; of requests
        without a schedule there is nothing.

        Args:
            opened: The task.
            doc_id: The document.

        Raises:
            ResultsError: A journal is damaged.
        """
        found = self._recorded.task(opened.task.name)
        if not self._replaces or found is None or found.status(doc_id) is None:
            return
        (sample, *_) = self._recorded.samples(found, doc_id)
        planned = sample.get("timing", {}).get("planned_at_s")
        for moment in planned if isinstance(planned, list) else [planned]:
            if moment is not None:
                yield moment

    @property
    def _taken_statuses(self) -> tuple[Status, ...]:
        # What was only answered has no score that could be taken.
        done: Status = "answered" if self._options.predict_only else "scored"
        return (done, "skipped") if self._options.rerun_errors else (done,)

    def is_left_out(self, opened: OpenedTask, doc_id: int) -> bool:
        """Tell whether a document is neither taken nor run: it has no error to mend."""
        if not self._options.rerun_errors:
            return False
        found = self._recorded.task(opened.task.name)
        return found is None or found.status(doc_id) is None

    def _is_same_document(
        self, found: TaskSurvey, opened: OpenedTask, doc_id: int
    ) -> bool:
        """Tell whether a document is the recorded one, where the data changed."""
        if found.said["fingerprint"] == opened.fingerprint:
            return True
        key = opened.task.name, doc_id
        if key not in self._same:
            (sample, *_) = self._recorded.samples(found, doc_id)
            self._same[key] = sample["doc_hash"] == doc_hash(opened.documents[doc_id])
        return self._same[key]

    def close(self) -> None:
        """Close the journals that were read."""
        if "_recorded" in vars(self):
            self._recorded.close()


def _short(identity: Mapping[str, Any]) -> dict[str, str]:
    return {name: short_text(value) for name, value in identity.items()}


def _data(count: int, fingerprint: str) -> dict[str, str]:
    return {"the data set": f"{count} documents ({fingerprint[:12]})"}


def _recorded_data(said: SelectionDict) -> dict[str, str]:
    return _data(said["original"], said["fingerprint"])
