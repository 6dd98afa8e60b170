from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.comparison import RunComparison
from pytest_evalkit.results.comparison_dict import comparison_dict
from pytest_evalkit.results.latency_changes import (
    LatencyChange,
    TimedDocuments,
    latency_changes,
)
from pytest_evalkit.results.latency_comparison import with_latency
from tests.unit.results.recorded_runs import compare, timed, write_timed

SECONDS = [0.1 + 0.01 * (n % 17) for n in range(70)]


def documents(samples: Iterable[Mapping[str, Any]]) -> TimedDocuments:
    return TimedDocuments(cast("Iterable[SampleDict]", samples))


def run_of(seconds: Sequence[float], **changes: Any) -> list[dict[str, Any]]:
    return [timed(n, took, **changes) for n, took in enumerate(seconds)]


def changed(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]
) -> dict[str, LatencyChange]:
    found = latency_changes(documents(before), documents(after))
    return {change.name: change for change in found}


def test_what_both_runs_measured_is_compared_in_milliseconds() -> None:
    slower = [took + 0.02 for took in SECONDS]

    found = changed(run_of(SECONDS), run_of(slower))

    # Nothing was streamed, so that there is nothing but the whole.
    assert list(found) == [
        f"e2el_ms.{name}" for name in ("mean", "p50", "p90", "p95", "p99")
    ]
    median = found["e2el_ms.p50"]
    assert median.values == pytest.approx((180.0, 200.0))
    assert median.counts == (70, 70)
    assert median.difference.interval == pytest.approx((20.0, 20.0))
    assert median.method == "paired bootstrap"


def test_what_rests_on_too_few_requests_is_told_and_not_tested() -> None:
    found = changed(run_of(SECONDS), run_of(SECONDS[:69]))

    assert found["e2el_ms.p90"].difference.p_value is not None
    p95 = found["e2el_ms.p95"]
    assert p95.difference == (0.0, None, None, None)
    assert p95.method == "none: 130 successful requests are needed, and a run has 69"
    few = changed(run_of(SECONDS[:10]), run_of(SECONDS[:10]))
    assert few["e2el_ms.mean"].difference.p_value is None


def test_documents_are_pairs_where_both_runs_asked_the_same() -> None:
    same = changed(run_of(SECONDS), reversed(run_of(SECONDS)))
    # One of them was not answered, and has no time; it was asked all the same.
    failed = [*run_of(SECONDS[:-1]), timed(69, 9.0, status="errored")]
    others = run_of(SECONDS, task="others")

    assert same["e2el_ms.p50"].method == "paired bootstrap"
    assert changed(run_of(SECONDS), failed)["e2el_ms.p50"].counts == (70, 69)
    assert changed(run_of(SECONDS), failed)["e2el_ms.p50"].method == "paired bootstrap"
    assert changed(run_of(SECONDS), others)["e2el_ms.p50"].method == "bootstrap"


def test_a_document_counts_once_however_many_filters_it_has() -> None:
    twice = [
        line for one in run_of(SECONDS) for line in (one, {**one, "filter": "strict"})
    ]

    assert documents(twice).count("e2el_ms") == 70


def turn(number: int, seconds: float, status: str = "successful") -> dict[str, Any]:
    return {
        "turn": number,
        "status": status,
        "sent_at_s": float(number),
        "latency_s": seconds,
        "ttft_s": seconds / 2,
        "token_counts": None,
    }


def test_the_turns_of_a_conversation_belong_together() -> None:
    turns = [turn(1, 0.2), turn(2, 0.4), turn(3, 9.0, "errored")]
    found = documents([timed(n, 0.1, turns=turns) for n in range(12)])

    times = found.times("ttft_ms", found.keys)

    assert times.count == 12
    assert list(times.values) == pytest.approx([100.0, 200.0] * 12)
    assert list(times.clusters) == [n // 2 for n in range(24)]


def test_documents_of_one_cluster_belong_together() -> None:
    lines = [timed(n, 0.1, cluster=f"video {n // 3}") for n in range(6)]

    found = documents(lines)

    assert found.times("e2el_ms", found.keys).count == 2


def latency_of(folders: Sequence[Path], **options: Any) -> RunComparison:
    (found,) = with_latency(compare(*folders), **options)
    return found


def test_compared_runs_have_the_changes_of_their_latency(tmp_path: Path) -> None:
    slower = [took + 0.02 for took in SECONDS]
    runs = (
        write_timed(tmp_path / "a", run_of(SECONDS)),
        write_timed(tmp_path / "b", run_of(slower)),
    )

    found = latency_of(runs)

    told = {change.name: change for change in found.latency}
    # Three are tested, of 70 requests, each as surely as draws can say it.
    assert told["e2el_ms.p50"].adjusted_p == pytest.approx(3 * 2 / 2001)
    assert told["e2el_ms.p99"].adjusted_p is None
    assert list(found.missing) == []
    (wire,) = comparison_dict([found])["comparisons"]
    written = {one["name"]: one for one in wire["latency"]}
    assert written["e2el_ms.p50"]["ci95"] == pytest.approx((20.0, 20.0))
    assert written["e2el_ms.p50"]["p_value"] == 2 / 2001
    assert written["e2el_ms.p99"]["ci95"] is None
    assert written["e2el_ms.mean"]["n"] == (70, 70)


def test_another_load_is_not_compared_unless_that_is_asked_for(tmp_path: Path) -> None:
    pattern = {"name": "concurrency", "is_asked": True, "concurrency": 4}
    runs = (
        write_timed(tmp_path / "a", run_of(SECONDS), load_pattern=pattern),
        write_timed(
            tmp_path / "b", run_of(SECONDS), load_pattern={**pattern, "concurrency": 8}
        ),
    )

    refused, forced = latency_of(runs), latency_of(runs, is_forced=True)

    assert list(refused.latency) == []
    assert list(refused.missing) == [
        "latency is not compared, since the load was another: concurrency was 4 and is 8"
    ]
    assert len(forced.latency) == 5
    assert list(forced.missing) == [
        "the latency is of another load: concurrency was 4 and is 8"
    ]


def test_what_stands_against_latencies_is_said(tmp_path: Path) -> None:
    failing = run_of(SECONDS[:60]) + [
        timed(n, 0.001, status="errored") for n in range(60, 70)
    ]
    client = {"saturated": True, "reason": "the event loop was late"}
    runs = (
        write_timed(tmp_path / "a", run_of(SECONDS), client=client),
        write_timed(tmp_path / "b", failing),
    )

    limit, errors = latency_of(runs).missing

    assert "/a: the client was the limit: the event loop was late" in limit
    assert "/b: 14.3% of the requests failed" in errors


def test_runs_without_times_have_no_latency(tmp_path: Path) -> None:
    timed_run = write_timed(tmp_path / "a", run_of(SECONDS))
    bare = write_timed(tmp_path / "b", run_of(SECONDS), metrics={})

    found = latency_of((timed_run, bare))

    assert (list(found.latency), list(found.missing)) == ([], [])
