from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_evalkit.errors import ScoringError, TaskError
from pytest_evalkit.evaluate.answered import Answered
from pytest_evalkit.evaluate.flow import document_flow
from pytest_evalkit.scoring import DEFAULT_REASONING_TAGS
from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings, load_task
from pytest_evalkit.values import Generate, Response, Usage

_UTILS = """\
import json

def see(doc):
    return []

def rounds(doc, lmms_eval_specific_kwargs=None, previous_output=None,
           round_idx=None, previous_round_info=None):
    if round_idx is None:
        return "1: " + doc["question"]
    if round_idx == len(doc["more"]) + 1:
        return None, None, True, previous_output, None
    info = (previous_round_info or []) + [previous_output[-1]]
    text = f"{round_idx + 1}: {doc['more'][round_idx - 1]} after {info}"
    return [], text, False, previous_output, info

def score(doc, results):
    answers = results[0] if isinstance(results[0], list) else results
    return {"acc": float(answers == doc["answers"])}

def said(doc, round_idx=None, previous_output=None):
    if round_idx is None:
        return [{"role": "user", "content": doc["question"]}]
    if round_idx == 2:
        return None, True, None, None
    text = f"and {previous_output[0]}?"
    return [{"role": "user", "content": text}], False, None, None

def forever(doc, round_idx=None):
    return "again"

def nothing(doc, round_idx=None):
    return "first" if round_idx is None else 3

def agent(doc, lmms_eval_specific_kwargs=None, previous_output=None, round_idx=None,
          previous_round_info=None):
    if round_idx is None:
        return "start"
    info = previous_round_info or {"state": {"cash": 1}, "tool_calls": 0}
    info["tool_calls"] += 1
    info["state"]["cash"] *= 2
    if previous_output[-1] == "submit":
        return None, None, True, [json.dumps({"success": True, **info})], info
    return [], f"cash {info['state']['cash']}", False, previous_output, info

def score_agent(doc, results):
    payload = json.loads(results[0])
    return {"acc": float(payload["success"]), "cash": payload.get("cash", 0)}
"""
_ROW = {"question": "one", "more": ["two", "three"], "answers": ["a", "b", "c"]}


def _open(root: Path, functions: dict[str, str], **keys: Any) -> OpenedTask:
    (root / "utils.py").write_text(_UTILS, encoding="utf-8")
    (root / "test.jsonl").write_text(json.dumps(_ROW) + "\n", encoding="utf-8")
    values = {
        "task": "rounds",
        "dialect": "lmms",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "test.jsonl"}},
        "test_split": "test",
        "output_type": "generate_until_multi_round",
        "metric_list": [{"metric": "acc", "aggregation": "mean"}],
        **keys,
    }
    lines = [f"{key}: !function utils.{name}\n" for key, name in functions.items()]
    path = root / "rounds.yaml"
    path.write_text(yaml.safe_dump(values) + "".join(lines), encoding="utf-8")
    return load_task(path, TaskSettings()).open(DataSources())


def _driven(
    opened: OpenedTask, answers: Sequence[str], reasoning: str | None = None
) -> tuple[list[str], Answered]:
    """Answer a document's requests in turn; tell what was asked, and the end."""
    flow: Generator[Sequence[Any], Any, Answered] = document_flow(
        opened, opened.prepare(0), DEFAULT_REASONING_TAGS
    )
    asked: list[str] = []
    requests = next(flow)
    for answer in answers:
        (request,) = requests
        assert isinstance(request, Generate)
        asked.append(request.messages[-1].text)
        response = Response(
            text=answer, reasoning=reasoning, usage=Usage(output_tokens=1)
        )
        try:
            requests = flow.send((response,))
        except StopIteration as stop:
            return asked, stop.value
    raise AssertionError(f"still asking: {requests}")


_ROUNDS = {"doc_to_text": "rounds", "doc_to_visual": "see", "process_results": "score"}


def test_the_task_says_what_follows_each_answer(tmp_path: Path) -> None:
    asked, answered = _driven(_open(tmp_path, _ROUNDS), ["a", "b", "c"])

    assert asked == [
        "1: one",
        "2: two after ['a']",
        "3: three after ['a', 'b']",
    ]
    assert answered.raw == ["a", "b", "c"]
    assert len(answered.responses) == 3
    assert answered.scored[0].metrics == {"acc": 1.0}


def test_thought_is_not_told_to_the_task(tmp_path: Path) -> None:
    thinking = ["<think>x</think>a", "b", "c"]

    asked, answered = _driven(_open(tmp_path, _ROUNDS), thinking)

    assert asked[1] == "2: two after ['a']"
    assert answered.raw == thinking
    assert answered.reasoning == ("x", None, None)
    assert answered.scored[0].metrics == {"acc": 1.0}


def test_what_was_said_between_is_kept_with_the_last_answer(tmp_path: Path) -> None:
    _, answered = _driven(_open(tmp_path, _ROUNDS), ["a", "b", "c"])

    *earlier, last = answered.responses
    assert all(isinstance(each, Response) and not each.transcript for each in earlier)
    assert isinstance(last, Response)
    assert [(said.role, said.text) for said in last.transcript] == [
        ("assistant", "a"),
        ("user", "2: two after ['a']"),
        ("assistant", "b"),
        ("user", "3: three after ['a', 'b']"),
    ]


def test_each_repeat_is_a_dialogue_of_its_own(tmp_path: Path) -> None:
    opened = _open(tmp_path, _ROUNDS, repeats=2)

    asked, answered = _driven(opened, ["a", "b", "c", "x", "y", "z"])

    assert asked[3:5] == ["1: one", "2: two after ['x']"]
    assert answered.raw == [["a", "b", "c"], ["x", "y", "z"]]


def test_a_task_may_go_on_by_messages(tmp_path: Path) -> None:
    functions = {"doc_to_messages": "said", "process_results": "score"}

    asked, answered = _driven(_open(tmp_path, functions), ["a", "b"])

    assert asked == ["one", "and a?"]
    assert answered.raw == ["a", "b"]


def test_a_task_that_never_ends_is_an_error(tmp_path: Path) -> None:
    functions = {"doc_to_text": "forever", "process_results": "score"}

    with pytest.raises(ScoringError, match="did not end after 100 rounds"):
        _driven(_open(tmp_path, functions), ["a"] * 101)


def test_what_is_no_round_is_told(tmp_path: Path) -> None:
    functions = {"doc_to_text": "nothing", "process_results": "score"}

    with pytest.raises(TaskError, match="doc_to_text returned int for round 1"):
        _driven(_open(tmp_path, functions), ["a"])


_AGENT = {
    "doc_to_text": "agent",
    "doc_to_visual": "see",
    "process_results": "score_agent",
}
_SCORES = [
    {"metric": "acc", "aggregation": "mean"},
    {"metric": "cash", "aggregation": "mean"},
]


def test_an_agent_is_scored_by_the_tasks_last_word(tmp_path: Path) -> None:
    opened = _open(
        tmp_path, _AGENT, output_type="generate_until_agentic", metric_list=_SCORES
    )

    asked, answered = _driven(opened, ["buy", "submit"])

    assert asked == ["start", "cash 2"]
    assert answered.scored[0].metrics["acc"] == 1.0
    assert json.loads(answered.scored[0].filtered)["tool_calls"] == 2
    assert answered.raw == ["buy", "submit"]


def test_an_agent_without_steps_left_is_scored_by_how_far_it_came(
    tmp_path: Path,
) -> None:
    opened = _open(
        tmp_path,
        _AGENT,
        output_type="generate_until_agentic",
        metric_list=_SCORES,
        generation_kwargs={"max_agentic_steps": 3},
    )

    asked, answered = _driven(opened, ["buy", "buy", "buy"])

    assert asked == ["start", "cash 2", "cash 4"]
    assert answered.scored[0].metrics == {"acc": 0.0, "cash": 8}
    assert (
        json.loads(answered.scored[0].filtered)["error"] == "max_agentic_steps_reached"
    )
    assert opened.task.parameters.extra == {}
