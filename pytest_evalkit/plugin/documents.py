"""Running documents: each item waits for its own and makes one report of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Coroutine, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NoReturn

import pytest

from pytest_evalkit.errors import EvalkitError, OptionError, ResultsError
from pytest_evalkit.evaluate import (
    DocumentOutcome,
    skip_document,
)
from pytest_evalkit.plugin.anchor import PENDING, Anchors
from pytest_evalkit.plugin.collection import DocumentItem, TaskNode
from pytest_evalkit.plugin.conversing import (
    executors_of,
    is_conversation,
    require_executors,
)
from pytest_evalkit.plugin.early_stopping import EarlyStopping
from pytest_evalkit.plugin.evaluations import Evaluations
from pytest_evalkit.plugin.load_watch import LoadWatch
from pytest_evalkit.plugin.lookahead import LeftOutError, Lookahead
from pytest_evalkit.plugin.place import worker_input
from pytest_evalkit.plugin.refusal import note_refusal
from pytest_evalkit.plugin.run import Run
from pytest_evalkit.plugin.stalls import Scene, StallWatch, UnderWay
from pytest_evalkit.plugin.turn_reports import report_turns, require_subtests
from pytest_evalkit.plugin.watch import Watch
from pytest_evalkit.plugin.wire import (
    closing_report,
    report_document,
    slim,
    teardown_report,
)
from pytest_evalkit.results.journal import SelectionDict
from pytest_evalkit.results.positions import ranges_of

# Documents that wait for their turn at the model: so that requests which begin alike can
# go together, and that when all are answered at once, all can be sent at once. A few for
# each that is asked, but none for those asked one by one. With media each may hold
# megabytes.
_IN_LINE_EACH = 4
_LEAST_IN_LINE = 64
_MOST_IN_LINE_WITH_MEDIA = 16


class RunStoppedError(Exception):
    """The run cannot go on; the message says why in one line."""


class DocumentRunner:
    """Runs the documents of a session, and nothing else in it.

    Args:
        run: The run they belong to.
        watch: Hears of each document that ended.
        early: Tells which documents are not needed any more.
    """

    def __init__(self, run: Run, watch: Watch, early: EarlyStopping) -> None:
        self._run = run
        self._resumption = run.resumption
        self._watch = watch
        self._early = early
        self._anchors = Anchors(lambda file: self._executors.get(file, ()))
        self._evaluations = Evaluations(run, self._anchors, self._rest)
        self._skips: dict[TaskNode, str] = {}
        # The task whose fixtures are set up, and whose model is known.
        self._entered: TaskNode | None = None
        self._lookahead: Lookahead | None = None
        self._load = LoadWatch(run)
        self._stalls: StallWatch | None = None
        self._items: Sequence[DocumentItem] = ()
        self._unwritable: ResultsError | None = None
        # What took two workers down is not begun ahead by a third.
        self._blamed = frozenset(worker_input(run.config).get("evalkit_blamed", ()))
        self._left_out: Sequence[DocumentItem] = ()
        self._is_announced = False
        self._wants_closing = bool(run.config.getoption("xmlpath", None))

    def plan(
        self, items: Sequence[pytest.Item], left_out: Sequence[DocumentItem] = ()
    ) -> None:
        """Tell which items the session will run, in their order.

        Args:
            items: All of its items.
            left_out: Documents that are selected and, for now, not to be run.
        """
        self._items = [item for item in items if isinstance(item, DocumentItem)]
        self._left_out = left_out
        if self._run.share is None:
            return
        try:
            # What a worker was to do must be known even if it dies at once.
            self._announce()
        except ResultsError as error:
            # It is told by the first item: here it would be an error of pytest's.
            self._unwritable = error

    def _announce(self) -> None:
        """Record what this process sets out to do; once."""
        if self._is_announced:
            return
        self._is_announced = True
        selected: dict[TaskNode, list[int]] = {}
        for item in (*self._items, *self._left_out):
            selected.setdefault(item.parent, []).append(item.doc_id)
        for node, documents in selected.items():
            self._run.record_selection(self._selection(node, documents))

    def _selection(self, node: TaskNode, documents: Sequence[int]) -> SelectionDict:
        opened = node.opened
        share = self._run.share
        selection: SelectionDict = {
            "kind": "selection",
            "task": opened.task.name,
            "path": str(node.path),
            "shard": 0 if share is None else share.number,
            "original": len(opened.documents),
            "selected": len(documents),
            "fingerprint": opened.fingerprint,
            "is_sample": self._run.options.use_sample,
            "documents": ranges_of(documents),
            "filters": [one.name for one in opened.task.scoring.pipelines],
            "identity": self._run.tasks.identity_of(opened.task),
        }
        if node in self._run.wholes:
            selection["whole"] = self._run.wholes[node]
        return selection

    def run_item(self, item: DocumentItem, nextitem: pytest.Item | None) -> None:
        """Run one document and report it.

        Raises:
            RunStoppedError: No document can be run any more.
        """
        started = time.time()
        try:
            outcome = self._outcome(item)
            report = report_document(item, outcome, started, self._run.options)
            hook = item.parent.report_hook
            self._watch.failed_turns += report_turns(item, outcome)
            hook.pytest_runtest_logreport(report=report)
            if self._wants_closing:
                hook.pytest_runtest_logreport(report=closing_report(item, outcome))
            slim(report, item.config)
        finally:
            if not item.shares_file(nextitem):
                self._leave(item, nextitem)

    def _leave(self, item: DocumentItem, nextitem: pytest.Item | None) -> None:
        """Tear the file's fixtures down; what they raise is told, as for any test."""
        self._entered = None
        try:
            self._anchors.leave(item, nextitem)
        # A user's fixture may raise anything, and the results are to stand.
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001
            message = f"the model fixture raised {type(error).__name__}: {error}"
            report = teardown_report(item, "failed", message)
            item.parent.report_hook.pytest_runtest_logreport(report=report)

    def _outcome(self, item: DocumentItem) -> DocumentOutcome:
        if self._unwritable is not None:
            self._stop(self._unwritable)
        known = self._saved(item) or self._taken(item)
        if known is not None:
            return known
        reason = self._reason_to_skip(item)
        if self._lookahead is None:
            self._lookahead = self._start_lookahead(item)
        if reason is not None:
            self._lookahead.forget(item)
            return self._skipped(item, reason)
        try:
            return self._lookahead.outcome(item)
        except LeftOutError:
            saved = self._saved(item)
            assert saved is not None, "nothing else is left out"
            return saved
        except EvalkitError as error:
            self._stop(error)

    def _saved(self, item: DocumentItem) -> DocumentOutcome | None:
        """Tell what becomes of a document that is not needed; None where it is."""
        saved = self._early.saved(item)
        if saved is not None:
            self._watch.count(saved)
        return saved

    def _taken(self, item: DocumentItem) -> DocumentOutcome | None:
        """Take a document as an earlier session recorded it, without any model."""
        if self._resumption is None:
            return None
        try:
            self._announce()
            taken = self._resumption.outcome(item.parent.opened, item.doc_id)
            if taken is not None:
                self._watch.count(taken)
                self._early.note(item, taken)
        except EvalkitError as error:
            self._stop(error)
        return taken

    def _is_asked(self, item: DocumentItem) -> bool:
        """Tell whether a document is to be evaluated, as far as can be told ahead."""
        if self._unmet(item) is not None:
            return False
        if self._blamed and item.nodeid in self._blamed:
            return False
        if self._early.is_saved(item):
            return False
        if self._resumption is None:
            return True
        return not self._resumption.is_taken(item.parent.opened, item.doc_id)

    def _reason_to_skip(self, item: DocumentItem) -> str | None:
        """Make the model ready, or say why the file's documents are not to be run."""
        if item.parent is self._entered:
            return self._withheld(item)
        unmet = self._unmet(item)
        if unmet is not None:
            return unmet
        if item.parent not in self._skips:
            try:
                self._enter(item)
                self._entered = item.parent
            except pytest.skip.Exception as skipped:
                self._skips[item.parent] = str(skipped)
        return self._skips.get(item.parent) or self._withheld(item)

    def _withheld(self, item: DocumentItem) -> str | None:
        """Say why a document is not begun any more; None where it is, or may be."""
        if self._lookahead is None or self._lookahead.is_begun(item):
            return None
        return self._load.withheld()

    def _unmet(self, item: DocumentItem) -> str | None:
        return self._run.judge.unmet(item.parent.opened.task.needs)

    def _enter(self, item: DocumentItem) -> None:
        try:
            if self._run.recorded is None:
                require_executors(self._anchors, item.parent)
                require_subtests(item.parent)
                self._anchors.enter(item.task_file, item)
            self._evaluations.of(item.parent)
        except (EvalkitError, pytest.UsageError) as error:
            self._refuse_or_stop(error)
        except (KeyboardInterrupt, pytest.exit.Exception, pytest.skip.Exception):
            raise
        except BaseException as error:
            # A fixture may raise anything, and without a model no document can run.
            if isinstance(error.__cause__, OptionError):
                self._refuse_or_stop(error.__cause__)
            raise RunStoppedError(
                f"the model fixture raised {type(error).__name__}: {error}"
            ) from error

    def _refuse_or_stop(self, error: EvalkitError | pytest.UsageError) -> NoReturn:
        """Stop, with the exit status of a wrong command line where it is to blame."""
        if isinstance(error, OptionError | pytest.UsageError):
            note_refusal(self._run.config)
        self._stop(error)

    def _stop(self, error: Exception) -> NoReturn:
        raise RunStoppedError(str(error)) from error

    def _skipped(self, item: DocumentItem, reason: str) -> DocumentOutcome:
        outcome = skip_document(
            item.parent.opened, item.doc_id, reason, self._run.journal.write
        )
        self._watch.count(outcome)
        return outcome

    def _start_lookahead(self, first: DocumentItem) -> Lookahead:
        self._announce()
        self._warm_up(first)
        lookahead = Lookahead(self._run.loop, self._start, self._limit, self._watch)
        self._early.steer(lookahead, self._watch)
        lookahead.plan(item for item in self._items if self._is_asked(item))
        seconds = self._run.options.stall_timeout
        if seconds is not None:
            self._stalls = StallWatch(seconds, self._scene(lookahead))
            self._stalls.start()
        self._load.begin(lookahead.fill, self._used_moments())
        return lookahead

    def _used_moments(self) -> Iterator[float]:
        """List the moments of the schedule that a predecessor has used."""
        if self._resumption is not None:
            for item in self._items:
                yield from self._resumption.planned_s(item.parent.opened, item.doc_id)

    def _warm_up(self, first: DocumentItem) -> None:
        """Warm the model of the first document up, unless nobody is asked."""
        if not self._run.options.warmup_requests or self._run.recorded is not None:
            return
        value = self._anchors.value(first.task_file)
        if value is not PENDING:
            items = [item for item in self._items if item.parent is first.parent]
            try:
                self._load.warm_up(self._run.as_model(value).backend, items)
            except EvalkitError as error:
                self._stop(error)

    def _scene(self, lookahead: Lookahead) -> Scene:
        def under_way() -> Sequence[UnderWay]:
            return [
                UnderWay(
                    task=item.parent.opened.task.name,
                    item_id=item.parent.opened.item_ids[item.doc_id],
                    doc_id=item.doc_id,
                    started_at=started_at,
                )
                for item, started_at in lookahead.under_way()
            ]

        return Scene(
            done=lambda: self._watch.progress.done,
            under_way=under_way,
            asking=self._run.asking,
            tell=self._run.notices.post,
            path=self._run.folder.stalls_path,
        )

    def _limit(self, item: DocumentItem) -> int:
        """Tell how many documents may be under way: those asked, and some in line.

        Conversations are none in line: each has its place until it ends.
        """
        asked = self._run.concurrency
        if is_conversation(item):
            return self._load.places(asked)
        if self._has_media:
            most = _MOST_IN_LINE_WITH_MEDIA
        else:
            most = max(_LEAST_IN_LINE, asked)
        usual = asked + min(most, _IN_LINE_EACH * (asked - 1))
        line = _MOST_IN_LINE_WITH_MEDIA if self._has_media else _LEAST_IN_LINE
        return self._load.limit(usual, line)

    @cached_property
    def _executors(self) -> Mapping[pytest.File, Sequence[str]]:
        return executors_of(self._items)

    @cached_property
    def _has_media(self) -> bool:
        return any(
            node.opened.has_media for node in {item.parent for item in self._items}
        )

    def _start(self, item: DocumentItem) -> Coroutine[Any, Any, DocumentOutcome] | None:
        evaluation = self._evaluations.of(item.parent)
        if evaluation is None:
            return None
        return self._early.evaluate(item, evaluation)

    def _rest(self) -> Awaitable[None]:
        assert self._lookahead is not None, "who has an answer was started by it"
        return self._lookahead.rest()

    def stop_listening(self) -> None:
        """Handle interrupts no more: others will."""
        if self._lookahead is not None:
            self._lookahead.stop_listening()

    def close(self) -> None:
        """Cancel what is still under way."""
        if self._stalls is not None:
            self._stalls.stop()
        if self._lookahead is not None:
            self._lookahead.close()
        self._early.close()
        self._load.close()
        self._evaluations.close()
