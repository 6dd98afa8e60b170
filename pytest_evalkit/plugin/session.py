"""An evaluation in a pytest session: what its parts do at each of pytest's steps."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.naming import printable
from pytest_evalkit.plugin.cases import CaseRecorder
from pytest_evalkit.plugin.collection import DocumentItem
from pytest_evalkit.plugin.concluding import Conclusion, conclude
from pytest_evalkit.plugin.documents import DocumentRunner, RunStoppedError
from pytest_evalkit.plugin.early_stopping import EarlyStopping
from pytest_evalkit.plugin.garbage import few_collections, pass_over
from pytest_evalkit.plugin.gate_names import check_gate_names
from pytest_evalkit.plugin.hosting import is_started_here
from pytest_evalkit.plugin.interrupts import keep_interrupts, tell_interrupt
from pytest_evalkit.plugin.pace import most_in_flight
from pytest_evalkit.plugin.place import (
    NOTES_KEY,
    PROBLEM_KEY,
    resume_notes,
    worker_input,
)
from pytest_evalkit.plugin.refusal import note_refusal
from pytest_evalkit.plugin.run import run_of
from pytest_evalkit.plugin.secrecy import secrets_of
from pytest_evalkit.plugin.selection import narrow, take_share
from pytest_evalkit.plugin.summary import write_summary
from pytest_evalkit.plugin.wanting import asks_model, want_model
from pytest_evalkit.plugin.watch import Watch


class EvaluationSession:
    """Evaluates in one process: the only one, or an xdist worker.

    Args:
        config: pytest's configuration.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._run = run_of(config)
        self._cases = CaseRecorder(config)
        self._watch = Watch(config)
        self._early = EarlyStopping(self._run)
        self._documents = DocumentRunner(self._run, self._watch, self._early)
        self._conclusion: Conclusion | None = None
        self._notes: tuple[str, ...] = ()
        self._left_out: list[DocumentItem] = []
        config.pluginmanager.register(self._cases, "evalkit-cases")

    def number(self, items: list[pytest.Item]) -> None:
        """See the items before anybody deselects any."""
        self._cases.number(items)

    def narrow(self, items: list[pytest.Item]) -> None:
        """Take out what this run, and this worker, is not to do."""
        if self._is_refused() or self._is_misnamed(items):
            items.clear()
            return
        narrowed = narrow(items, self._run.options)
        self._notes = (*narrowed.notes, *resume_notes(self._config))
        self._run.wholes = narrowed.wholes
        if narrowed.removed:
            self._config.hook.pytest_deselected(items=narrowed.removed)
        if worker_input(self._config):
            # The controller collects nothing itself, and it is what shows the summary.
            self._tell_controller(NOTES_KEY, list(self._notes))
        if self._run.options.early_stop:
            self._put_in_order(items)
        self._share(items)
        self._leave_out(items)
        self._tell_want(items)

    def _put_in_order(self, items: list[pytest.Item]) -> None:
        """Have scores decide how many documents run.

        Raises:
            UsageError: They cannot, and this is no worker.
        """
        try:
            self._early.put_in_order(items)
        except EvalkitError as error:
            self._refuse(str(error))
            items.clear()

    def _tell_controller(self, name: str, value: Any) -> None:
        """Have the controller know something when this worker ends."""
        output: dict[str, Any] = self._config.workeroutput  # type: ignore[attr-defined]  # xdist adds it
        output[name] = value

    def _is_refused(self) -> bool:
        """Refuse to resume a run whose answers were to other questions.

        Raises:
            UsageError: It is refused, and this is no worker, which has only its
                controller to tell.
        """
        resumption = self._run.resumption
        refusal = None if resumption is None else resumption.refusal()
        if refusal is None:
            return False
        self._refuse(refusal)
        return True

    def _is_misnamed(self, items: list[pytest.Item]) -> bool:
        """Refuse a gate on what no task can tell.

        Raises:
            UsageError: There is one, and this is no worker.
        """
        try:
            check_gate_names(self._run, items, self._cases.tasks)
        except EvalkitError as error:
            self._refuse(str(error))
            return True
        return False

    def _refuse(self, reason: str) -> None:
        """Tell that the command line is wrong.

        Raises:
            UsageError: This is no worker, which has only its controller to tell.
        """
        if not worker_input(self._config):
            raise pytest.UsageError(reason)
        note_refusal(self._config, reason)

    def _share(self, items: list[pytest.Item]) -> None:
        if self._run.share is None:
            return
        # A worker asks one request at a time at least: no more of them than may be.
        most = most_in_flight(self._run.options, self._run.backend)
        share = self._run.share.among(most)
        if take_share(items, share):
            self._run.share = share
            self._cases.part = share.number

    def _leave_out(self, items: list[pytest.Item]) -> None:
        """Take out the documents that only errors leave: those without a record."""
        resumption = self._run.resumption
        if resumption is None:
            return
        self._left_out = [
            item
            for item in items
            if isinstance(item, DocumentItem)
            and resumption.is_left_out(item.parent.opened, item.doc_id)
        ]
        if self._left_out:
            left = set(map(id, self._left_out))
            items[:] = [item for item in items if id(item) not in left]
            self._config.hook.pytest_deselected(items=self._left_out)

    def _tell_want(self, items: list[pytest.Item]) -> None:
        """Have the controller of a resumed run know whether to start the model."""
        resumption = self._run.resumption
        if resumption is None or not is_started_here(self._config):
            return
        if asks_model(items, resumption):
            want_model(self._run.folder)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn what will run."""
        if self._config.option.collectonly:
            return
        self._cases.plan(session.items)
        self._documents.plan(session.items, self._left_out)
        self._watch.begin(sum(isinstance(item, DocumentItem) for item in session.items))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(
        self, session: pytest.Session
    ) -> Generator[None, object, object]:
        """Conclude when all is done, and also when it was broken off."""
        is_whole = False
        only_documents = all(isinstance(item, DocumentItem) for item in session.items)
        with few_collections(self._config, keeps=only_documents):
            try:
                result = yield
                is_whole = True
                return result
            finally:
                self._end(session, is_whole=is_whole)

    def _end(self, session: pytest.Session, *, is_whole: bool) -> None:
        """Stop what is under way, and conclude from what was recorded.

        Raises:
            KeyboardInterrupt: Nothing had been interrupted before, and now it was.
        """
        self._documents.stop_listening()
        keep_interrupts(session)
        self._documents.close()
        uncounted = self._run.count_tokens()
        problem = self._run.close_models() or uncounted
        if problem is not None:
            problem = secrets_of(self._config).text(problem)
        self._watch.end()
        if worker_input(self._config):
            self._tell_controller(PROBLEM_KEY, problem)
        elif self._run.has_journal:
            # The reports live on as the items do.
            pass_over()
            self._conclusion = conclude(session, self._run, is_whole=is_whole)
            self._conclusion.problem = self._conclusion.problem or problem
        if is_whole:
            tell_interrupt(self._config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Run documents; leave every other item to pytest."""
        if not isinstance(item, DocumentItem):
            return None
        try:
            self._documents.run_item(item, nextitem)
        except RunStoppedError as stopped:
            told = secrets_of(self._config).text(str(stopped))
            item.session.shouldstop = printable(told)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Decide the exit status."""
        if self._conclusion is not None:
            self._conclusion.decide(session, *self._watch.tolerable)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show what the run concludes."""
        if self._conclusion is not None:
            write_summary(terminalreporter, self._conclusion, self._notes)
            return
        for note in self._notes:
            terminalreporter.write_line(note, yellow=True)

    def close(self) -> None:
        """Give back what the run holds."""
        self._run.close()
