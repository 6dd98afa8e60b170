from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.comparison import Comparison
from pytest_evalkit.reports.page_compared import compared
from pytest_evalkit.reports.page_documents import PageDocuments
from pytest_evalkit.results.schema import ResultsDict
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
    results["coverage"]["sums"]["selected"] = 100
    documents = PageDocuments(results)
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

    assert comparison.matched == 2
    assert comparison.index()["rows"] == {
        "outcome": [2, 0, None],
        "score": [0.0, 1.0, None],
        "answer": ["0.0", "1.0", None],
        "gain": [-1, 1, None],
    }
    (warning,) = comparison.warnings()
    assert warning.startswith("1 documents are in the first run only, 0 in the second")


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


def test_flips_decide_between_right_and_wrong(results: ResultsDict) -> None:
    # One became right and five wrong, of twelve: McNemar's mid-p is 0.125.
    before = [0.0] + [1.0] * 11
    after = [1.0] + [0.0] * 5 + [1.0] * 6
    first = [document(n, score) for n, score in enumerate(before)]
    second = [document(n, score) for n, score in enumerate(after)]

    (difference,) = comparison_of(results, first, second).differences

    assert difference.n == 12
    assert difference.flips == (1, 5)
    assert difference.means == pytest.approx((11 / 12, 7 / 12))
    assert difference.tested.value == pytest.approx(-4 / 12)
    assert difference.tested.p_value == pytest.approx(0.125)


def test_where_lower_is_better_a_rise_is_for_the_worse(results: ResultsDict) -> None:
    results["higher_is_better"]["sums"] = {"exact_match": False}
    first = [document(n, 0.25) for n in range(3)]
    second = [document(n, 0.5) for n in range(3)]

    comparison = comparison_of(results, first, second)

    (difference,) = comparison.differences
    (row,) = compared(comparison).rows
    assert difference.flips == (0, 3)
    assert comparison.index()["rows"]["gain"] == [-1, -1, -1]
    assert (row.value, row.bar.tone) == ("+0.2500", "worse")


def test_a_run_set_beside_itself_differs_in_nothing(results: ResultsDict) -> None:
    samples = [document(n, float(n % 2)) for n in range(6)]

    comparison = comparison_of(results, samples, samples)

    (row,) = compared(comparison).rows
    assert (row.value, row.p_value, row.bar.tone) == ("+0.0000", "1.0000", "open")
    assert (row.better, row.worse) == ("0", "0")
    assert list(comparison.warnings()) == []


def test_p_values_are_corrected_for_their_number(results: ResultsDict) -> None:
    results["aggregates"]["words"] = results["aggregates"]["sums"]
    results["coverage"]["words"] = results["coverage"]["sums"]
    flips = [(0.0, 1.0)] * 8
    first = [
        document(n, a, task=t)
        for t in ("sums", "words")
        for n, (a, _) in enumerate(flips)
    ]
    second = [
        document(n, b, task=t)
        for t in ("sums", "words")
        for n, (_, b) in enumerate(flips)
    ]

    one, other = compared(comparison_of(results, first, second)).rows

    # Mid-p of 8 to 0 is 1/256; twice that by Holm.
    assert (one.p_value, other.p_value) == ("0.0078", "0.0078")
    assert one.bar.tone == "better"


def test_what_else_differs_is_told(results: ResultsDict) -> None:
    first = [document(0, 1.0)]
    second = [document(0, 1.0, input=[{"role": "user", "content": "Now: 2+2?"}])]
    comparison = comparison_of(results, first, second)
    comparison.results["versions"]["sums"] = 2.0
    comparison.results["n-shot"]["sums"] = 0
    del comparison.results["aggregates"]["pictures"]

    told = list(comparison.warnings())

    assert told == [
        "sums: the version of the task differs: 1.0 and 2.0",
        "sums: the number of worked examples differs: 5 and 0",
        "sums: 1 documents were asked otherwise",
        "pictures is in the first run only",
    ]
    other = comparison.index()
    assert other["name"] == "other"


def test_an_error_in_one_run_is_no_difference(results: ResultsDict) -> None:
    failed = document(0, 0.0, status="error", metrics=[], filtered_resps=None)

    comparison = comparison_of(results, [document(0, 1.0)], [failed])

    assert comparison.differences == []
    assert comparison.index()["rows"]["gain"] == [0]
