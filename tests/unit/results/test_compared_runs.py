from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.results.comparison import compare_runs
from pytest_evalkit.results.comparison_dict import comparison_dict
from pytest_evalkit.results.recorded import RecordedRun, open_run
from pytest_evalkit.scoring import MetricSpec
from pytest_evalkit.scoring.aggregations import AGGREGATIONS
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


def test_two_runs_differ_by_the_documents_that_changed(
    first: Path, tmp_path: Path
) -> None:
    second = write_recorded(tmp_path / "b", samples_of(SECOND))

    (found,) = compare(first, second)

    (change,) = found.changes
    # Of 30: multiples of 3 but not of 4 are gained, of 4 but not of 3 lost.
    assert (change.n, change.unmatched) == (30, 0)
    assert (change.gained, change.lost) == (7, 5)
    assert change.values == pytest.approx((20 / 30, 22 / 30))
    assert change.paired.difference.value == pytest.approx(2 / 30)
    assert change.paired.method == "mcnemar mid-p"
    assert [flip.name for flip in change.flips[:3]] == ["q3", "q4", "q6"]
    assert change.flips[0].answers == ("wrong", "right")
    assert change.flips[0].is_gain
    assert list(found.divergences) == []


def test_a_run_does_not_differ_from_itself_in_whatever_order(
    first: Path, tmp_path: Path
) -> None:
    lines = samples_of(FIRST)
    random.Random(1).shuffle(lines)
    shuffled = write_recorded(tmp_path / "shuffled", lines)

    for other in (first, shuffled):
        (found,) = compare(first, other)

        (change,) = found.changes
        assert change.paired.difference.value == 0.0
        assert change.paired.difference.p_value == 1.0
        assert change.adjusted_p == 1.0
        assert list(change.flips) == []
        assert list(found.divergences) == []


def test_documents_in_other_places_are_matched_by_what_they_are(
    first: Path, tmp_path: Path
) -> None:
    moved = [
        line | {"doc_id": 29 - line["doc_id"]} for line in reversed(samples_of(FIRST))
    ]
    second = write_recorded(tmp_path / "b", moved)

    (found,) = compare(first, second)

    assert found.changes[0].paired.difference.value == 0.0
    assert list(found.divergences) == []


def test_equal_documents_are_matched_one_to_one(tmp_path: Path) -> None:
    hashes = ["x", "x", "y"]
    runs = [
        write_recorded(
            tmp_path / name,
            [
                sample(i, v, doc_hash=h)
                for i, (v, h) in enumerate(zip(values, hashes, strict=True))
            ],
        )
        for name, values in (("a", [1.0, 0.0, 1.0]), ("b", [1.0, 1.0, 1.0]))
    ]

    (found,) = compare(*runs)

    assert (found.changes[0].n, found.changes[0].gained) == (3, 1)


def test_documents_in_error_are_in_no_difference(first: Path, tmp_path: Path) -> None:
    lines = samples_of(SECOND)
    lines[3] |= {"status": "error", "metrics": [], "error": "no answer: HTTP 500"}
    del lines[3]["acc"]
    second = write_recorded(tmp_path / "b", lines)

    (found,) = compare(first, second)

    assert (found.changes[0].n, found.changes[0].unmatched) == (29, 1)


def test_where_lower_is_better_a_lower_score_is_a_gain(tmp_path: Path) -> None:
    runs = [
        write_recorded(
            tmp_path / name,
            samples_of(values),
            conclusion(sum(values) / 30, higher_is_better=False),
        )
        for name, values in (("a", FIRST), ("b", SECOND))
    ]

    (found,) = compare(*runs)

    assert (found.changes[0].gained, found.changes[0].lost) == (5, 7)


def test_changes_are_counted_by_category(first: Path, tmp_path: Path) -> None:
    for folder, values in ((first, FIRST), (tmp_path / "b", SECOND)):
        lines = [
            sample(i, value, categories={"parity": "odd" if i % 2 else "even"})
            for i, value in enumerate(values)
        ]
        write_recorded(folder, lines)

    (found,) = compare(first, tmp_path / "b")

    # Gained 3, 6, 9, 15, 18, 21, 27; lost 4, 8, 16, 20, 28.
    assert found.changes[0].by_category() == {"parity": {"even": (2, 5), "odd": (5, 0)}}


def test_categories_are_read_in_values_too(tmp_path: Path) -> None:
    def valued(values: Sequence[float]) -> list[dict[str, Any]]:
        return samples_of([{"score": v, "category": "c"} for v in values])

    runs = [
        write_recorded(tmp_path / name, valued(values))
        for name, values in (("a", FIRST), ("b", SECOND))
    ]

    def share(values: Sequence[Mapping[str, Any]]) -> float:
        return float(sum(value["score"] for value in values)) / len(values)

    def find(_run: RecordedRun, _task: str, metric: str) -> MetricSpec:
        return MetricSpec(
            name=metric,
            function=None,
            aggregation=share,
            aggregation_name="share",
            higher_is_better=True,
        )

    (found,) = compare_runs([open_run(run) for run in runs], find)

    assert found.changes[0].paired.method == "paired bootstrap"
    assert found.changes[0].by_category() == {"category": {"c": (7, 5)}}


def test_a_mean_is_known_by_its_figure_and_others_are_asked_for(tmp_path: Path) -> None:
    asked: list[str] = []

    def find(_run: RecordedRun, _task: str, metric: str) -> MetricSpec:
        asked.append(metric)
        return MetricSpec(
            name=metric,
            function=None,
            aggregation=AGGREGATIONS["median"],
            aggregation_name="median",
            higher_is_better=True,
        )

    for value, expected in ((sum(FIRST) / 30, "mcnemar mid-p"), (1.0, "none: ")):
        runs = [
            write_recorded(tmp_path / name, samples_of(values), conclusion(value))
            for name, values in (("a", FIRST), ("b", FIRST))
        ]

        (found,) = compare_runs([open_run(run) for run in runs], find)

        assert found.changes[0].paired.method.startswith(expected)
    assert asked == ["acc"]


def test_a_metric_that_cannot_be_aggregated_is_named(
    first: Path, tmp_path: Path
) -> None:
    second = write_recorded(tmp_path / "b", samples_of(SECOND))
    for folder, values in ((first, FIRST), (second, SECOND)):
        both = [
            line | {"metrics": ["acc", "own"], "own": [i]}
            for i, line in enumerate(samples_of(values))
        ]
        write_recorded(folder, both)

    (found,) = compare(first, second)

    assert [change.metric for change in found.changes] == ["acc"]
    assert found.missing == ["sums: own is not compared: nobody knows"]


def test_p_values_are_adjusted_over_all_runs(first: Path, tmp_path: Path) -> None:
    worse = [0.0 if i % 2 else value for i, value in enumerate(FIRST)]
    others = [
        write_recorded(tmp_path / name, samples_of(values))
        for name, values in (("b", worse), ("c", SECOND))
    ]

    found = compare(first, *others)

    raw = [each.changes[0].paired.difference.p_value or 0 for each in found]
    adjusted = [each.changes[0].adjusted_p for each in found]
    assert raw[0] < raw[1]
    assert adjusted == pytest.approx([2 * raw[0], max(2 * raw[0], raw[1])])


def test_the_wire_form_has_every_change(first: Path, tmp_path: Path) -> None:
    second = write_recorded(tmp_path / "b", samples_of(SECOND))

    written = comparison_dict(compare(first, second))

    assert written["schema_version"] == 1
    (compared,) = written["comparisons"]
    assert compared["first"]["path"] == str(first)
    (change,) = compared["changes"]
    assert change["difference"] == pytest.approx(2 / 30)
    assert (change["gained"], change["lost"], len(change["flips"])) == (7, 5, 12)
    assert change["flips"][0] == {
        "document": "q3",
        "categories": {},
        "target": "4",
        "answers": ("wrong", "right"),
        "scores": (0.0, 1.0),
        "change": "gained",
    }
