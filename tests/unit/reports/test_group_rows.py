from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.reports import (
    PageRun,
    markdown_table,
    render_html,
    results_table,
)
from pytest_evalkit.results.document import (
    GroupConclusion,
    RunFacts,
    TaskConclusion,
    build_results,
)
from pytest_evalkit.results.schema import AggregateDict, CoverageDict, ResultsDict

_RUN = RunFacts(
    model_name="m",
    model_description={},
    options={},
    git_hash=None,
    started_at=0.0,
    elapsed_s=1.0,
    complete=True,
    environment={},
)


def figure(value: float | None, n: int, **more: Any) -> AggregateDict:
    row: AggregateDict = {
        "metric": "acc",
        "filter": "none",
        "value": value,
        "stderr": None if value is None else 0.125,
        "ci95": None,
        "n": n,
        "higher_is_better": True,
    }
    row.update(more)  # type: ignore[typeddict-item]  # keys as each test needs them
    return row


def counted(n: int) -> CoverageDict:
    return {"original": n, "selected": n, "scored": n, "errors": 0, "skipped": 0}


def task(name: str) -> TaskConclusion:
    return TaskConclusion(
        name=name,
        alias=name,
        config={},
        version=1,
        num_fewshot=5,
        directions={},
        aggregates=[figure(0.5, 4)],
        coverage=counted(4),
        task_hash="",
        fingerprint="",
    )


def group(name: str, *members: str, n: int = 8, **more: Any) -> GroupConclusion:
    facts: dict[str, Any] = {
        "name": name,
        "alias": name.title(),
        "version": 1,
        "members": members,
        "num_fewshot": 5,
        "directions": {},
        "aggregates": [figure(0.5, n)],
        "coverage": counted(n),
        "partial": None,
    }
    return GroupConclusion(**{**facts, **more})


def results_of(*groups: GroupConclusion, tasks: str = "abc") -> ResultsDict:
    return build_results([task(name) for name in tasks], _RUN, (), groups)


def names(results: ResultsDict) -> list[str]:
    """The names in the table with their indents."""
    lines = results_table(results, 100).splitlines()[2:]
    return [line[:10].rstrip() for line in lines]


def test_tasks_stand_below_their_group_and_the_others_after_it() -> None:
    results = results_of(group("two", "c", "a"))

    assert results_table(results, 100).splitlines() == [
        "Task  n-shot  Metric  n   Value  ± Stderr  Coverage",
        "─" * 51,
        "Two        5  acc ↑   8  0.5000  ± 0.1250       8/8",
        "  c        5  acc ↑   4  0.5000  ± 0.1250       4/4",
        "  a        5  acc ↑   4  0.5000  ± 0.1250       4/4",
        "b          5  acc ↑   4  0.5000  ± 0.1250       4/4",
    ]


def test_groups_within_a_group_come_first_and_head_their_tasks_again() -> None:
    results = results_of(
        group("all", "first", "second", n=12),
        group("first", "a"),
        group("second", "b", "c"),
    )

    assert names(results) == [
        "All", "  First", "  Second", "  First", "    a", "  Second", "    b", "    c"
    ]  # fmt: skip


def test_a_name_alone_has_no_figures() -> None:
    lines = results_table(results_of(group("all", "x"), group("x", "a")), 100)

    assert "  X\n" in lines
    assert lines.count("  X ") == 1


def test_a_group_that_only_gathers_is_a_name_above_its_tasks() -> None:
    results = results_of(
        group("all", "x", aggregates=[]), group("x", "a", aggregates=[])
    )

    assert names(results) == [
        "All", "  X", "    a", "b", "c"
    ]  # fmt: skip


def test_a_task_in_two_groups_is_listed_once() -> None:
    assert names(results_of(group("x", "a", "b"), group("y", "b", "c"))) == [
        "X", "  a", "  b", "Y", "  c"
    ]  # fmt: skip


def test_a_task_that_was_not_run_is_not_listed() -> None:
    assert names(results_of(group("x", "a", "gone"), tasks="a")) == ["X", "  a"]


def test_why_a_group_has_no_figure_stands_below_the_table() -> None:
    missing = figure(None, 4, missing="1 of its 2 tasks were not run: b")
    results = results_of(group("x", "a", "b", aggregates=[missing]), tasks="a")

    lines = results_table(results, 100, color=True).splitlines()

    assert lines[2].startswith("\x1b[33mX ")
    assert "n/a" in lines[2]
    assert lines[-1] == "X: acc,none has no value: 1 of its 2 tasks were not run: b"


def test_groups_are_bold_where_there_are_colours() -> None:
    lines = results_table(results_of(group("x", "a")), 100, color=True).splitlines()

    assert lines[2].startswith("\x1b[1mX ")
    assert lines[3].startswith("  a ")


@pytest.mark.parametrize("width", [47, 55])
def test_a_narrow_terminal_keeps_the_indents(width: int) -> None:
    results = results_of(group("a_group_of_a_long_name", "a"))

    lines = results_table(results, width).splitlines()

    assert all(len(line) <= width for line in lines)
    assert lines[3].startswith("  a ")


def test_fewshot_numbers_that_differ_are_left_out() -> None:
    line = markdown_table(results_of(group("x", "a", num_fewshot=None))).splitlines()[2]

    assert line == "| **X** | none |  | acc | ↑ | 8 | 0.5000 | ± | 0.1250 | 8/8 |"


def test_markdown_indents_with_spaces_that_stay() -> None:
    lines = markdown_table(results_of(group("x", "y"), group("y", "a"))).splitlines()

    assert lines[2].startswith("| **X** | none |")
    assert lines[4] == "| &nbsp;&nbsp;**Y** |  |  |  |  |  |  |  |  |  |"
    assert lines[5].startswith("| &nbsp;&nbsp;&nbsp;&nbsp;a | none |")
    assert {line.count("|") for line in lines} == {11}


def test_the_page_counts_each_document_once() -> None:
    run = PageRun(results=results_of(group("x", "a", "b")), samples=[])

    page = b"".join(render_html(run)).decode()

    assert "12 of 12" in page
    assert 'class="depth-1">a<' in page
    assert 'class="first group"' in page
