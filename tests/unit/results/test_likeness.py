from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.recorded import open_run
from tests.unit.results.recorded_runs import (
    FIRST,
    SECOND,
    compare,
    conclusion,
    sample,
    samples_of,
    write_recorded,
)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return write_recorded(tmp_path / "a", samples_of(FIRST))


def test_a_changed_prompt_is_warned_of(first: Path, tmp_path: Path) -> None:
    lines = samples_of(FIRST)
    lines[4]["input"] = [{"role": "user", "content": "4 and 1?"}]
    second = write_recorded(tmp_path / "b", lines)

    (found,) = compare(first, second)

    (warning,) = found.divergences
    assert warning.message == "1 of 30 documents were asked otherwise"
    assert not warning.is_grave


def test_another_document_in_the_same_place_is_refused(
    first: Path, tmp_path: Path
) -> None:
    lines = samples_of(SECOND)
    lines[7]["doc_hash"] = "another"
    second = write_recorded(tmp_path / "b", lines)

    with pytest.raises(ResultsError, match=r"1 of 30 documents are others.*--anyway"):
        compare(first, second)

    (found,) = compare(first, second, is_forced=True)
    assert found.changes[0].n == 29


def test_another_version_of_the_task_is_refused(tmp_path: Path) -> None:
    runs = [
        write_recorded(
            tmp_path / name,
            samples_of(FIRST),
            conclusion(20 / 30, version=version),
        )
        for name, version in (("a", 1.0), ("b", 2.0))
    ]

    with pytest.raises(ResultsError, match=r"version of the task is 1\.0 and 2\.0"):
        compare(*runs)

    assert compare(*runs, is_forced=True)[0].divergences[0].is_grave


def test_a_part_of_the_documents_is_compared_with_a_warning(
    first: Path, tmp_path: Path
) -> None:
    second = write_recorded(tmp_path / "b", samples_of(SECOND)[:12])

    (found,) = compare(first, second)

    assert (found.changes[0].n, found.changes[0].unmatched) == (12, 18)
    assert "18 documents are in the first run only" in found.divergences[0].message


@pytest.mark.parametrize(
    ("key", "values", "message"),
    [
        (
            "filter_list",
            ([{"name": "a"}], [{"name": "b"}]),
            "the filters (filter_list)",
        ),
        ("generation_kwargs", ({"temperature": 0}, {"temperature": 1}), "generated"),
        ("num_fewshot", (0, 5), "worked examples"),
    ],
)
def test_other_settings_are_warned_of(
    tmp_path: Path, key: str, values: tuple[Any, Any], message: str
) -> None:
    runs = [
        write_recorded(
            tmp_path / name,
            samples_of(FIRST),
            conclusion(20 / 30, config={key: value}),
        )
        for name, value in zip("ab", values, strict=True)
    ]

    (found,) = compare(*runs)

    (warning,) = found.divergences
    assert message in warning.message
    assert not warning.is_grave


def test_filters_that_one_run_has_are_warned_of(first: Path, tmp_path: Path) -> None:
    strict = samples_of(SECOND, filter="strict")
    second = write_recorded(tmp_path / "b", [*samples_of(SECOND), *strict])

    (found,) = compare(first, second)

    assert [change.filter for change in found.changes] == ["none"]
    assert [d.message for d in found.divergences] == [
        "filter 'strict' is in the second run only"
    ]


def test_repeats_of_another_number_are_warned_of(first: Path, tmp_path: Path) -> None:
    second = write_recorded(tmp_path / "b", samples_of(SECOND, resps=["a", "b", "c"]))

    (found,) = compare(first, second)

    assert [d.message for d in found.divergences] == [
        "documents were asked 1 and 3 times"
    ]


def test_lines_that_are_no_samples_are_counted(first: Path, tmp_path: Path) -> None:
    second = write_recorded(tmp_path / "b", samples_of(SECOND))
    with (second / "samples_sums.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"doc_id": "three", "metrics": []}\n{"doc_id": 3')

    (found,) = compare(first, second)

    assert "2 lines of" in found.divergences[0].message


def test_runs_without_a_common_document_are_refused(
    first: Path, tmp_path: Path
) -> None:
    others = [sample(i + 100, 1.0) for i in range(5)]
    second = write_recorded(tmp_path / "b", others)

    with pytest.raises(ResultsError, match="no document in common"):
        compare(first, second)


def test_a_task_that_one_run_lacks_is_named(first: Path, tmp_path: Path) -> None:
    second = write_recorded(tmp_path / "b", samples_of(SECOND))
    other = (second / "samples_sums.jsonl").read_text(encoding="utf-8")
    more = other.replace('"task": "sums"', '"task": "more"')
    (second / "samples_more.jsonl").write_text(more, encoding="utf-8")

    (found,) = compare(first, second)

    assert found.missing == [f"{first} has no samples of more"]


def test_samples_of_lm_eval_are_matched_by_position(tmp_path: Path) -> None:
    # Keys as lm-evaluation-harness has them, and one hash for all, as lmms-eval.
    for name, values in (("a", FIRST), ("b", SECOND)):
        lines = [
            {"doc_id": i, "doc_hash": "null", "metrics": ["acc"], "acc": value}
            for i, value in enumerate(values)
        ]
        path = tmp_path / name / "samples_sums_2026-11-21T10-00-00.123456.jsonl"
        path.parent.mkdir()
        text = "".join(json.dumps(line) + "\n" for line in lines)
        path.write_text(text, encoding="utf-8")

    (found,) = compare(tmp_path / "a", tmp_path / "b")

    assert found.changes[0].task == "sums"
    assert (found.changes[0].gained, found.changes[0].lost) == (7, 5)
    assert [d.message for d in found.divergences] == [
        "documents have no hashes in common; they are matched by their positions"
    ]


@pytest.mark.parametrize("name", ["a", "a/results.json", "a/samples_sums.jsonl"])
def test_a_run_is_found_by_its_folder_or_its_files(tmp_path: Path, name: str) -> None:
    write_recorded(tmp_path / "a", samples_of(FIRST), conclusion(20 / 30))

    run = open_run(tmp_path / name)

    assert list(run.samples) == ["sums"]


@pytest.mark.parametrize("name", ["empty", "nowhere", "nowhere.jsonl", "nowhere.json"])
def test_where_there_is_no_run_it_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(ResultsError, match=r"holds no run|there is no"):
        open_run(tmp_path / name)


def test_a_run_that_was_stopped_early_is_warned_of(first: Path, tmp_path: Path) -> None:
    coverage = conclusion(0.7).coverage
    stopped = conclusion(0.7, coverage={**coverage, "selected": 90, "saved": 60})
    second = write_recorded(tmp_path / "b", samples_of(SECOND), stopped)

    (found,) = compare(first, second)

    (warning,) = found.divergences
    assert "was stopped early, after 30 of 90 documents" in warning.message
    assert not warning.is_grave
