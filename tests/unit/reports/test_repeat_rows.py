from __future__ import annotations

from typing import Any, cast

from pytest_evalkit.reports import results_table
from pytest_evalkit.reports.markdown import markdown_table
from pytest_evalkit.reports.rows import rows_of
from pytest_evalkit.results.schema import RepeatFigureDict, ResultsDict


def figure(name: str, value: float, **changes: Any) -> RepeatFigureDict:
    told = {"figure": name, "value": value, "stderr": 0.125, "ci95": (0.1, 0.9), "n": 3}
    return cast("RepeatFigureDict", {**told, "method": "t", **changes})


def with_repeats(results: ResultsDict) -> ResultsDict:
    results["aggregates"]["sums"][0]["repeats"] = [
        figure("mean@4", 0.625),
        figure("pass@1", 0.625),
        figure("pass@4", 1.0, stderr=0.0, ci95=None),
        figure("majority@4", 0.5),
        figure("within_variance", 0.25),
        figure("consistency", 0.75),
    ]
    return results


def test_three_figures_of_repeats_stand_below_their_metric(
    results: ResultsDict,
) -> None:
    rows = list(rows_of(with_repeats(results)))

    told = [(row.metric, row.value, row.stderr, row.ci95, row.n) for row in rows[1:4]]
    assert told == [
        ("exact_match mean@4", 0.625, 0.125, (0.1, 0.9), 3),
        ("exact_match pass@4", 1.0, 0.0, None, 3),
        ("exact_match majority@4", 0.5, 0.125, (0.1, 0.9), 3),
    ]
    assert rows[0].metric == "exact_match"
    assert rows[4].metric == "exact_match"


def test_tables_show_them(results: ResultsDict) -> None:
    table = results_table(with_repeats(results), 120)

    assert "exact_match mean@4" in table
    assert "exact\\_match pass@4" in markdown_table(results)
    assert "consistency" not in table


def test_the_error_of_clusters_is_shown_where_there_are_some(
    results: ResultsDict,
) -> None:
    results["aggregates"]["sums"][0]["stderr_clustered"] = 0.375

    first, second = list(rows_of(results))[:2]

    assert (first.stderr, second.stderr) == (0.375, 0.25)
