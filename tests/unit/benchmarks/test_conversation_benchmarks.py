from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.conversations import conversations_of
from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings, load_task

if TYPE_CHECKING:
    from tests.unit.benchmarks.conftest import LoadModule


def opened(path: Path, **sources: Path) -> OpenedTask:
    return load_task(path, TaskSettings()).open(DataSources(**sources))  # type: ignore[arg-type]  # folders alone


def test_every_question_of_mt_bench_is_a_conversation_of_two_turns(
    load_module: LoadModule, shared_data: Path
) -> None:
    lines = (shared_data / "mt_bench" / "question.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in lines.splitlines()]

    talks = load_module("mt_bench/utils.py").process_docs(rows)

    read = conversations_of(map(json.dumps, talks))
    assert len(read) == 80
    for talk, row in zip(read, rows, strict=True):
        said = [turn.message.text for turn in talk.client_turns]
        assert said == row["turns"]
        temperatures = {
            settings.parameters.temperature for _, settings in talk.settings()
        }
        expected = {"writing": 0.7, "roleplay": 0.7, "stem": 0.1, "humanities": 0.1}
        assert temperatures == {expected.get(row["category"], 0.0)}


def test_references_of_mt_bench_are_what_is_right(load_module: LoadModule) -> None:
    row = {"question_id": 1, "category": "math", "turns": ["a", "b"]}
    process_docs = load_module("mt_bench/utils.py").process_docs

    (with_one,) = process_docs([{**row, "reference": ["A", ""]}])

    assert [
        (message["content"], message.get("placeholder"))
        for message in with_one["messages"]
        if message["role"] == "assistant"
    ] == [("A", None), ("...", True)]


def test_the_recorded_agents_are_the_documents_of_their_replay(
    benchmarks: Path, shared_data: Path
) -> None:
    task = opened(
        benchmarks / "agentic_replay/agentic_replay.yaml", data_dir=shared_data
    )

    plans = [task.prepare(index).conversation for index in range(20)]
    assert len(task.documents) == 20
    assert sum(len(plan.keys) for plan in plans if plan is not None) == 1007
    # Everything that was asked for was answered by a call.
    assert all(
        key is not None and key.calls
        for plan in plans
        if plan is not None
        for key in plan.keys
    )


@pytest.mark.parametrize(
    ("category", "count", "calls"),
    [("simple", 10, 1), ("multiple", 8, 1), ("parallel", 6, 2), ("irrelevant", 6, 0)],
)
def test_each_kind_of_function_call_has_its_number_of_calls(
    benchmarks: Path, category: str, count: int, calls: int
) -> None:
    task = opened(benchmarks / "function_calls/function_calls.yaml")
    found = [
        plan
        for index in range(len(task.documents))
        if task.categories(index)["category"] == category
        and (plan := task.prepare(index).conversation) is not None
    ]

    assert len(found) == count
    for plan in found:
        (key,) = plan.keys
        assert key is not None
        assert len(key.calls) == calls
        (settings,) = [asked for _, asked in plan.conversation.settings()]
        required = {
            tool.name: set(tool.parameters["required"]) for tool in settings.tools or ()
        }
        for call in key.calls:
            assert set(json.loads(call.arguments)) == required[call.name]
