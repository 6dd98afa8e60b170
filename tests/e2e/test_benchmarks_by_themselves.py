"""The benchmarks that come with the package, tested without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_every_benchmark_passes_its_self_tests(arith_suite: ArithSuite) -> None:
    result = arith_suite.run_apart(
        *("--selftest", str(_BENCHMARKS), "-v", "--allow-code-execution"),
        *("-c", str(arith_suite.root / "pytest.ini")),
    )

    outcomes = result.parseoutcomes()
    assert result.ret == 0
    assert set(outcomes) <= {"passed", "skipped"}
    # Whatever else a benchmark lacks, its prompts are stored beside its sample.
    result.stdout.no_fnmatch_line("*selftest-prompts? SKIPPED*")
    # What a judge scores has no best answer without one.
    untold = [line for line in result.outlines if "[selftest-oracle] SKIPPED" in line]
    assert [line for line in untold if "/toxicity/" not in line] == []


@pytest.mark.parametrize("limit", ["1", "3", "7", "0.3"])
def test_odd_limits_leave_every_pair_of_mme_whole(
    arith_suite: ArithSuite, limit: str
) -> None:
    result = arith_suite.run_apart(
        *(str(_BENCHMARKS / "mme"), "--sample", "--model", "oracle"),
        *("--limit", limit, "-c", str(arith_suite.root / "pytest.ini")),
    )

    assert result.ret == 0
    row = arith_suite.results()["results"]["mme"]
    pairs = len(arith_suite.samples("mme")) / 2
    assert pairs == int(pairs)
    # A category of the sample is one pair, and a pair that is right is worth 200.
    total = row["mme_perception_score,none"] + (row["mme_cognition_score,none"] or 0)
    assert total == 200 * pairs
