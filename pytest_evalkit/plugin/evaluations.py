"""How the documents of each task are evaluated: said once its model is known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.evaluate import CodeLimit, Evaluation
from pytest_evalkit.plugin.anchor import PENDING, Anchors
from pytest_evalkit.plugin.collection import TaskNode
from pytest_evalkit.plugin.conversing import executing, is_pending, keeping
from pytest_evalkit.plugin.likelihoods import require_speakers
from pytest_evalkit.plugin.pictures import Pictures
from pytest_evalkit.plugin.run import Run
from pytest_evalkit.tasks import Task
from pytest_evalkit.values import AnyResponse, Request

_GIB = 1 << 30


class Evaluations:
    """How the documents of each task are evaluated.

    Args:
        run: The run they belong to.
        anchors: Have the fixtures of each file.
        rest: Awaited by a document that has an answer, so that requests go first.
    """

    def __init__(
        self, run: Run, anchors: Anchors, rest: Callable[[], Awaitable[None]]
    ) -> None:
        self._run = run
        self._anchors = anchors
        self._rest = rest
        # One thread: the functions of task files need not know of threads.
        self._preparing = ThreadPoolExecutor(1, thread_name_prefix="evalkit-prepare")
        self._pictures = Pictures(run)
        self._known: dict[TaskNode, Evaluation] = {}

    def of(self, node: TaskNode) -> Evaluation | None:
        """Tell how a task is evaluated; None while a fixture has to wait its turn.

        Raises:
            EvalkitError: The model is none, or cannot do what the task asks.
            UsageError: A fixture is none that the task can use.
        """
        evaluation = self._known.get(node)
        if evaluation is None:
            evaluation = self._make(node)
            if evaluation is not None:
                self._known[node] = evaluation
        return evaluation

    def _make(self, node: TaskNode) -> Evaluation | None:
        if self._run.recorded is not None:
            return self._by(node, _ask_nobody)
        value = self._anchors.value(node.file)
        if value is PENDING or is_pending(self._anchors, node):
            return None
        model = self._run.as_model(value)
        require_speakers(model.backend, node.opened)
        evaluation = replace(
            self._by(node, model.answer),
            rest=self._after_answer,
            count_later=self._run.counting.keeper(model.backend),
        )
        if node.opened.task.conversation is None:
            return evaluation
        return replace(
            evaluation,
            picture=None,
            keep=keeping(model, self._run),
            execute=executing(self._anchors, node, self._preparing),
        )

    def _by(self, node: TaskNode, ask: Ask) -> Evaluation:
        task = node.opened.task
        return Evaluation(
            opened=node.opened,
            ask=ask,
            record=self._run.journal.write,
            reasoning_tags=task.tags_of_thought(self._run.tasks.reasoning_tags),
            started_at=self._run.started_at,
            recorded=self._run.recorded,
            limit=self._limit_of(task),
            preparing=self._preparing,
            picture=self._pictures.keeper(node.opened),
            picturing=self._pictures.thread,
            judge=self._run.judge.judge(
                self._run.pace, self._run.loop.run_until_complete
            ),
        )

    def _limit_of(self, task: Task) -> CodeLimit:
        """Bound what a task's code may take; each repeat has the whole of the time."""
        seconds, gib = self._run.options.doc_timeout, self._run.options.doc_memory
        return CodeLimit(
            None if seconds is None else seconds * task.repeats,
            None if gib is None else int(gib * _GIB),
        )

    def _after_answer(self) -> Awaitable[None]:
        self._run.cache.note()
        return self._rest()

    def close(self) -> None:
        """Begin nothing any more, and end what is at work."""
        self._preparing.shutdown(cancel_futures=True)
        self._pictures.close()


async def _ask_nobody(request: Request) -> AnyResponse:
    """Fail: where recorded answers are scored, no request goes any further.

    Raises:
        RuntimeError: Always.
    """
    raise RuntimeError(f"a model would be asked: {request!r:.80}")
