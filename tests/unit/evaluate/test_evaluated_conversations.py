from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pytest_evalkit.errors import (
    BudgetSpentError,
    IssuingEndedError,
    ModelUnavailableError,
    RequestCutError,
    RequestRejectedError,
)
from pytest_evalkit.evaluate import skip_document
from pytest_evalkit.values import Response, Timing, Usage
from tests.unit.evaluate.leading import FIVE, Talk, failing, right


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
        planned_at=2.5,
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
        "planned_at_s": 2.5,
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
    error.attempts, error.sent_at = 3, 7.5

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
    assert (failed["attempts"], failed["sent_at_s"]) == (3, 7.5)
    assert (failed["text"], failed["latency_s"]) == (None, None)
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


def test_a_turn_that_the_end_of_the_load_cuts_is_incomplete(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE)
    error = RequestCutError("cut: the 2 s of --duration are over")
    error.attempts, error.sent_at, error.planned_at = 1, 4.0, 3.5

    outcome = talk.run(failing("q2", error))

    assert outcome.status == "skipped"
    cause = "cut: the 2 s of --duration are over"
    assert talk.turns[1] == (3, "incomplete", cause)
    assert [turn[1:] for turn in talk.turns[2:]] == [("skipped", cause)] * 3
    cut = talk.sample["turns"][1]
    assert (cut["planned_at_s"], cut["sent_at_s"], cut["attempts"]) == (3.5, 4.0, 1)


def test_a_turn_that_is_not_sent_any_more_was_never_sent(tmp_path: Path) -> None:
    talk = Talk(tmp_path, FIVE)

    talk.run(failing("q2", IssuingEndedError("not sent: the load has ended")))

    unsent = talk.sample["turns"][1]
    assert (unsent["status"], unsent["sent_at_s"]) == ("skipped", None)


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
