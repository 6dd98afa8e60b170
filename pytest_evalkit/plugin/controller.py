"""The xdist controller's part: it numbers workers, watches, and concludes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.plugin.interrupts import keep_interrupts, tell_interrupt
from pytest_evalkit.plugin.notices import NoticeBoard
from pytest_evalkit.plugin.options import OPTIONS_KEY
from pytest_evalkit.plugin.place import (
    NOTES_KEY,
    PROBLEM_KEY,
    resume_notes,
    run_folder,
    run_start,
    session_number,
)
from pytest_evalkit.plugin.refusal import hear_refusal
from pytest_evalkit.plugin.workers import (
    SharedScheduling,
    Shares,
    may_be_document,
    share_index,
)

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

    from pytest_evalkit.plugin.concluding import Conclusion
    from pytest_evalkit.plugin.hosting import HostedSession
    from pytest_evalkit.plugin.watch import Watch
    from pytest_evalkit.results.folder import RunFolder


class Controller:
    """Evaluates in no process of its own, but speaks for all that do.

    Every session under xdist has one, so nothing is imported before a document was
    seen.

    Args:
        config: pytest's configuration.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._shares: Shares | None = None
        self._session: pytest.Session | None = None
        self._documents: dict[int, int] = {}
        self._has_items = False
        self._watch: Watch | None = None
        self._is_watching = False
        self._conclusion: Conclusion | None = None
        self._notes: dict[str, None] = {}
        self._problem: str | None = None
        self._hosted: HostedSession | None = None
        self._board: NoticeBoard | None = None
        self._scheduling: SharedScheduling | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Remember the session, whose item count xdist gets wrong for parts."""
        self._session = session

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        """Tell a worker its share and where to write."""
        if self._shares is None:
            self._shares = Shares(node.workerinput["workercount"])
        self._shares.assign(node)
        if self._scheduling is not None:
            node.workerinput["evalkit_blamed"] = self._scheduling.blamed
        folder = run_folder(
            self._config, self._config.stash[OPTIONS_KEY], self._model_name()
        )
        if self._hosted is None:
            self._hosted = self._start_model(folder)
        if self._hosted is not None:
            node.workerinput.update(self._hosted.told)
        if self._config.stash[OPTIONS_KEY].rescore is not None:
            from pytest_evalkit.plugin import rescoring

            rescoring.tell(self._config, node.workerinput)
        node.workerinput["evalkit_folder"] = str(folder.root)
        node.workerinput["evalkit_session"] = session_number(self._config)
        node.workerinput["evalkit_start"] = tuple(run_start(self._config))

    def _start_board(self) -> NoticeBoard:
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        folder = run_folder(self._config, self._config.stash[OPTIONS_KEY], None)
        board = NoticeBoard(terminal, folder.notices_path)
        board.start()
        return board

    def _model_name(self) -> str | None:
        options = self._config.stash[OPTIONS_KEY]
        if options.model is None and options.rescore is None:
            return None
        from pytest_evalkit.plugin.run import run_of

        return run_of(self._config).model_name

    def _start_model(self, folder: RunFolder) -> HostedSession | None:
        """Start what the workers are to ask; None where no model is named."""
        if self._config.stash[OPTIONS_KEY].model is None:
            return None
        from pytest_evalkit.plugin.hosting import start_for_workers
        from pytest_evalkit.plugin.run import run_of

        backend = run_of(self._config).backend
        assert backend is not None, "a named model has a backend"
        return start_for_workers(self._config, backend, folder)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """End what was started for the workers, who are gone."""
        if self._hosted is not None:
            self._hosted.stop()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: WorkerController, error: object) -> None:
        """Free the share of a worker that died; hear what one that ended has to say."""
        hear_refusal(self._config, node)
        told = getattr(node, "workeroutput", None) or {}
        self._notes.update(dict.fromkeys(told.get(NOTES_KEY, ())))
        self._problem = self._problem or told.get(PROBLEM_KEY)
        if self._shares is None:
            return
        self._excuse(share_index(node))
        if error:
            self._shares.release(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(
        self, config: pytest.Config, log: Any
    ) -> SharedScheduling:
        """Schedule whole shares, on top of what xdist would have done."""
        others = config.pluginmanager.subset_hook_caller(
            "pytest_xdist_make_scheduler", remove_plugins=[self]
        )
        usual = others(config=config, log=log)
        self._scheduling = SharedScheduling(
            usual, _worker_count(config), self._collected
        )
        return self._scheduling

    def _collected(self, total: int) -> None:
        assert self._session is not None
        self._session.testscollected = total
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if terminal is not None and terminal.verbosity >= 0:
            # xdist has just named the number of one worker as that of all.
            terminal.write_line(f"{len(self._documents)} workers share {total} items")

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(
        self, node: WorkerController, ids: Sequence[str]
    ) -> None:
        """Count the documents of all workers; have the model ready before the first."""
        if self._shares is None:
            return
        documents = sum(map(may_be_document, ids))
        self._documents[share_index(node)] = documents
        if documents and self._board is None:
            self._board = self._start_board()
        self._has_items = self._has_items or bool(ids)
        if self._documents[share_index(node)]:
            # Now, while workers are busy, rather than when their first reports wait.
            self._watching()
        is_last = len(self._documents) == self._shares.count
        if is_last:
            for share, count in self._documents.items():
                if not count:
                    self._excuse(share)
        if self._hosted is not None and is_last and self._asks_model():
            self._hosted.await_ready(self._config)

    def _excuse(self, share: int) -> None:
        """Have workers that are to begin together not wait for one of them."""
        options = self._config.stash[OPTIONS_KEY]
        if self._conclusion is not None or not any(self._documents.values()):
            return
        from pytest_evalkit.plugin.origin import excuse_worker, has_origin

        if not has_origin(options):
            return
        folder = run_folder(self._config, options, None)
        # What cannot be written there the workers tell, whose journals it holds.
        with suppress(ResultsError):
            excuse_worker(folder.journal_dir, run_start(self._config), share)

    def _asks_model(self) -> bool:
        """Tell whether the workers have anything to ask."""
        if session_number(self._config) == 1:
            return self._has_items
        from pytest_evalkit.plugin.wanting import is_model_wanted

        folder = run_folder(self._config, self._config.stash[OPTIONS_KEY], None)
        return is_model_wanted(folder)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what has ended."""
        is_turn = hasattr(report, "context") and may_be_document(report.nodeid)
        if is_turn and report.failed:
            self._watching().failed_turns += 1
        if not hasattr(report, "evalkit"):
            return
        if not self._is_watching:
            self._is_watching = True
            self._watching().begin(sum(self._documents.values()))
        self._watching().count_report(report)

    def _watching(self) -> Watch:
        if self._watch is None:
            from pytest_evalkit.plugin.watch import Watch

            self._watch = Watch(self._config)
        return self._watch

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(
        self, session: pytest.Session
    ) -> Generator[None, object, object]:
        """Conclude when all is done, and also when it was broken off."""
        is_whole = False
        try:
            result = yield
            is_whole = True
            return result
        finally:
            keep_interrupts(session)
            if self._board is not None:
                self._board.stop()
            if self._watch is not None:
                self._watch.end()
            self._tell_deaths()
            if not is_whole and any(self._documents.values()):
                self._end_workers()
            self._conclude(session, is_whole=is_whole)
            if is_whole:
                tell_interrupt(self._config)

    def _end_workers(self) -> None:
        """Wait until workers have recorded what they had under way, and are gone.

        What they write after the journals were read would be in no results. xdist does
        the same later, when nobody is left to wait for.
        """
        nodes = self._config.pluginmanager.getplugin("dsession").nodemanager
        nodes.teardown_nodes()

    def _tell_deaths(self) -> None:
        """Say what became of processes of the model that ended by themselves."""
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if self._hosted is None or terminal is None:
            return
        from pytest_evalkit.plugin.secrecy import secrets_of

        for line in self._hosted.obituaries():
            terminal.ensure_newline()
            terminal.write_line(secrets_of(self._config).text(line), red=True)

    def _conclude(self, session: pytest.Session, *, is_whole: bool) -> None:
        options = self._config.stash[OPTIONS_KEY]
        folder = run_folder(self._config, options, None)
        if not self._has_journals(folder):
            return
        self._notes.update(dict.fromkeys(resume_notes(self._config)))
        from pytest_evalkit.plugin.concluding import conclude
        from pytest_evalkit.plugin.origin import forget_origins
        from pytest_evalkit.plugin.pace import forget_pauses
        from pytest_evalkit.plugin.run import run_of
        from pytest_evalkit.results.shared_scores import forget_scores

        forget_pauses(folder.journal_dir)
        forget_origins(folder.journal_dir)
        forget_scores(folder.journal_dir)
        self._conclusion = conclude(session, run_of(self._config), is_whole=is_whole)
        self._conclusion.problem = self._conclusion.problem or self._problem

    def _has_journals(self, folder: RunFolder) -> bool:
        """Tell whether any worker recorded anything in this session of the run."""
        if not folder.journal_dir.exists():
            return False
        from pytest_evalkit.results.journal import journal_paths, session_of

        session = session_number(self._config)
        paths = journal_paths(folder.journal_dir)
        return any(session_of(path) == session for path in paths)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Decide the exit status."""
        if self._conclusion is not None:
            tolerable = (0, 0) if self._watch is None else self._watch.tolerable
            self._conclusion.decide(session, *tolerable)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show what the run concludes."""
        if self._conclusion is not None:
            from pytest_evalkit.plugin.summary import write_summary

            write_summary(terminalreporter, self._conclusion, self._notes)


def _worker_count(config: pytest.Config) -> int:
    from xdist.workermanage import parse_tx_spec_config

    return len(parse_tx_spec_config(config))
