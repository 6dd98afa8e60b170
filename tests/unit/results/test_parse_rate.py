from __future__ import annotations

from typing import Any, cast

import pytest

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.aggregate import aggregate_task
from pytest_evalkit.scoring import build_plan

PLAN = build_plan(None, [{"metric": "exact_match"}], None)


def sample(doc_id: int, parse_status: Any = None, **facts: Any) -> SampleDict:
    found = {} if parse_status is None else {"parse_status": parse_status}
    values = {
        "doc_id": doc_id,
        "doc_hash": "",
        "status": "scored",
        "filter": "none",
        "metrics": ["exact_match"],
        "exact_match": 0.0,
    }
    return cast("SampleDict", {**values, **found, **facts})


def test_the_share_of_answers_found_stands_beside_the_figure() -> None:
    statuses: list[Any] = ["found", "none", "ambiguous", ["found", "found", "none"]]
    samples = [sample(i, status) for i, status in enumerate(statuses)]

    (row,) = aggregate_task(PLAN, samples)
    (mended,) = aggregate_task(PLAN, [*samples, sample(1, "found")])

    assert row["parse_rate"] == pytest.approx((1 + 0 + 0 + 2 / 3) / 4)
    assert mended["parse_rate"] == pytest.approx((1 + 1 + 0 + 2 / 3) / 4)


def test_documents_in_error_have_no_part_in_the_answers_found() -> None:
    failed = sample(1, "none", status="error", error="no answer", metrics=[])

    (row,) = aggregate_task(PLAN, [sample(0, "found"), failed])

    assert row["parse_rate"] == 1.0


def test_a_figure_of_answers_as_they_are_has_no_such_share() -> None:
    (row,) = aggregate_task(PLAN, [sample(0)])

    assert "parse_rate" not in row
