from __future__ import annotations

from typing import Any

import pytest

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
