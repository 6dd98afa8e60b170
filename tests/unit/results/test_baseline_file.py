from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from pytest_evalkit.codec import decode, encode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.baseline import Baseline, open_baseline
from pytest_evalkit.results.baseline_file import (
    BaselineDict,
    read_baseline_file,
    write_baseline_file,
)
from pytest_evalkit.results.baseline_update import updated
from pytest_evalkit.results.drops import Drop, Drops
from pytest_evalkit.results.gate_verdicts import judge_all
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.results.recorded import open_run, read_answers
from pytest_evalkit.results.schema import GateDict, ResultsDict
from tests.unit.results.recorded_runs import (
    FIRST,
    SECOND,
    conclusion,
    samples_of,
    write_recorded,
)

HASHES = [f"{i:016x}{'f' * 48}" for i in range(30)]


def run_of(folder: Path, values: list[Any], value: float, **changes: Any) -> Path:
    lines = [
        line | {"doc_hash": HASHES[i], **changes.pop("line", {})}
        for i, line in enumerate(samples_of(values))
    ]
    return write_recorded(folder, lines, conclusion(value, **changes))


def baseline_of(run: Path, known: BaselineDict | None = None) -> BaselineDict:
    return updated(known, open_run(run))


def judged(condition: str, run: Path, baseline: Baseline) -> GateDict:
    opened = open_run(run)
    results = cast("ResultsDict", opened.results)
    (gate,) = judge_all([parse_gate(condition)], results, {}, drops(run, baseline))
    return gate


def drops(run: Path, baseline: Baseline) -> Drops:
    opened = open_run(run)
    return Drops(
        baseline,
        opened,
        lambda task: read_answers(opened.samples[task]),
        lambda _run, _task, _metric: "nobody knows",
    )


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return run_of(tmp_path / "first", FIRST, 20 / 30)


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json"])
def test_a_baseline_survives_being_written(
    name: str, first: Path, tmp_path: Path
) -> None:
    file = tmp_path / name
    baseline = baseline_of(first)

    write_baseline_file(file, baseline)

    assert read_baseline_file(file) == baseline
    assert baseline["model"] == "first"


def test_each_document_is_a_line_of_its_hash_and_scores(
    first: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.yaml"

    write_baseline_file(file, baseline_of(first))

    lines = file.read_text("utf-8").splitlines()
    assert '          "0000000000000000": [0.0]' in lines
    assert '          "000000000000001d": [1.0]' in lines
    assert len(lines) < 30 + 25
    assert yaml.safe_load(file.read_text("utf-8"))["tasks"]["sums"]["version"] == 1.0


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
def test_a_file_tells_the_same_drop_as_the_run_itself(
    name: str, first: Path, tmp_path: Path
) -> None:
    file = tmp_path / name
    write_baseline_file(file, baseline_of(first))
    second = run_of(tmp_path / "second", SECOND, 22 / 30)

    found = [
        drops(second, open_baseline(path)).of("sums", "acc", "none")
        for path in (first, file)
    ]

    assert isinstance(found[1], Drop)
    assert (found[1].n, found[1].method) == (30, "mcnemar mid-p")
    assert found[1].value == pytest.approx(-2 / 30)
    assert isinstance(found[0], Drop)
    assert (found[0].p_value, found[0].interval) == (
        found[1].p_value,
        found[1].interval,
    )
    assert (list(found[0].notes), list(found[1].notes)) == ([], [])


def test_documents_of_equal_content_are_told_apart(tmp_path: Path) -> None:
    lines = [
        line | {"doc_hash": "a" * 64 if i < 3 else HASHES[i]}
        for i, line in enumerate(samples_of(FIRST))
    ]
    run = write_recorded(tmp_path / "run", lines, conclusion(20 / 30))
    file = tmp_path / "a.yaml"

    write_baseline_file(file, baseline_of(run))

    documents = read_baseline_file(file)["tasks"]["sums"]["scores"]["none"]["documents"]
    same = [key for key in documents if key.startswith("a")]
    assert same == ["a" * 16, "a" * 16 + "/1", "a" * 16 + "/2"]
    drop = drops(run, open_baseline(file)).of("sums", "acc", "none")
    assert isinstance(drop, Drop)
    assert (drop.value, drop.n) == (0.0, 30)


def test_other_prompts_are_noted(first: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    write_baseline_file(file, baseline_of(first))
    lines = [
        line | {"doc_hash": HASHES[i], "input": [{"role": "user", "content": "?"}]}
        for i, line in enumerate(samples_of(FIRST))
    ]
    other = write_recorded(tmp_path / "other", lines, conclusion(20 / 30))

    gate = judged("drop(acc)<=0.01", other, open_baseline(file))

    assert gate["verdict"] == "pass"
    assert gate["message"].endswith("; documents were asked otherwise")


def test_scores_that_are_no_numbers_are_kept_as_they_are(tmp_path: Path) -> None:
    pairs = [{"image": f"i{i // 2}", "score": value} for i, value in enumerate(FIRST)]
    run = run_of(tmp_path / "run", pairs, 0.5)
    file = tmp_path / "a.yaml"

    write_baseline_file(file, baseline_of(run))

    answers = open_baseline(file).answers("sums").by_filter["none"]
    assert [answer.values["acc"] for answer in answers.values()] == pairs


@pytest.mark.parametrize(
    ("changes", "floor"),
    [
        ({}, 20 / 30),
        ({"higher_is_better": False}, 20 / 30),
        ({"higher_is_better": None}, None),
    ],
)
def test_a_figure_without_an_interval_is_its_own_floor(
    changes: dict[str, Any], floor: float | None, tmp_path: Path
) -> None:
    run = run_of(tmp_path / "run", FIRST, 20 / 30, **changes)

    figure = baseline_of(run)["tasks"]["sums"]["metrics"]["acc,none"]

    assert figure["floor"] == floor


# From 2/3 to 0.48 and 0.81, the root of 2 as far: 0.6667 - 0.2640 and 0.6667 + 0.2027.
@pytest.mark.parametrize(("is_better", "floor"), [(True, 0.4027), (False, 0.8694)])
def test_the_first_floor_is_what_a_second_run_hardly_reaches(
    is_better: bool, floor: float, tmp_path: Path
) -> None:
    run = run_of(tmp_path / "run", FIRST, 20 / 30, higher_is_better=is_better)
    file = run / "results.json"
    written = file.read_text("utf-8").replace('"ci95":null', '"ci95":[0.48,0.81]')
    file.write_text(written, "utf-8")

    figure = baseline_of(run)["tasks"]["sums"]["metrics"]["acc,none"]

    assert (figure["floor"], figure["ci95"]) == (floor, (0.48, 0.81))


def floored(first: Path, floor: float) -> BaselineDict:
    baseline = baseline_of(first)
    baseline["tasks"]["sums"]["metrics"]["acc,none"]["floor"] = floor
    return baseline


def test_an_update_keeps_floors_so_that_they_cannot_sink(
    first: Path, tmp_path: Path
) -> None:
    known = floored(first, 0.6)
    lower = run_of(tmp_path / "lower", FIRST, 0.62)
    much_lower = run_of(tmp_path / "much_lower", FIRST, 0.59)

    again = baseline_of(lower, known)

    figure = again["tasks"]["sums"]["metrics"]["acc,none"]
    assert (figure["value"], figure["floor"]) == (0.62, 0.6)
    with pytest.raises(ResultsError, match=r"acc,none is 0\.59, below its floor 0\.6"):
        baseline_of(much_lower, again)


def test_of_an_error_rate_the_floor_is_above(tmp_path: Path) -> None:
    worse = {"higher_is_better": False}
    known = floored(run_of(tmp_path / "a", FIRST, 0.3, **worse), 0.35)

    with pytest.raises(ResultsError, match=r"above its floor 0\.35"):
        baseline_of(run_of(tmp_path / "b", FIRST, 0.36, **worse), known)


def test_a_value_beyond_the_floor_fails_whatever_the_drop(
    first: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.yaml"
    write_baseline_file(file, floored(first, 0.7))

    gate = judged("drop(acc)<=0.5", first, open_baseline(file))

    assert (gate["verdict"], gate["value"]) == ("fail", 0.0)
    assert "beyond the floor of the baseline, 0.7" in gate["message"]


def test_tasks_that_a_run_does_not_have_stay(first: Path, tmp_path: Path) -> None:
    known = baseline_of(first)
    known["tasks"]["other"] = known["tasks"].pop("sums")

    again = baseline_of(first, known)

    assert list(again["tasks"]) == ["other", "sums"]


def test_a_task_that_is_not_there_cannot_be_taken(first: Path) -> None:
    with pytest.raises(ResultsError, match="no task 'sum'; did you mean 'sums'"):
        updated(None, open_run(first), ["sum"])


COUNTS = {"original": 30, "selected": 30, "scored": 30, "errors": 0, "skipped": 0}


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"original": 40}, "30 of 40 documents were selected"),
        ({"scored": 29, "errors": 1}, "only 29 of 30 documents have a score"),
    ],
)
def test_a_narrowed_run_or_one_with_errors_is_refused(
    counts: dict[str, int], message: str, tmp_path: Path
) -> None:
    run = run_of(tmp_path / "run", FIRST, 0.5, coverage={**COUNTS, **counts})

    with pytest.raises(ResultsError, match=message):
        baseline_of(run)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"complete": False}, "is not complete"),
        ({"predict_only": True}, "was not scored"),
        ({"config": {"resolved_cli_args": {"sample": True}}}, r"--sample"),
    ],
)
def test_a_run_that_tells_too_little_is_refused(
    changes: dict[str, Any], message: str, first: Path
) -> None:
    file = first / "results.json"
    file.write_bytes(encode({**decode(file.read_bytes()), **changes}))

    with pytest.raises(ResultsError, match=message):
        baseline_of(first)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "tasks: {}", "is no baseline: it has no 'evalkit_baseline'"),
        ("a.yaml", "- 1", "it holds no mapping"),
        ("a.yaml", "a: [", "expected"),
        ("a.yaml", "a: 2026-99-99", "month must be in"),
        ("a.yaml", "evalkit_baseline: 2\ntasks: {}", "newer than 1"),
        ("a.yaml", "evalkit_baseline: 1", "damaged"),
        ("a.yaml", "evalkit_baseline: 1\ntasks: {a: {version: 1}}", "damaged"),
        ("a.json", '{"evalkit_baseline": 1, "tasks": []}', "damaged"),
        ("missing.yaml", None, "No such file"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused(
    name: str, text: str | None, message: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text, "utf-8")

    with pytest.raises(ResultsError, match=message):
        open_baseline(file)


def test_a_document_with_too_few_scores_is_refused(first: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    write_baseline_file(file, baseline_of(first))
    text = file.read_text("utf-8").replace('"0000000000000003": [0.0]', '"3": []')
    file.write_text(text, "utf-8")

    with pytest.raises(ResultsError, match="document '3' of 'sums'"):
        open_baseline(file)


def test_a_run_that_was_stopped_early_is_refused(tmp_path: Path) -> None:
    coverage = conclusion(0.7).coverage
    run = run_of(
        tmp_path / "early",
        FIRST,
        0.7,
        coverage={**coverage, "selected": 90, "original": 90, "saved": 60},
    )

    with pytest.raises(ResultsError, match=r"stopped early, after 30 of 90 documents"):
        baseline_of(run)
