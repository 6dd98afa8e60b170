from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.results.conclusion import RunRecord
from pytest_evalkit.results.load import load_of, pattern_dict
from pytest_evalkit.results.request_log import RequestLog
from pytest_evalkit.stats.load_figures import load_figures


def sample(doc_id: int, **facts: Any) -> Any:
    return {"task": "sums", "doc_id": doc_id, "item_id": str(doc_id), **facts}


def timing(sent_at_s: Any, request_s: Any, **facts: Any) -> dict[str, Any]:
    return {
        "started_s": 0.0,
        "latency_s": 10.0,
        "request_status": "successful",
        "planned_at_s": None,
        "sent_at_s": sent_at_s,
        "request_s": request_s,
        **facts,
    }


def turn(number: int, status: str, sent_at_s: float | None, **facts: Any) -> Any:
    return {"turn": number, "status": status, "sent_at_s": sent_at_s, **facts}


def test_a_request_has_the_tokens_of_its_document() -> None:
    log = RequestLog()
    counts = {"input_tokens": 10, "output_tokens": 4}

    log.add(sample(0, timing=timing(1.0, 0.5), token_counts=counts))

    (one,) = log
    assert (one.sent_at, one.ended_at) == (1.0, 1.5)
    assert (one.input_tokens, one.output_tokens) == (10, 4)
    assert (one.planned_at, one.ttft_s, one.conversation) == (None, None, None)


def test_a_document_counts_once_however_many_filters_it_has() -> None:
    log = RequestLog()

    for _ in ("strict", "loose"):
        log.add(sample(7, timing=timing(1.0, 0.5)))

    assert len(log) == 1


def test_several_requests_of_a_document_are_told_apart() -> None:
    log = RequestLog()

    log.add(
        sample(
            0,
            token_counts={"input_tokens": 30, "output_tokens": 3},
            timing=timing(
                [1.0, 2.0],
                [0.5, None],
                request_status=["successful", "errored"],
                planned_at_s=[0.5, 1.5],
                input_tokens=[10, None],
                output_tokens=[3, None],
            ),
        )
    )

    first, second = log
    assert (first.planned_at, first.input_tokens, first.output_tokens) == (0.5, 10, 3)
    assert (second.status, second.sent_at, second.ended_at) == ("errored", 2.0, None)
    assert second.input_tokens is None


def test_what_was_not_asked_is_no_request() -> None:
    log = RequestLog()

    log.add(sample(0))
    log.add(sample(1, timing={"started_s": 0.0, "latency_s": 1.0}))

    assert list(log) == []


def test_turns_of_a_conversation_are_requests() -> None:
    log = RequestLog()
    turns = [
        turn(
            1, "successful", 0.5, latency_s=1.0, ttft_s=0.25, gaps=[0.125, 0.25],
            token_counts={"input_tokens": 5, "output_tokens": 4},
        ),
        turn(2, "errored", 1.5, latency_s=2.0, gaps_sum_s=None, token_counts=None),
        turn(3, "skipped", None),
    ]  # fmt: skip

    log.add(sample(0, conversation_id="a", turns=turns))

    first, second, third = log
    assert (first.ended_at, first.gaps_sum_s, first.output_tokens) == (1.5, 0.375, 4)
    assert {one.conversation for one in (first, second, third)} == {"sums/a"}
    assert [one.turn for one in (first, second, third)] == [1, 2, 3]
    figures = load_figures(log)
    assert figures["conversations"]["dropped_turns"] == 1
    assert figures["error_rate"] == 0.5


def test_a_turn_that_was_recalled_is_no_request() -> None:
    log = RequestLog()
    turns = [
        turn(1, "successful", None, recalled=True),
        turn(2, "successful", 1.5, latency_s=2.0),
    ]

    log.add(sample(0, conversation_id="a", turns=turns))

    assert [one.turn for one in log] == [2]


def test_time_in_which_nobody_was_at_work_is_left_out() -> None:
    log = RequestLog()

    # Two sessions of ten seconds, an hour apart.
    log.add(sample(1, timing=timing(2.0, 1.0)), date=5_000.0)
    log.add(sample(0, timing=timing(1.0, 1.0)), date=1_400.0)

    assert [one.sent_at for one in log] == [12.0, 1.0]


def test_shards_that_ran_together_share_a_clock() -> None:
    log = RequestLog()

    log.add(sample(0, timing=timing(1.0, 4.0)), date=100.0)
    log.add(sample(1, timing=timing(1.0, 4.0)), date=102.0)

    assert [one.sent_at for one in log] == [1.0, 3.0]
    assert load_figures(log)["peak_concurrency"] == 2


def test_many_requests_take_little_memory() -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    log, count = RequestLog(), 20_000
    facts = timing(1.0, 0.5, ttft_s=0.1, gaps_sum_s=0.2)
    one: Any = sample(
        0, timing=facts, token_counts={"input_tokens": 9, "output_tokens": 9}
    )

    tracemalloc.start()
    for doc_id in range(count):
        log.add(one | {"doc_id": doc_id})
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used / count < 150


def test_tokens_that_nobody_counted_have_no_source() -> None:
    log = RequestLog()
    log.add(sample(0, timing=timing(1.0, 0.5)))

    figures = load_of(RunRecord(requests=log), {})

    assert figures["token_source"] is None
    assert figures["output_throughput"] is None
    assert figures["client"] is None


@pytest.mark.parametrize(
    ("limits", "concurrency"),
    [
        ([], None),
        ([{"limit": 8, "reason": "fixed"}], 8),
        (
            [
                {"limit": 4, "reason": "fixed", "worker": 0},
                {"limit": 3, "reason": "fixed", "worker": 1},
                {"limit": 3, "reason": "fixed", "worker": 1},
            ],
            7,
        ),
        ([{"limit": 8, "reason": "start"}, {"limit": 9, "reason": "faster"}], None),
    ],
)
def test_a_run_without_a_pattern_had_as_many_in_flight_as_it_could(
    limits: Any, concurrency: int | None
) -> None:
    told = pattern_dict({}, limits)

    assert told["name"] == "concurrency"
    assert told["is_asked"] is False
    assert told["concurrency"] == concurrency
    assert told["target_qps"] is None
