from __future__ import annotations

from pathlib import Path

import pytest

from pytest_evalkit.reports import (
    budget_lines,
    cache_lines,
    gate_lines,
    path_lines,
    results_table,
)
from pytest_evalkit.reports.terminal import baseline_lines
from pytest_evalkit.results.schema import ResultsDict


def test_the_table_is_aligned_and_names_each_task_once(results: ResultsDict) -> None:
    assert results_table(results, 100).splitlines() == [
        "Task      Filter  n-shot  Metric         n      Value  ± Stderr  Coverage",
        "─" * 73,
        "sums      strict       5  exact_match ↑  4     0.7500  ± 0.2500       4/4",
        "          loose        5  exact_match ↑  4     0.5000  ± 0.2500",
        "pictures  none         0  total          4  1678.2300                 3/4",
        "          none         0  distance ↓     2      error",
        "pictures: distance,none has no value: KeyError: 'q'",
    ]


def test_without_filters_and_examples_there_are_no_columns_for_them(
    results: ResultsDict,
) -> None:
    del results["aggregates"]["sums"]

    heading = results_table(results, 100).splitlines()[0]

    assert heading.split() == ["Task", "Metric", "n", "Value", "Coverage"]


def test_how_many_answers_were_found_is_shown_where_some_were_not(
    results: ResultsDict,
) -> None:
    strict, loose = results["aggregates"]["sums"]
    strict["parse_rate"], loose["parse_rate"] = 1.0, 1.0

    assert "Found" not in results_table(results, 100)

    loose["parse_rate"] = 0.99999
    heading, _, first, second, *_ = results_table(results, 100).splitlines()
    assert heading.endswith(" ± Stderr   Found  Coverage")
    assert first.endswith(" 1.0000       4/4")
    assert second.endswith(" 0.9999")


def test_rows_of_one_filter_tell_it_once(results: ResultsDict) -> None:
    for row in results["aggregates"]["pictures"]:
        row["parse_rate"] = 0.125

    table = results_table(results, 100)

    assert table.count("0.1250 ") == 1


@pytest.mark.parametrize("width", [60, 65, 70])
def test_a_narrow_terminal_cuts_names_and_never_numbers(
    results: ResultsDict, width: int
) -> None:
    lines = results_table(results, width).splitlines()

    assert all(len(line) <= width for line in lines[:6])
    assert "0.7500  ± 0.2500       4/4" in lines[2]
    assert "1678.2300" in lines[4]


def test_a_cut_name_keeps_both_ends(results: ResultsDict) -> None:
    line = results_table(results, 60).splitlines()[2]

    assert "exact" not in line
    assert "exa…ch ↑" in line or "exac…h ↑" in line


def test_a_terminal_that_knows_only_ascii_gets_ascii(results: ResultsDict) -> None:
    results["results"]["sums"]["alias"] = "Süms"

    table = results_table(results, 60, ascii_only=True)

    assert table.isascii()
    assert "+- 0.2500" in table
    assert "S\\xfcms" in table


def test_colour_marks_what_is_not_whole(results: ResultsDict) -> None:
    lines = results_table(results, 100, color=True).splitlines()

    assert not lines[2].startswith("\x1b")
    assert lines[4].startswith("\x1b[31mpictures")
    assert lines[5].endswith("\x1b[0m")


def test_without_colour_there_are_no_escapes(results: ResultsDict) -> None:
    text = results_table(results, 100) + "".join(gate_lines(results))

    assert "\x1b" not in text


def test_a_run_without_metrics_says_so(results: ResultsDict) -> None:
    results["aggregates"] = {}

    assert results_table(results, 100) == "no task has a metric"


def test_each_gate_says_its_verdict_and_why(results: ResultsDict) -> None:
    passed, failed = gate_lines(results)

    assert passed == (
        "gate pass     sums: exact_match >= 0.7 (exact_match,strict is 0.75, "
        "95 % from 0.2600 to 1.2400 (n=4); the gate is >= 0.7; the interval has the "
        "bound in it: some 785 documents would decide it; of several filters the "
        "first, 'strict', is judged)"
    )
    assert failed.startswith("gate fail     pictures: total >= 1000 (only 3 of 4 ")


def test_gates_keep_to_ascii_when_asked(results: ResultsDict) -> None:
    assert all(line.isascii() for line in gate_lines(results, ascii_only=True))


def test_paths_are_aligned() -> None:
    lines = path_lines({"results": Path("r.json"), "page": Path("p.html")})

    assert lines == ["results  r.json", "page     p.html"]


def test_without_a_budget_nothing_is_said_of_it(results: ResultsDict) -> None:
    assert budget_lines(results) == []


@pytest.mark.parametrize(
    ("budget", "line"),
    [
        (
            {"max_total_tokens": 90_000, "total_tokens": 1_200},
            "budget  1,200 tokens of 90,000",
        ),
        (
            {"total_tokens": 1_200, "cost_usd": 0.25},
            "budget  1,200 tokens, 0.2500 USD",
        ),
        (
            {"total_tokens": 9, "spent": "9 tokens"},
            "budget  9 tokens; it is spent, 3 documents were skipped",
        ),
        (
            {"total_tokens": 9, "cost_usd": 2.0, "max_cost_usd": 1.0},
            "budget  9 tokens, 2.0000 of 1.0000 USD",
        ),
        ({"max_total_tokens": 5}, "budget  no tokens told of 5"),
    ],
)
def test_a_budget_is_told_in_one_line(
    results: ResultsDict, budget: dict[str, object], line: str
) -> None:
    keys = ("max_total_tokens", "max_cost_usd", "total_tokens", "cost_usd", "spent")
    results["usage"]["budget"] = {**dict.fromkeys(keys), **budget}
    results["coverage"]["sums"]["skipped"] = 3

    assert budget_lines(results) == [line]


def test_what_others_wrote_gives_the_terminal_no_orders(results: ResultsDict) -> None:
    evil = "a\x1b[2J\u202eb\r\nc"
    results["results"]["sums"]["alias"] = evil
    results["aggregates"]["pictures"][1]["error"] = evil
    results["gates"][0]["message"] = evil

    shown = "\n".join([results_table(results, 200), *gate_lines(results)])

    assert shown.count("a\\x1b[2J\\u202eb") == 3
    assert not set("\x1b\u202e\r") & set(shown)


def test_a_cache_is_told_in_one_line(results: ResultsDict) -> None:
    quiet = cache_lines(results)
    results["cache"] = {"hits": 9998, "misses": 2, "stores": 2, "sampled": 0}
    (line,) = cache_lines(results)
    results["cache"] = {"hits": 0, "misses": 0, "stores": 0, "sampled": 12}
    (sampled,) = cache_lines(results)

    assert quiet == []
    assert line == "cache   9,998 hits, 2 misses, 2 stores"
    assert sampled.endswith(
        "12 requests whose answers are sampled were asked, since only --cache-sampled "
        "keeps those"
    )


@pytest.mark.parametrize(
    ("given", "condition", "is_told"),
    [
        (None, "acc >= 1", False),
        ("old", "acc >= 1", True),
        ("old", "drop(acc) <= 0.1", False),
    ],
)
def test_a_baseline_that_no_gate_looks_at_is_told(
    results: ResultsDict, given: str | None, condition: str, is_told: bool
) -> None:
    results["config"]["resolved_cli_args"] = {"baseline": given}
    for gate in results["gates"]:
        gate["condition"] = condition

    lines = baseline_lines(results)

    assert bool(lines) is is_told
    assert all("baseline old was not looked at" in line for line in lines)
