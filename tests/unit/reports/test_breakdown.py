from __future__ import annotations

import pytest

from pytest_evalkit.reports.breakdown import Breakdowns, categories_of
from pytest_evalkit.reports.standing import standing_of
from pytest_evalkit.results.schema import ResultsDict
from tests.unit.reports.conftest import sample


def test_a_breakdown_has_the_mean_of_each_kind(results: ResultsDict) -> None:
    breakdowns = Breakdowns()
    scores = {"add": [1.0, 0.0, 1.0, 1.0], "multiply": [0.0]}
    for name, values in scores.items():
        for value in values:
            one = sample(exact_match=value, categories={"kind": name})
            breakdowns.add(one, standing_of(one, results))

    (breakdown,) = breakdowns

    add, multiply = breakdown.shares
    assert (breakdown.task, breakdown.column) == ("sums", "kind")
    assert (add.name, add.n, add.value) == ("add", 4, 0.75)
    # The deviation is 0.5, over the root of 4.
    assert add.stderr == pytest.approx(0.25)
    # Wilson's of 3 of 4: (0.75 + 1.9207 / 4 -+ 1.96 * 0.32444) / 1.9604
    assert add.ci95 == pytest.approx((0.30064, 0.95441), abs=1e-4)
    assert (multiply.n, multiply.value, multiply.stderr) == (1, 0.0, None)


def test_numbers_between_have_students_interval(results: ResultsDict) -> None:
    breakdowns = Breakdowns()
    for name, value in [("a", 0.5), ("a", 0.7), ("a", 0.6), ("b", 0.5)]:
        one = sample(exact_match=value, categories={"kind": name})
        breakdowns.add(one, standing_of(one, results))

    ((first, second),) = (breakdown.shares for breakdown in breakdowns)

    # The error is 0.1 / sqrt(3); Student's 97.5 % point at 2 degrees is 4.3027.
    assert first.ci95 == pytest.approx((0.6 - 0.24841, 0.6 + 0.24841), abs=1e-4)
    assert second.ci95 is None


def test_documents_that_depend_on_each_other_count_as_clusters(
    results: ResultsDict,
) -> None:
    breakdowns = Breakdowns()
    for n, value in enumerate([1.0, 1.0, 0.0, 0.0]):
        # Two films, in each of which all questions have one answer.
        one = sample(
            doc_id=n,
            exact_match=value,
            categories={"kind": "a"},
            cluster=f"film{n // 2}",
        )
        breakdowns.add(one, standing_of(one, results))
    other = sample(exact_match=1.0, categories={"kind": "b"})
    breakdowns.add(other, standing_of(other, results))

    ((clustered, _),) = (breakdown.shares for breakdown in breakdowns)

    # Means of 1 and 0: a deviation of 0.7071 over the root of 2.
    assert clustered.stderr == pytest.approx(0.5)


def test_a_column_that_names_every_document_is_no_breakdown(
    results: ResultsDict,
) -> None:
    breakdowns = Breakdowns()
    for n in range(5):
        one = sample(categories={"id": str(n), "split": "all"})
        breakdowns.add(one, standing_of(one, results))

    assert list(breakdowns) == []


def test_where_a_task_names_no_columns_the_metric_may_tell() -> None:
    value = {"question_id": "q1", "category": "ocr", "score": 1.0}

    assert categories_of(sample(exact_match=value)) == {"category": "ocr"}
    assert categories_of(sample()) == {}
