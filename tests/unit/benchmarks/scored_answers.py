"""What a benchmark makes of an answer to a document of its sample."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pytest_evalkit.evaluate.trial import attempt
from pytest_evalkit.models.chance import Constant
from pytest_evalkit.scoring import DEFAULT_REASONING_TAGS
from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings, load_task
from pytest_evalkit.values import Generate

_BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The scores of an answer, and what became of it on the way.

    Attributes:
        metrics: By name.
        statuses: Whether an answer was found in it; empty where nothing tells.
    """

    metrics: dict[str, Any]
    statuses: tuple[str, ...]


@cache
def open_sample(task_file: str) -> OpenedTask:
    """Open a task of ``benchmarks/`` on its sample, as ``folder/task.yaml``."""
    task = load_task(_BENCHMARKS / task_file, TaskSettings())
    return task.open(DataSources(use_sample=True))


def judge(task_file: str, item: str, answer: str) -> Judged:
    """Score an answer to the document that an item is named by."""
    opened = open_sample(task_file)
    doc_id = list(opened.item_ids).index(item)
    tags = opened.task.tags_of_thought(DEFAULT_REASONING_TAGS)
    trial = attempt(opened, [doc_id], Constant(text=answer), tags)
    assert not trial.failures, trial.failures
    (scored,) = trial.scored[doc_id]
    return Judged(
        metrics=dict(scored.metrics),
        statuses=tuple(parsed.status for parsed in scored.parsed),
    )


def prompt_of(task_file: str, item: str) -> str:
    """Give the text that asks about a document."""
    opened = open_sample(task_file)
    prepared = opened.prepare(list(opened.item_ids).index(item))
    (request,) = prepared.requests
    assert isinstance(request, Generate)
    return "\n".join(message.text for message in request.messages)
