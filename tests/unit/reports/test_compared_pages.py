from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.comparison import Comparison
from pytest_evalkit.reports.page_compared import Compared, compared
from pytest_evalkit.reports.page_documents import PageDocuments
from pytest_evalkit.results.comparison import RunComparison
from pytest_evalkit.results.latency_changes import LatencyChange
from pytest_evalkit.results.likeness import Divergence
from pytest_evalkit.results.metric_change import MetricChange
from pytest_evalkit.results.recorded import RecordedRun
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.scoring import PairedDifference
from pytest_evalkit.stats import Difference
from tests.unit.reports.conftest import sample


def document(n: int, score: float, **changes: Any) -> SampleDict:
    facts = {
        "doc_id": n,
        "item_id": f"q{n}",
        "doc_hash": f"d{n}",
        "exact_match": score,
        "filtered_resps": str(score),
    }
    return sample(**{**facts, **changes})


def comparison_of(
    results: ResultsDict, first: list[SampleDict], second: list[SampleDict]
) -> Comparison:
    documents = PageDocuments(results, is_compared=True)
    documents.add_all(first)
    others = deepcopy(results)
    others["model_name"] = "other"
    comparison = Comparison(documents, results, others)
    comparison.add_all(second)
    documents.texts.settle()
    return comparison


def test_documents_are_matched_by_their_content(results: ResultsDict) -> None:
    first = [document(0, 1.0), document(1, 0.0), document(2, 1.0)]
    # In another order, and under other positions.
    second = [document(7, 1.0, doc_hash="d1"), document(8, 0.0, doc_hash="d0")]

    comparison = comparison_of(results, first, second)

    assert (comparison.matched, comparison.unmatched) == (2, 0)
    assert comparison.index()["rows"] == {
        "outcome": [2, 0, None],
        "score": [0.0, 1.0, None],
        "answer": ["0.0", "1.0", None],
        "gain": [-1, 1, None],
    }


def test_a_document_that_a_task_repeats_is_matched_once_each(
    results: ResultsDict,
) -> None:
    first = [document(n, 1.0, doc_hash="same") for n in range(2)]
    second = [document(n, 0.0, doc_hash="same") for n in range(3)]

    comparison = comparison_of(results, first, second)

    assert (comparison.matched, comparison.unmatched) == (2, 1)


def test_a_document_whose_content_was_never_read_matches_none(
    results: ResultsDict,
) -> None:
    broken = document(0, 1.0, doc_hash="")

    comparison = comparison_of(results, [broken], [broken])

    assert comparison.matched == 0


def test_where_lower_is_better_a_rise_is_for_the_worse(results: ResultsDict) -> None:
    results["higher_is_better"]["sums"] = {"exact_match": False}
    first = [document(n, 0.25) for n in range(3)]
    second = [document(n, 0.5) for n in range(3)]

    comparison = comparison_of(results, first, second)

    assert comparison.index()["rows"]["gain"] == [-1, -1, -1]


def test_an_error_in_one_run_is_neither_gain_nor_loss(results: ResultsDict) -> None:
    failed = document(0, 0.0, status="error", metrics=[], filtered_resps=None)

    comparison = comparison_of(results, [document(0, 1.0)], [failed])

    assert comparison.index()["rows"]["gain"] == [0]


def test_a_prompt_that_differs_is_shown_too(results: ResultsDict) -> None:
    other = document(0, 1.0, input=[{"role": "user", "content": "Now: 2+2?"}])
    documents = PageDocuments(results, is_compared=True)
    documents.add_all([document(0, 1.0), document(1, 1.0)])
    comparison = Comparison(documents, results, deepcopy(results))

    comparison.add_all([other, document(1, 1.0)])

    changed, same = (detail["other"] for detail in documents.details)
    assert changed["input"][0]["parts"][0]["t"] == "Now: 2+2?"
    assert "input" not in same


def change(
    value: float, interval: tuple[float, float] | None, p_value: float | None
) -> MetricChange:
    difference = Difference(value, 0.1, interval, p_value)
    return MetricChange(
        task="sums",
        filter="none",
        metric="exact_match",
        higher_is_better=True,
        n=1200,
        unmatched=0,
        values=(0.5, 0.5 + value),
        paired=PairedDifference(difference=difference, method="paired t"),
        adjusted_p=p_value,
    )


def written(
    results: ResultsDict,
    *changes: MetricChange,
    latency: Sequence[LatencyChange] = (),
) -> Compared:
    comparison = comparison_of(results, [document(0, 1.0)], [document(0, 1.0)])
    run = RecordedRun(label="x", path=Path("x"), results=None, samples={})
    divergence = Divergence(task="sums", message="2 prompts differ", is_grave=False)
    tested = RunComparison(
        first=run,
        second=run,
        changes=changes,
        divergences=[divergence],
        missing=["y has no samples of words"],
        latency=latency,
    )
    return compared(comparison, tested)


def test_differences_are_drawn_on_one_scale(results: ResultsDict) -> None:
    shown = written(
        results,
        change(0.1, (0.0, 0.2), 0.06),
        change(-0.2, (-0.4, -0.05), 0.00001),
        change(0.3, None, None),
    )

    small, large, unknown = shown.rows
    assert shown.reach == ("\N{MINUS SIGN}0.400", "+0.400")
    assert (small.bar.low, small.bar.value, small.bar.high) == (50.0, 62.5, 75.0)
    assert (large.bar.low, large.bar.value) == (0.0, 25.0)
    assert (unknown.bar.low, unknown.bar.value) == (None, 87.5)


def test_a_difference_has_a_tone_where_the_test_is_sure(results: ResultsDict) -> None:
    shown = written(
        results, change(0.1, (0.0, 0.2), 0.06), change(-0.2, (-0.4, -0.1), 0.00001)
    )

    open_one, worse = shown.rows
    assert (open_one.bar.tone, open_one.value, open_one.p_value) == (
        "open", "+0.1000", "0.0600",
    )  # fmt: skip
    assert (worse.bar.tone, worse.value, worse.p_value) == (
        "worse", "\N{MINUS SIGN}0.2000", "< 0.0001",
    )  # fmt: skip
    assert open_one.n == "1,200"


def latency_change(p_value: float | None, method: str) -> LatencyChange:
    interval = None if p_value is None else (-30.0, -10.0)
    return LatencyChange(
        name="ttft_ms.p95",
        values=(100.0, 80.0),
        counts=(150, 150),
        difference=Difference(-20.0, 5.0, interval, p_value),
        share=None,
        method=method,
        adjusted_p=p_value,
    )


def test_latencies_stand_below_the_scores(results: ResultsDict) -> None:
    changes = [
        latency_change(0.001, "paired bootstrap"),
        latency_change(None, "none: 130 are needed"),
    ]

    shown = written(results, latency=changes)

    assert shown.latency is not None
    minus = "\N{MINUS SIGN}"
    assert shown.latency.rows[0] == (
        *("ttft_ms.p95", "150", "100.0", "80.0", f"{minus}20.0"),
        *(f"[{minus}30.0, {minus}10.0]", f"{minus}20.0", "0.0010", "0.0010", "faster"),
    )
    assert shown.latency.rows[1][-1] == "not tested"
    assert shown.untested == ("ttft_ms.p95 is not tested: 130 are needed",)
    assert written(results).latency is None


def test_what_speaks_against_a_comparison_is_told(results: ResultsDict) -> None:
    assert written(results).warnings == (
        "sums: 2 prompts differ",
        "y has no samples of words",
    )
