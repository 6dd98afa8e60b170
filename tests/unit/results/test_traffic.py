from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.engine import Allowance, Price
from pytest_evalkit.results.traffic import Traffic


def sample(doc_id: int, **facts: Any) -> Any:
    return {"task": "sums", "doc_id": doc_id, **facts}


def tokens(read: int | None, written: int | None) -> dict[str, int | None]:
    return {
        "input_tokens": read,
        "output_tokens": written,
        "reasoning_tokens": None,
        "cached_tokens": None,
    }


def test_a_document_counts_once_however_many_filters_it_has() -> None:
    traffic = Traffic()

    for _ in ("strict", "loose"):
        traffic.add(sample(0, token_counts=tokens(10, 4), request_latency_s=0.5))

    assert traffic.usage()["output_tokens"] == 4
    assert traffic.latency()["requests"] == 1


def test_tokens_are_summed_over_the_documents_that_tell() -> None:
    traffic = Traffic()

    traffic.add(sample(0, token_counts=tokens(10, 4)))
    traffic.add(sample(1, token_counts=tokens(5, None)))
    traffic.add(sample(2))

    assert traffic.usage() == {
        "documents_with_counts": 2,
        "input_tokens": 15,
        "output_tokens": 4,
        "reasoning_tokens": None,
        "cached_tokens": None,
    }


def test_latencies_of_all_repeats_are_described() -> None:
    traffic = Traffic()

    traffic.add(sample(0, request_latency_s=[1.0, 3.0]))
    traffic.add(sample(1, request_latency_s=2.0))
    traffic.add(sample(2, request_latency_s=[6.0]))

    assert traffic.latency() == {
        "requests": 4,
        "mean_s": 3.0,
        "p50_s": 2.0,
        "p90_s": 6.0,
        "p99_s": 6.0,
        "method": "nearest rank",
    }


def test_throughput_is_over_the_whole_run() -> None:
    traffic = Traffic()

    traffic.add(sample(0, token_counts=tokens(10, 40)))
    traffic.add(sample(1, token_counts=tokens(10, 60)))

    assert traffic.throughput(4.0) == {
        "documents_per_s": 0.5,
        "output_tokens_per_s": 25.0,
    }


@pytest.mark.parametrize("elapsed_s", [0.0, 2.0])
def test_nothing_measured_is_none(elapsed_s: float) -> None:
    traffic = Traffic()

    assert traffic.throughput(elapsed_s)["output_tokens_per_s"] is None
    assert traffic.latency() == {}


def test_what_was_spent_stands_beside_what_could_be() -> None:
    traffic = Traffic()
    traffic.add(sample(0, token_counts=tokens(1_000, 400)))
    traffic.add(sample(1, token_counts=tokens(1_000, None)))
    allowance = Allowance(max_total_tokens=3_000, max_cost_usd=1.0)

    budget = traffic.budget(allowance, Price(input=2.0, output=10.0), "all of it")

    assert budget == {
        "max_total_tokens": 3_000,
        "max_cost_usd": 1.0,
        "total_tokens": 2_400,
        "cost_usd": pytest.approx(0.008),
        "spent": "all of it",
    }


def test_nothing_told_is_no_cost_of_zero() -> None:
    budget = Traffic().budget(Allowance(), Price(input=2.0, output=10.0), None)

    assert (budget["total_tokens"], budget["cost_usd"]) == (None, None)


def test_first_tokens_are_described_where_answers_were_streamed() -> None:
    traffic = Traffic()
    timing = {"started_s": 0.0, "latency_s": 1.0}

    traffic.add(
        sample(
            0,
            request_latency_s=1.0,
            timing={
                **timing,
                "ttft_s": 0.2,
                "ttfo_s": None,
                "inter_token_s": None,
                "bad_frames": 1,
            },
        )
    )
    traffic.add(
        sample(
            1,
            request_latency_s=[1.0, 1.0],
            timing={
                **timing,
                "ttft_s": [0.4, 0.6],
                "ttfo_s": [None, 0.8],
                "inter_token_s": [None, None],
                "bad_frames": [0, 2],
            },
        )
    )
    traffic.add(sample(2, request_latency_s=1.0, timing=timing))

    latency = traffic.latency()

    assert latency["requests"] == 4
    assert latency["ttft"] == {
        "requests": 3,
        "mean_s": pytest.approx(0.4),
        "p50_s": 0.4,
        "p90_s": 0.6,
        "p99_s": 0.6,
    }
    assert latency["ttfo"]["requests"] == 1
    assert latency["inter_token"] == {"requests": 0}
    assert latency["bad_frames"] == 3


def recalled(requests: int, counts: dict[str, int | None] | None) -> dict[str, Any]:
    return {"requests": requests, "token_counts": counts, "latency_s": 0.5}


def test_recalled_answers_cost_nothing_and_took_no_time() -> None:
    traffic = Traffic()

    whole = {"token_counts": tokens(10, 4), "recalled": recalled(1, tokens(10, 4))}
    part = {"token_counts": tokens(30, 9), "recalled": recalled(2, tokens(20, 8))}
    traffic.add(sample(0, **whole))
    traffic.add(sample(1, **part, request_latency_s=[2.0]))
    traffic.add(sample(2, token_counts=None, recalled=recalled(1, None)))

    assert traffic.usage()["documents_with_counts"] == 1
    assert traffic.usage()["input_tokens"] == 10
    assert traffic.usage()["output_tokens"] == 1
    assert traffic.latency()["requests"] == 1
    assert traffic.budget(Allowance(), None, None)["total_tokens"] == 11
