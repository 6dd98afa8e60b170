from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from pytest_evalkit.values import Loglikelihood
from tests.unit.benchmarks.scored_answers import open_sample

LoadModule = Callable[[str], ModuleType]


def asked(task_file: str, doc_id: int) -> list[tuple[str, str]]:
    requests = open_sample(task_file).prepare(doc_id).requests
    return [
        (request.context, request.continuation)
        for request in requests
        if isinstance(request, Loglikelihood)
    ]


@pytest.mark.parametrize(
    ("doc_id", "options", "target"), [(0, 4, 1), (2, 3, 2), (3, 5, 1), (4, 4, 1)]
)
def test_arc_finds_the_right_option_by_its_label(
    doc_id: int, options: int, target: int
) -> None:
    prepared = open_sample("arc/arc_challenge.yaml").prepare(doc_id)

    assert len(prepared.requests) == options
    assert prepared.target == target


def test_arc_shows_no_options_before_they_are_judged() -> None:
    assert asked("arc/arc_easy.yaml", 2) == [
        ("Question: Which of these is a solid at room temperature?\nAnswer:", option)
        for option in (" milk", " oxygen", " copper")
    ]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain", "plain"),
        ("  outer spaces ", "outer spaces"),
        ("[header] How to eat [title] Sit down.", " How to eat. Sit down."),
        ("a [step] b", "a b"),
        ("[step] First. [substeps] Then.", " First. Then."),
        ("two  spaces", "two spaces"),
        ("four    spaces", "four  spaces"),
        ("[not closed", "[not closed"),
        ("", ""),
        ("[title] alone", " alone"),
    ],
)
def test_hellaswag_has_no_marks_of_its_sources(
    load_module: LoadModule, text: str, cleaned: str
) -> None:
    assert load_module("hellaswag/utils.py").cleaned(text) == cleaned


def test_hellaswag_begins_a_sentence_with_what_the_endings_share() -> None:
    contexts = {context for context, _ in asked("hellaswag/hellaswag.yaml", 0)}

    assert contexts == {"Washing a bicycle: A man fills a bucket with soapy water. He"}


def mc2(labels: list[int]) -> dict[str, Any]:
    return {"mc2_targets": {"choices": [""] * len(labels), "labels": labels}}


@pytest.mark.parametrize(
    ("labels", "probabilities", "share"),
    [
        ([1, 0], [0.5, 0.5], 0.5),
        ([1, 0], [0.3, 0.1], 0.75),
        ([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], 0.3),
        ([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], 0.6),
        ([1, 1], [0.2, 0.1], 1.0),
        ([0, 0], [0.2, 0.1], 0.0),
        ([1], [1e-12], 1.0),
        ([1, 0, 0], [1.0, 1e-30, 1e-30], 1.0),
        ([1, 0, 0], [1e-30, 1.0, 1.0], 0.0),
        ([1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], 0.25),
    ],
)
def test_truthfulqa_scores_the_share_of_probability_of_true_answers(
    load_module: LoadModule,
    labels: list[int],
    probabilities: list[float],
    share: float,
) -> None:
    results = [(math.log(probability), False) for probability in probabilities]

    scores = load_module("truthfulqa/utils.py").process_results(mc2(labels), results)

    assert scores == {"acc": pytest.approx(share, abs=1e-12)}


def test_long_answers_of_truthfulqa_have_a_share_too(load_module: LoadModule) -> None:
    results = [(-2000.0, False), (-2000.0, False), (-2000.0 + math.log(2), False)]

    scores = load_module("truthfulqa/utils.py").process_results(mc2([1, 0, 0]), results)

    assert scores == {"acc": pytest.approx(0.25)}
