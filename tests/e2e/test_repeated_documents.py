"""Documents that are asked several times, and what their answers tell together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_repeats_have_figures_of_their_own(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    # Of three answers to each sum, the last two are right.
    arith_suite.model(
        "def answer(request):\n"
        "    return target_of(request) if request.origin.repeat else 'none'\n"
    )

    result = arith_suite.run("--repeats", "3", *workers)

    (row,) = arith_suite.results()["aggregates"]["arith"]
    assert row["value"] == 0.0
    assert {each["figure"]: each["value"] for each in row["repeats"]} == {
        "mean@3": pytest.approx(2 / 3),
        "pass@1": pytest.approx(2 / 3),
        "pass@2": 1.0,
        "pass@3": 1.0,
        "majority@3": 1.0,
        "within_variance": pytest.approx(1 / 3),
        "consistency": pytest.approx(1 / 3),
    }
    assert arith_suite.samples()[0]["repeat_scores"] == {"exact_match": [0.0, 1.0, 1.0]}
    result.stdout.fnmatch_lines(["*exact_match pass@3 ↑ *6  1.0000 *"])
