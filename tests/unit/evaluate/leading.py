"""One conversation, led by hand-made answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.evaluate import (
    DocumentOutcome,
    Evaluation,
    evaluate_document,
)
from pytest_evalkit.evaluate.calling_tools import Calling, calling_tools
from pytest_evalkit.evaluate.counting import UncountedDocument
from pytest_evalkit.messages import to_openai_messages
from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings, load_task
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    Request,
    Response,
)

CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FIVE = [
    message
    for n in range(1, 6)
    for message in (
        {"role": "user", "content": f"q{n}"},
        {"role": "assistant", "content": f"a{n}"},
    )
]
TOOLS: list[dict[str, Any]] = [
    {"role": "user", "content": "q"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "1", "content": "recorded"},
    {"role": "assistant", "content": "a"},
]
Answer = Callable[[str], AnyResponse]


class Recorded:
    """A run of one conversation."""

    label = "RUN"

    def __init__(self, sample: Any) -> None:
        self.sample = sample

    def find(self, task: str, doc_hash: str, doc_id: int) -> Any:
        found = (self.sample["task"], self.sample["doc_hash"], self.sample["doc_id"])
        assert found == (task, doc_hash, doc_id)
        return self.sample


class Talk:
    """One conversation, evaluated with answers by what was said last."""

    def __init__(self, folder: Path, messages: Sequence[Any], **rules: Any) -> None:
        row = {"conversation_id": "c", "messages": list(messages)}
        (folder / "talk.jsonl").write_text(json.dumps(row), encoding="utf-8")
        keys = {
            "task": "talk",
            "dataset_kwargs": {"data_files": "talk.jsonl"},
            "conversation": rules,
            "metric_list": [{"metric": "per_turn_match"}],
        }
        path = folder / "talk.yaml"
        path.write_text(yaml.safe_dump(keys), encoding="utf-8")
        task = load_task(path, TaskSettings())
        self.opened: OpenedTask = task.open(DataSources())
        self.lines: list[bytes] = []
        self.uncounted: list[UncountedDocument] = []
        self.bodies: list[list[dict[str, Any]]] = []
        self.events: list[str] = []

    def run(
        self, answer: Callable[[str], Any], execute: Calling | None = None
    ) -> DocumentOutcome:
        async def ask(request: Request) -> AnyResponse:
            assert isinstance(request, Generate)
            self.bodies.append(to_openai_messages(request.messages))
            self.events.append("ask")
            answered = answer(str(self.bodies[-1][-1]["content"]))
            if asyncio.iscoroutine(answered):
                answered = await answered
            return Response(text=answered) if isinstance(answered, str) else answered

        @asynccontextmanager
        async def keep(first: Request) -> AsyncIterator[Ask]:
            self.events.append("in")
            try:
                yield ask
            finally:
                self.events.append("out")

        with ThreadPoolExecutor(1) as place:
            evaluation = Evaluation(
                opened=self.opened,
                ask=ask,
                record=self.lines.append,
                reasoning_tags=[("<think>", "</think>")],
                started_at=0.0,
                keep=keep,
                count_later=self.uncounted.append,
                execute=None if execute is None else calling_tools(execute, [], place),
            )
            return asyncio.run(evaluate_document(evaluation, 0))

    def score_again(self) -> DocumentOutcome:
        """Score what was recorded, with nobody to ask."""
        run = Recorded(self.sample)
        self.lines.clear()

        async def ask(request: Request) -> AnyResponse:
            raise AssertionError(f"asked: {request}")

        evaluation = Evaluation(
            opened=self.opened,
            ask=ask,
            record=self.lines.append,
            reasoning_tags=[],
            started_at=0.0,
            recorded=run,
        )
        return asyncio.run(evaluate_document(evaluation, 0))

    @property
    def sample(self) -> dict[str, Any]:
        (line,) = b"".join(self.lines).splitlines()
        sample: dict[str, Any] = json.loads(line)
        return sample

    @property
    def turns(self) -> list[tuple[int, str, str | None]]:
        return [
            (turn["turn"], turn["status"], turn["cause"])
            for turn in self.sample["turns"]
        ]


def right(question: str) -> str:
    return question.replace("q", "a")


def failing(at: str, error: Exception) -> Callable[[str], str]:
    def answer(question: str) -> str:
        if question == at:
            raise error
        return right(question)

    return answer
