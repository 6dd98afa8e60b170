from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_evalkit.conversations import ExecuteTools, TurnFailure
from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.errors import (
    BudgetSpentError,
    ModelUnavailableError,
    RequestRejectedError,
)
from pytest_evalkit.evaluate import (
    DocumentOutcome,
    Evaluation,
    evaluate_document,
    skip_document,
)
from pytest_evalkit.evaluate.calling_tools import Calling, calling_tools
from pytest_evalkit.messages import ToolCallPart, to_openai_messages
from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings, load_task
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    Request,
    Response,
    Timing,
    Usage,
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


def test_the_turns_of_a_conversation_are_in_its_sample(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE)
    timing = Timing(
        started_at=3.0,
        latency_s=0.5,
        ttft_s=0.1,
        ttfo_s=0.2,
        gaps_s=(0.1, 0.3),
        n_chunks=3,
        bad_frames=0,
    )

    outcome = talk.run(
        lambda question: Response(
            text=f"<think>hm</think>{right(question)}",
            timing=timing,
            usage=Usage(input_tokens=2, output_tokens=1),
            finish_reason="stop",
        )
    )

    assert (outcome.status, outcome.message) == ("scored", None)
    sample = talk.sample
    assert sample["per_turn_match"] == 1.0
    assert sample["filtered_resps"] == ["a1", "a2", "a3", "a4", "a5"]
    assert sample["conversation_id"] == "c"
    assert sample["token_counts"]["input_tokens"] == 10
    assert sample["turns"][1] == {
        "turn": 3,
        "status": "successful",
        "cause": None,
        "text": "<think>hm</think>a2",
        "finish_reason": "stop",
        "token_counts": {
            "input_tokens": 2,
            "output_tokens": 1,
            "reasoning_tokens": None,
            "cached_tokens": None,
        },
        "planned_at_s": None,
        "sent_at_s": 3.0,
        "latency_s": 0.5,
        "ttft_s": 0.1,
        "ttfo_s": 0.2,
        "gaps_sum_s": 0.4,
        "n_chunks": 3,
        "bad_frames": 0,
        "attempts": 1,
    }


def test_a_conversation_keeps_its_place_from_the_first_turn_to_the_last(
    tmp_path: Path,
) -> None:
    talk = Talk(tmp_path, FIVE)

    talk.run(right)

    assert talk.events == ["in", *["ask"] * 5, "out"]


def test_recorded_history_does_not_depend_on_the_answers(tmp_path: Path) -> None:
    one, other = Talk(tmp_path, FIVE), Talk(tmp_path, FIVE)

    one.run(right)
    other.run(lambda _: "something else")

    assert one.bodies == other.bodies


def test_live_history_shows_the_answers(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE[:4], history="live")

    talk.run(lambda question: f"my {question}")

    assert [message["content"] for message in talk.bodies[1]] == ["q1", "my q1", "q2"]
    # The record shows what is planned, whatever the model says.
    assert [one["content"] for one in talk.sample["input"]] == ["q1", "q2"]


def test_a_failed_turn_fails_the_conversation_and_skips_the_rest(
    tmp_path: Path,
) -> None:
    talk = Talk(tmp_path, FIVE)
    error = RequestRejectedError("refused:\nno")
    error.attempts = 3

    outcome = talk.run(failing("q2", error))

    assert outcome.status == "error"
    assert outcome.message == ("no answer: turn 3: refused: no (of 5 turns 3 skipped)")
    aborted = "aborted_by_prior_failure"
    assert talk.turns == [
        (1, "successful", None),
        (3, "errored", "refused: no"),
        (5, "skipped", aborted),
        (7, "skipped", aborted),
        (9, "skipped", aborted),
    ]
    failed, skipped = talk.sample["turns"][1:3]
    assert (failed["attempts"], failed["text"], failed["latency_s"]) == (3, None, None)
    assert (skipped["attempts"], skipped["sent_at_s"]) == (None, None)
    assert len(talk.bodies) == 2


def test_a_late_turn_fails_and_its_answer_changes_nothing(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE, turn_timeout_s=0.01)
    came_to_its_end: list[str] = []

    async def late() -> str:
        await asyncio.sleep(60)
        came_to_its_end.append("late")
        return "a2"

    outcome = talk.run(lambda question: late() if question == "q2" else right(question))

    assert outcome.message is not None
    assert "turn 3: timed out after 0.01 s (turn_timeout_s)" in outcome.message
    assert [status for _, status, _ in talk.turns] == [
        *("successful", "errored", "skipped", "skipped", "skipped"),
    ]
    assert talk.sample["turns"][1]["attempts"] is None
    assert came_to_its_end == []
    assert talk.events[-1] == "out"


def test_what_was_answered_before_a_failure_has_its_tokens_and_times(
    tmp_path: Path,
) -> None:
    talk = Talk(tmp_path, FIVE)
    answered = Response(
        text="a1",
        usage=Usage(output_tokens=4),
        timing=Timing(started_at=1.0, latency_s=2.0),
    )

    def answer(question: str) -> Response:
        if question == "q1":
            return answered
        raise RequestRejectedError("no")

    talk.run(answer)

    assert talk.sample["request_latency_s"] == 2.0
    assert talk.sample["token_counts"]["output_tokens"] == 4
    assert talk.sample["metrics"] == []


def test_later_turns_are_asked_where_the_task_goes_on(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE, on_turn_failure="continue")

    outcome = talk.run(failing("q2", RequestRejectedError("no")))

    assert outcome.status == "error"
    assert outcome.message == "no answer: turn 3: no"
    assert [status for _, status, _ in talk.turns] == [
        *("successful", "errored", "successful", "successful", "successful"),
    ]


def test_missing_turns_count_as_zero_where_the_task_says_so(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE, missing="zero")

    outcome = talk.run(failing("q2", RequestRejectedError("no")))

    # Scored, and failed all the same.
    assert outcome.status == "scored"
    assert outcome.message == "turn 3: no (of 5 turns 3 skipped)"
    assert talk.sample["per_turn_match"] == 0.2
    assert talk.sample["error"] == outcome.message
    assert talk.sample["filtered_resps"] == ["a1", None, None, None, None]


def test_a_spent_budget_skips_the_conversation_and_the_turns_left(
    tmp_path: Path,
) -> None:
    talk = Talk(tmp_path, FIVE)

    outcome = talk.run(failing("q3", BudgetSpentError("the budget is spent: x")))

    assert outcome.status == "skipped"
    assert [status for _, status, _ in talk.turns] == [
        *("successful", "successful", "skipped", "skipped", "skipped"),
    ]
    assert talk.turns[2][2] == "the budget is spent: x"


def test_an_endpoint_that_is_gone_stops_the_run(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE)

    with pytest.raises(ModelUnavailableError):
        talk.run(failing("q2", ModelUnavailableError("gone")))

    assert talk.lines == []
    assert talk.events[-1] == "out"


def test_a_fault_of_ours_comes_out_and_gives_the_place_back(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE)

    with pytest.raises(ZeroDivisionError):
        talk.run(failing("q2", ZeroDivisionError("a fault")))

    assert talk.lines == []
    assert talk.events[-1] == "out"


def test_a_conversation_that_is_not_led_has_all_its_turns_skipped(
    tmp_path: Path,
) -> None:
    talk = Talk(tmp_path, FIVE)

    skip_document(talk.opened, 0, "needs judge", talk.lines.append)

    assert [turn[1:] for turn in talk.turns] == [("skipped", "needs judge")] * 5


@pytest.mark.parametrize("is_coroutine", [True, False])
def test_tools_are_called_and_their_results_shown(
    tmp_path: Path, is_coroutine: bool
) -> None:
    talk = Talk(tmp_path, TOOLS, history="live", tool_executor="tools")
    seen: list[Any] = []

    def call(name: str, arguments: dict[str, Any]) -> str:
        seen.append((name, arguments))
        return f"result {len(seen)}"

    async def call_later(name: str, arguments: dict[str, Any]) -> str:
        return call(name, arguments)

    calls = (ToolCallPart("x", "g", '{"n": 1}'), ToolCallPart("y", "h", ""))
    answers = iter([Response(text="", tool_calls=calls), Response(text="a")])
    outcome = talk.run(lambda _: next(answers), call_later if is_coroutine else call)

    assert outcome.status == "scored"
    assert seen == [("g", {"n": 1}), ("h", {})]
    assert [
        (message["tool_call_id"], message["content"])
        for message in talk.bodies[1]
        if message["role"] == "tool"
    ] == [("x", "result 1"), ("y", "result 2")]
    assert talk.sample["turns"][1]["tool_results"] == [
        {"tool_call_id": "x", "content": "result 1"},
        {"tool_call_id": "y", "content": "result 2"},
    ]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda *_: 7, "tool_executor returned int for f, but must return a text"),
        (lambda *_: 1 / 0, "tool_executor raised ZeroDivisionError for f"),
    ],
)
def test_a_tool_that_fails_fails_its_turn(
    tmp_path: Path, result: Any, message: str
) -> None:
    talk = Talk(tmp_path, TOOLS, history="live", tool_executor="tools")
    call = ToolCallPart("x", "f", "{}")

    outcome = talk.run(lambda _: Response(text="", tool_calls=(call,)), result)

    assert outcome.message is not None
    assert f"turn 3: {message}" in outcome.message
    assert len(talk.bodies) == 1


def test_what_is_wrong_with_a_call_is_told_to_the_model() -> None:
    called: list[str] = []

    def call(name: str, _: Any) -> str:
        called.append(name)
        return "r"

    async def executed(place: ThreadPoolExecutor) -> Sequence[str] | TurnFailure:
        asked = ExecuteTools(
            turn=3,
            calls=(
                ToolCallPart("x", "serch", "{}"),
                ToolCallPart("y", "search", "[1]"),
                ToolCallPart("z", "search", "{}"),
            ),
        )
        return await calling_tools(call, ["search"], place)(asked)

    with ThreadPoolExecutor(1) as place:
        texts = asyncio.run(executed(place))

    assert texts == [
        "error: there is no tool 'serch'; did you mean 'search'?",
        "error: the arguments must be a JSON object",
        "r",
    ]
    assert called == ["search"]


def test_a_client_takes_its_time_where_the_task_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    usual = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await usual(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    messages = [{"role": "user", "content": "q1", "delay_seconds": 2.5}]

    Talk(tmp_path, [*messages, FIVE[1]]).run(right)
    Talk(tmp_path, [*messages, FIVE[1]], inject_tool_delay=True).run(right)

    assert waited == [2.5]


def test_recorded_turns_are_scored_again(tmp_path: Path) -> None:
    talk = Talk(tmp_path, TOOLS, history="live", tool_executor="tools")
    call = ToolCallPart("x", "f", "{}")
    answers = iter([Response(text="", tool_calls=(call,)), Response(text="a")])
    talk.run(lambda _: next(answers), lambda *_: "sent")
    before = talk.sample

    outcome = talk.score_again()

    assert outcome.status == "scored"
    after = talk.sample
    assert after["per_turn_match"] == before["per_turn_match"] == 1.0
    assert after["turns"][1]["tool_results"] == before["turns"][1]["tool_results"]
    assert [turn["attempts"] for turn in after["turns"]] == [0, 0]
    assert [turn["sent_at_s"] for turn in after["turns"]] == [None, None]


def test_a_turn_that_counted_as_zero_counts_so_again(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE, missing="zero")
    talk.run(failing("q2", RequestRejectedError("no")))

    outcome = talk.score_again()

    assert outcome.message == "turn 3: no (of 5 turns 3 skipped)"
    assert talk.sample["per_turn_match"] == 0.2


def test_a_conversation_in_error_is_not_scored_again(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE)
    talk.run(failing("q2", RequestRejectedError("no")))

    outcome = talk.score_again()

    assert outcome.status == "error"
    assert outcome.message is not None
    assert "has no answer in RUN: no answer: turn 3: no" in outcome.message
