"""Figures of repeats, worked by hand from three documents with four answers each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import pytest
from scipy.stats import t

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.aggregate import Tally, aggregate_task
from pytest_evalkit.results.schema import RepeatFigureDict
from tests.unit.results.scored_samples import plan_of, scored

# Scores, and for each answer which one says the same.
ANSWERS = (
    ([1.0, 1.0, 0.0, 1.0], [0, 0, 2, 0]),
    ([0.0, 0.0, 0.0, 1.0], [0, 0, 0, 3]),
    ([1.0, 1.0, 1.0, 1.0], [0, 0, 0, 0]),
)


def asked(
    doc_id: int, scores: Sequence[float], answers: Sequence[int | None], **more: Any
) -> SampleDict:
    line = {
        **scored(doc_id, acc=scores[0]),
        "repeat_scores": {"acc": list(scores)},
        "repeat_answers": list(answers),
        **more,
    }
    return cast("SampleDict", line)


def samples(**more: Any) -> list[SampleDict]:
    return [asked(place, *pair, **more) for place, pair in enumerate(ANSWERS)]


def figures_of(lines: Sequence[SampleDict]) -> dict[str, RepeatFigureDict]:
    (row,) = aggregate_task(plan_of("acc"), lines)
    return {figure["figure"]: figure for figure in row.get("repeats", [])}


def test_every_figure_of_repeats_is_what_is_worked_by_hand() -> None:
    figures = figures_of(samples())

    assert {name: figure["value"] for name, figure in figures.items()} == {
        "mean@4": pytest.approx((0.75 + 0.25 + 1) / 3),
        "pass@1": pytest.approx((0.75 + 0.25 + 1) / 3),
        # Of the second document, two of the three wrong ones are drawn half the time.
        "pass@2": pytest.approx((1 + 0.5 + 1) / 3),
        "pass@4": 1.0,
        "majority@4": pytest.approx(2 / 3),
        "within_variance": pytest.approx((0.25 + 0.25 + 0) / 3),
        "consistency": pytest.approx((0.5 + 0.5 + 1) / 3),
    }
    assert {figure["n"] for figure in figures.values()} == {3}


def test_the_interval_of_a_mean_is_that_of_the_documents() -> None:
    figure = figures_of(samples())["mean@4"]

    centre = 2 / 3
    squares = sum((value - centre) ** 2 for value in (0.75, 0.25, 1.0))
    stderr = math.sqrt(squares / 2 / 3)
    half = float(t.ppf(0.975, 2)) * stderr
    assert figure["stderr"] == pytest.approx(stderr)
    assert figure["ci95"] == pytest.approx((centre - half, centre + half))
    assert figure["method"] == "t"


def test_the_interval_of_votes_is_that_of_a_proportion() -> None:
    figure = figures_of(samples())["majority@4"]

    # Wilson's, of 2 of 3.
    assert figure["ci95"] == pytest.approx((0.2077, 0.9385), abs=1e-4)
    assert figure["method"] == "wilson"


def test_documents_that_depend_on_each_other_are_clusters() -> None:
    lines = samples()
    lines[0]["cluster"] = lines[1]["cluster"] = "film"

    assert figures_of(lines)["mean@4"]["method"] == "clustered t"


def test_scores_between_none_and_all_have_no_votes() -> None:
    figures = figures_of([asked(0, [0.5, 1.0], [0, 1]), asked(1, [0.0, 1.0], [0, 0])])

    assert {name: figure["value"] for name, figure in figures.items()} == {
        "mean@2": pytest.approx((0.75 + 0.5) / 2),
        "within_variance": pytest.approx((0.125 + 0.5) / 2),
        "consistency": 0.5,
    }


def test_answers_in_which_nothing_was_found_do_not_vote() -> None:
    figures = figures_of(
        [asked(0, [0.0, 0.0, 1.0], [None, None, 2]), asked(1, [0.0] * 3, [None] * 3)]
    )

    assert figures["majority@3"]["value"] == 0.5
    assert figures["consistency"]["value"] == pytest.approx((1 / 3 + 1) / 2)


def test_steps_of_pass_end_with_how_often_was_asked() -> None:
    figures = figures_of([asked(n, [0.0, 0.0, 1.0], [0, 0, 2]) for n in range(2)])

    passes = {name: f["value"] for name, f in figures.items() if "pass" in name}
    assert passes == {
        "pass@1": pytest.approx(1 / 3),
        "pass@2": pytest.approx(2 / 3),
        "pass@3": 1.0,
    }


def test_documents_in_error_and_without_scores_are_left_out() -> None:
    lines = samples()
    del lines[2]["repeat_scores"], lines[2]["repeat_answers"]
    lines[2]["repeat_problem"] = "ScoringError: there are 1"

    figures = figures_of([*lines, asked(0, *ANSWERS[0], status="error")])

    assert figures["mean@4"]["n"] == 1


def test_a_document_that_was_run_again_counts_as_it_was_last() -> None:
    again = asked(1, [1.0] * 4, [0] * 4)

    figures = figures_of([*samples(), again])

    assert figures["mean@4"]["value"] == pytest.approx((0.75 + 1 + 1) / 3)
    assert figures["mean@4"]["n"] == 3


def test_documents_that_were_asked_once_have_no_such_figures() -> None:
    assert figures_of([scored(0, acc=1.0), scored(1, acc=0.0)]) == {}


def test_documents_that_are_forgotten_are_in_no_figure_of_repeats() -> None:
    tally = Tally(plan_of("acc"))
    for line in samples():
        tally.add(line)

    tally.forget(frozenset({1, 2}))
    (row,) = tally.aggregates()

    figures = {figure["figure"]: figure for figure in row["repeats"]}
    assert figures["mean@4"]["value"] == 0.75
    assert figures["mean@4"]["n"] == 1
