"""Ending tasks as soon as their gates are decided.

The documents of each task with gates run in an order drawn by lot, from the seed and
the task alone. Every process holds the same scores against the same rule: its own, and
what the others tell it. So all of them find the same document to be the last.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from functools import cached_property
from typing import Any

import pytest

from pytest_evalkit.evaluate import DocumentOutcome, Evaluation, evaluate_document
from pytest_evalkit.plugin.asked import asked_of
from pytest_evalkit.plugin.collection import DocumentItem, TaskNode
from pytest_evalkit.plugin.lookahead import Lookahead
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.plugin.place import session_number
from pytest_evalkit.plugin.run import Run
from pytest_evalkit.plugin.watch import Watch
from pytest_evalkit.results.early_gates import (
    EarlyGate,
    EarlyTask,
    early_gates,
    scores_for,
)
from pytest_evalkit.results.early_stop import StoppingRule, drawn_order
from pytest_evalkit.results.gates import Gate, gates_of_task, parse_gates
from pytest_evalkit.results.shared_scores import SharedScores, ToldScores


class _Watched:
    """A task whose gates are held against its scores."""

    def __init__(self, order: Sequence[int], gates: Sequence[EarlyGate]) -> None:
        self.gates = gates
        self.rule = StoppingRule(gates, len(order))
        self.count = len(order)
        self.positions = {document: place for place, document in enumerate(order)}

    def is_saved(self, document: int) -> bool:
        stopped_at = self.rule.stopped_at
        return stopped_at is not None and self.positions[document] >= stopped_at


class EarlyStopping:
    """Tells which documents are not needed any more.

    Args:
        run: The run.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._watched: dict[str, _Watched] = {}
        self._lookahead: Lookahead | None = None

    @cached_property
    def _shared(self) -> SharedScores | None:
        """What workers tell each other; None where there are none."""
        if self._run.share is None or not self._watched:
            return None
        return SharedScores(
            self._run.folder.journal_dir,
            session=session_number(self._run.config),
            share=self._run.share.number,
        )

    def put_in_order(self, items: list[pytest.Item]) -> None:
        """Put the documents of tasks with gates into an order drawn by lot.

        Args:
            items: All items of the session, of all workers together; each task keeps
                the places of its own.

        Raises:
            OptionError: There is a gate that only all documents can decide, or none.
        """
        owned: dict[TaskNode, dict[int, DocumentItem]] = {}
        for place, item in enumerate(items):
            if isinstance(item, DocumentItem):
                owned.setdefault(item.parent, {})[place] = item
        if not owned:
            return
        options = self._run.options
        tasks = [_task(node, len(own), options) for node, own in owned.items()]
        gates = early_gates(_gates(self._run, list(owned)), tasks)
        for node, own in owned.items():
            name = node.opened.task.name
            if name in gates:
                by_document = {item.doc_id: item for item in own.values()}
                order = drawn_order(by_document, seed=options.seed, task=name)
                for place, document in zip(own, order, strict=True):
                    items[place] = by_document[document]
                self._watched[name] = _Watched(order, gates[name])

    def steer(self, lookahead: Lookahead, watch: Watch) -> None:
        """Have a look-ahead leave out what is not needed any more.

        Args:
            lookahead: Runs the documents.
            watch: Shown besides, where nothing ends for a while.
        """
        if not self._watched:
            return

        def tick() -> None:
            self._look()
            watch.show()

        self._lookahead = lookahead
        lookahead.each_tick = tick

    def evaluate(
        self, item: DocumentItem, evaluation: Evaluation
    ) -> Coroutine[Any, Any, DocumentOutcome]:
        """Evaluate a document, and note how it ended where that matters."""
        if item.parent.opened.task.name not in self._watched:
            return evaluate_document(evaluation, item.doc_id)
        return self._noted(item, evaluation)

    async def _noted(
        self, item: DocumentItem, evaluation: Evaluation
    ) -> DocumentOutcome:
        outcome = await evaluate_document(evaluation, item.doc_id)
        self.note(item, outcome)
        return outcome

    def note(self, item: DocumentItem, outcome: DocumentOutcome) -> None:
        """Take in how a document ended.

        Raises:
            ResultsError: The other workers cannot be told.
        """
        watched = self._watched.get(outcome.task)
        if watched is None:
            return
        scores = [_number(one) for one in scores_for(watched.gates, outcome.scores)]
        told = ToldScores(outcome.task, watched.positions[item.doc_id], scores)
        if self._shared is not None:
            self._shared.tell(told)
        self._take(told)
        self._look()

    def _look(self) -> None:
        """Take in what other workers have told."""
        if self._shared is not None:
            for told in self._shared.heard():
                self._take(told)

    def _take(self, told: ToldScores) -> None:
        rule = self._watched[told.task].rule
        had_stopped = rule.stopped_at is not None
        rule.add(told.position, told.scores)
        is_new = rule.stopped_at is not None and not had_stopped
        if is_new and self._lookahead is not None:
            self._lookahead.leave_out(self.is_saved)

    def is_saved(self, item: DocumentItem) -> bool:
        """Tell whether a document is not needed, as far as this process knows."""
        if not self._watched:
            return False
        watched = self._watched.get(item.parent.opened.task.name)
        return watched is not None and watched.is_saved(item.doc_id)

    def saved(self, item: DocumentItem) -> DocumentOutcome | None:
        """Tell what becomes of a document that is not needed; None where it is.

        Nothing is recorded of it.
        """
        if not self._watched:
            return None
        self._look()
        if not self.is_saved(item):
            return None
        task = item.parent.opened.task.name
        watched = self._watched[task]
        return DocumentOutcome(
            task=task,
            doc_id=item.doc_id,
            status="skipped",
            scores={},
            message=(
                f"saved: {watched.rule.stopped_at:,} of {watched.count:,} documents "
                "have decided the gates (--early-stop)"
            ),
            duration_s=0.0,
        )

    def close(self) -> None:
        """Give back what is held."""
        if self._shared is not None:
            self._shared.close()


def _number(score: Any) -> float | None:
    return float(score) if isinstance(score, int | float) else None


def _task(node: TaskNode, selected: int, options: RunOptions) -> EarlyTask:
    opened = node.opened
    partial = None
    if options.use_sample and not options.gate_partial:
        partial = "the documents are the shipped sample's (--sample)"
    elif not options.gate_partial and selected < len(opened.documents):
        partial = (
            f"{selected} of {len(opened.documents)} documents are selected "
            "(--gate-partial judges all the same)"
        )
    return EarlyTask(
        name=opened.task.name,
        plan=opened.task.scoring,
        partial=partial,
        is_bundled=opened.bundles is not None,
    )


def _gates(run: Run, nodes: Sequence[TaskNode]) -> list[Gate]:
    gates = [gate for text in run.options.gates for gate in parse_gates(text)]
    for node in nodes:
        task = node.opened.task
        gates.extend(gates_of_task(task.name, [dict(gate) for gate in task.gates]))
    for group in asked_of(run.config).groups:
        gates.extend(gates_of_task(group.name, [dict(gate) for gate in group.gates]))
    return gates
