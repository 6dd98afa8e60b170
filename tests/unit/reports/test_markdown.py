from __future__ import annotations

import pytest

from pytest_evalkit.reports import (
    markdown_gates,
    markdown_summary,
    markdown_table,
    markdown_text,
)
from pytest_evalkit.results.schema import ResultsDict


def test_every_row_has_as_many_cells_as_the_heading(results: ResultsDict) -> None:
    lines = markdown_table(results).splitlines()

    assert len(lines) == 6
    assert {line.count("|") for line in lines} == {11}


def test_a_row_says_what_the_terminal_says(results: ResultsDict) -> None:
    lines = markdown_table(results).splitlines()

    assert lines[2] == (
        "| sums | strict | 5 | exact\\_match | ↑ | 4 | 0.7500 | ± | 0.2500 | 4/4 |"
    )
    assert lines[5] == "|  | none | 0 | distance | ↓ | 2 | error |  |  |  |"


def test_a_name_cannot_leave_its_cell(results: ResultsDict) -> None:
    results["results"]["sums"]["alias"] = "a|b\n<i>"

    line = markdown_table(results).splitlines()[2]

    assert line.startswith("| a\\|b \\<i\\> | strict |")


def test_budget_and_cache_are_told_where_there_are_any(results: ResultsDict) -> None:
    quiet = markdown_summary(results)
    keys = ("max_cost_usd", "total_tokens", "cost_usd", "spent")
    budget = {**dict.fromkeys(keys), "max_total_tokens": 90, "total_tokens": 12}
    results["usage"]["budget"] = budget
    results["cache"] = {"hits": 9998, "misses": 2, "stores": 2, "sampled": 0}

    told = markdown_summary(results).splitlines()

    assert "- budget: 12 tokens of 90" in told
    assert "- cache: 9,998 hits, 2 misses, 2 stores" in told
    assert "cache" not in quiet
    assert "budget" not in quiet


def test_gates_are_a_list(results: ResultsDict) -> None:
    passed, failed = markdown_gates(results).splitlines()

    assert passed.startswith("- ✅ sums: `exact_match >= 0.7`: ")
    assert failed.startswith("- ❌ pictures: `total >= 1000`: only 3 of 4 ")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<img src=x onerror=alert(1)>", "\\<img src=x onerror=alert(1)\\>"),
        ("[click](http://evil)", "\\[click\\](http\\://evil)"),
        ("![](http://evil/x.png)", "!\\[\\](http\\://evil/x.png)"),
        ("see https://evil or www.evil", "see https\\://evil or www\\.evil"),
        ("a|b\n| c |\n|---|\n# head", "a\\|b \\| c \\| \\|---\\| # head"),
        ("**bold** __too__ ~~gone~~", "\\*\\*bold\\*\\* \\_\\_too\\_\\_ \\~\\~gone\\~\\~"),
        ("`code` $x$ &lt;i&gt;", "\\`code\\` \\$x\\$ &amp;lt;i&amp;gt;"),
        ("thanks @everybody; pass@1", "thanks @<!-- -->everybody; pass@1"),
        ("\x1b[2J\u202egnp", "\\\\x1b\\[2J\\\\u202egnp"),
        ("\\", "\\\\"),
    ],
)  # fmt: skip
def test_a_text_of_a_stranger_is_shown_as_text(text: str, written: str) -> None:
    assert markdown_text(text) == written


def test_a_condition_cannot_end_its_code(results: ResultsDict) -> None:
    results["gates"][0]["condition"] = "a` <b> ``c"

    assert markdown_gates(results).startswith("- ✅ sums: ``` a` <b> ``c ```: ")
