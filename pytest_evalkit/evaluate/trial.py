"""Trying a task out: its documents answered by a backend in this process, and scored.

Nothing is recorded, and nothing waits: the backends that say the target, a constant or a
draw answer at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.conversations import ExecuteTools
from pytest_evalkit.engine import drive
from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.evaluate.answered import Answered
from pytest_evalkit.evaluate.conversing import Leading
from pytest_evalkit.evaluate.flow import (
    ReasoningTags,
    UnjudgedError,
    UnscorableError,
    conversation_flow,
    document_flow,
)
from pytest_evalkit.evaluate.judge import asking_judge
from pytest_evalkit.models.chance import Constant, Random
from pytest_evalkit.models.oracle import Oracle
from pytest_evalkit.scoring import MetricSpec, Scored
from pytest_evalkit.tasks import OpenedTask, Prepared, doc_hash
from pytest_evalkit.values import AnyResponse, Generate, Loglikelihood, Request

# What answers without a running engine.
Respondent = Oracle | Constant | Random

# By filter and metric, the values of the documents that have one.
Values = Mapping[tuple[str, str], Mapping[int, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of some documents.

    Attributes:
        scored: The scores of each document, one for each filter.
        answers: What was said about each, as it is recorded.
        failures: Why the others have no score, a line each.
        changed: The documents that scoring changed.
    """

    scored: Mapping[int, tuple[Scored, ...]]
    answers: Mapping[int, Any]
    failures: Mapping[int, str]
    changed: tuple[int, ...]

    def values(self) -> Values:
        """Order the values by filter and metric, each in document order."""
        ordered: dict[tuple[str, str], dict[int, Any]] = {}
        for doc_id in sorted(self.scored):
            for one in self.scored[doc_id]:
                for name, value in one.metrics.items():
                    ordered.setdefault((one.filter, name), {})[doc_id] = value
        return ordered

    def spec(self, task_metrics: Iterable[MetricSpec], name: str) -> MetricSpec | None:
        """Find the metric of a task that a value belongs to; None where there is none."""
        sources = {
            metric: source
            for documents in self.scored.values()
            for one in documents
            for metric, source in one.sources.items()
        }
        by_name = {metric.name: metric for metric in task_metrics}
        return by_name.get(name) or by_name.get(sources.get(name, ""))


def attempt(
    opened: OpenedTask,
    doc_ids: Iterable[int],
    backend: Respondent,
    tags: ReasoningTags,
) -> Trial:
    """Have a backend answer some documents, one after the other, and score them.

    Args:
        opened: The task.
        doc_ids: The documents, in the order they are tried.
        backend: What answers.
        tags: Pairs around thought.
    """
    return asyncio.run(_attempted(opened, doc_ids, backend, tags))


async def _attempted(
    opened: OpenedTask,
    doc_ids: Iterable[int],
    backend: Respondent,
    tags: ReasoningTags,
) -> Trial:
    scored: dict[int, tuple[Scored, ...]] = {}
    answers: dict[int, Any] = {}
    failures: dict[int, str] = {}
    changed: list[int] = []
    asking = _asking(backend)
    ask = asking_judge(asking, None)
    for doc_id in doc_ids:
        try:
            prepared = opened.prepare(doc_id)
            flow = await _flow(opened, prepared, tags, asking)
            answered = await drive(flow, ask)
        except (EvalkitError, UnscorableError, UnjudgedError) as error:
            failures[doc_id] = str(error)
            continue
        scored[doc_id] = answered.scored
        answers[doc_id] = answered.raw
        if doc_hash(prepared.doc) != prepared.doc_hash:
            changed.append(doc_id)
    return Trial(
        scored=scored, answers=answers, failures=failures, changed=tuple(changed)
    )


async def _flow(
    opened: OpenedTask, prepared: Prepared, tags: ReasoningTags, ask: Ask
) -> Generator[Sequence[Any], Sequence[Any], Answered]:
    """Make the flow of a document; a conversation is led first, without its tools."""
    plan = prepared.conversation
    if plan is None:
        return document_flow(opened, prepared, tags)
    outcomes = await Leading(plan=plan, ask=ask, execute=_silent_tools).lead()
    return conversation_flow(opened, prepared, outcomes, tags)


async def _silent_tools(asked: ExecuteTools) -> Sequence[str]:
    return [""] * len(asked.calls)


def _asking(backend: Respondent) -> Ask:
    async def ask(request: Request) -> AnyResponse:
        if isinstance(request, Generate):
            return await backend.generate(request)
        if isinstance(request, Loglikelihood):
            return await backend.loglikelihood(request)
        return await backend.rolling_loglikelihood(request)

    return ask
