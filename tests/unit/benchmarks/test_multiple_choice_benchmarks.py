"""The same answers, put to every benchmark that asks for a letter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from tests.unit.benchmarks.scored_answers import judge, open_sample, prompt_of

LoadModule = Callable[[str], ModuleType]


class Asked(NamedTuple):
    """A document of a sample, its letter, another one, its text, and what is scored."""

    task: str
    item: str
    right: str
    wrong: str
    text: str
    metric: str


DOCUMENTS = (
    Asked("ai2d/ai2d.yaml", "0", "B", "A", "grass", "exact_match"),
    Asked("scienceqa/scienceqa.yaml", "2", "D", "B", "heat", "exact_match"),
    Asked("scienceqa/scienceqa_img.yaml", "0", "B", "A", "attract", "exact_match"),
    Asked("realworldqa/realworldqa.yaml", "1", "C", "A", "right", "exact_match"),
    Asked("seedbench/seedbench.yaml", "1", "B", "A", "One", "seed_all"),
    Asked(
        "seedbench_2_plus/seedbench_2_plus.yaml",
        "web_3",
        "B",
        "C",
        "logo.png",
        "seedbench_2_plus_all",
    ),
    Asked("cv_bench/cv_bench.yaml", "0", "C", "B", "2", "cv_bench_acc"),
    Asked("vstar_bench/vstar_bench.yaml", "0", "B", "A", "blue", "accuracy"),
    Asked("mmbench/mmbench_en_dev.yaml", "3000001", "B", "A", "red", "exact_match"),
    Asked(
        "mme_realworld/mmerealworld.yaml", "1", "D", "B", "EXIT", "mme_realworld_score"
    ),
    Asked(
        "mme_realworld_cn/mmerealworld_cn.yaml",
        "0",
        "B",
        "C",
        "红色",
        "mme_realworld_score",
    ),
)
ANSWERS: tuple[tuple[str, float], ...] = (
    ("{right}", 1.0),
    (" {right}. ", 1.0),
    ("({right})", 1.0),
    ("**{right}**", 1.0),
    ("{text}", 1.0),
    ("{right}. {text}", 1.0),
    ("The answer is {right}.", 1.0),
    ("The answer is {right} because {wrong} is wrong", 1.0),
    ("I choose {right} over {wrong}", 1.0),
    ("Based on the image, the answer is ({right})", 1.0),
    ("The answer is not {wrong} but {right}.", 1.0),
    ("{wrong}", 0.0),
    ("The answer is {wrong}", 0.0),
    ("{right} or {wrong}", 0.0),
    ("Based on the image, I cannot tell.", 0.0),
    ("A cat sits there", 0.0),
    ("Z", 0.0),
    ("", 0.0),
)


def score(value: Any) -> float:
    return float(value["score"] if isinstance(value, Mapping) else value)


@pytest.mark.parametrize(("answer", "expected"), ANSWERS)
@pytest.mark.parametrize("asked", DOCUMENTS, ids=lambda asked: Path(asked.task).stem)
def test_the_letter_is_found_or_the_answer_is_wrong(
    asked: Asked, answer: str, expected: float
) -> None:
    said = answer.format(right=asked.right, wrong=asked.wrong, text=asked.text)

    metrics = judge(asked.task, asked.item, said).metrics

    assert score(metrics[asked.metric]) == expected


def test_a_question_counts_with_those_of_its_kind() -> None:
    film = judge("seedbench/seedbench.yaml", "3", "D").metrics
    page = judge("seedbench_2_plus/seedbench_2_plus.yaml", "map_2", "A").metrics
    place = judge("vstar_bench/vstar_bench.yaml", "4", "B").metrics
    driving = judge("mme_realworld/mmerealworld.yaml", "3", "A").metrics

    assert film == {"seed_all": 1.0, "seed_video": 1.0}
    assert page == {"seedbench_2_plus_all": 1.0, "seedbench_2_plus_Map": 1.0}
    assert place == {"accuracy": 0.0, "relative_position": 0.0}
    assert driving == {"mme_realworld_score": 1.0, "reasoning": 1.0}


def test_films_are_shown_as_frames_in_order() -> None:
    prepared = open_sample("seedbench/seedbench.yaml").prepare(3)

    (request,) = prepared.requests
    assert len(request.messages[0].media) == 3  # type: ignore[union-attr]


def test_a_question_may_have_no_image_and_no_hint() -> None:
    prompts = [prompt_of("scienceqa/scienceqa.yaml", item) for item in ("2", "3")]

    assert prompts[0].startswith("Context: A kettle boils on a stove.\nWhat moves")
    assert prompts[1].startswith("Which word is a verb?\nA. table\nB. blue\nC. sing\n")


def test_the_parts_of_vstar_have_their_own_questions() -> None:
    tasks = ("direct_attributes", "relative_position")

    sizes = [
        len(open_sample(f"vstar_bench/vstar_bench_{task}.yaml").documents)
        for task in tasks
    ]

    assert sizes == [3, 2]


def test_options_of_vstar_may_have_brackets(load_module: LoadModule) -> None:
    utils = load_module("vstar_bench/utils.py")
    doc = {
        "text": "Which?\n(A) the disc (blue)\n(B) none\nAnswer with the option's lett"
    }

    assert utils.options({"text": "Which? (A) one (B) two"}) == ["one", "two"]
    assert utils.options(doc)[0] == "the disc (blue)"
    with pytest.raises(ValueError, match="no options"):
        utils.options({"text": "Which?"})


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"ADE20K": [1, 0], "COCO": [1], "Omni3D": [1, 1, 1, 0]}, (0.75 + 0.75) / 2),
        ({"ADE20K": [1] * 8, "COCO": [0], "Omni3D": [0]}, (0.5 + 0) / 2),
        ({"ADE20K": [1, 0], "COCO": [1, 1]}, 0.75),
        ({"Omni3D": [1, 0]}, 0.5),
        ({}, None),
    ],
)
def test_cv_bench_weighs_sources_and_dimensions_as_published(
    load_module: LoadModule, scores: dict[str, list[int]], expected: float | None
) -> None:
    utils = load_module("cv_bench/utils.py")
    entries = [
        {"source": source, "score": float(each)}
        for source, own in scores.items()
        for each in own
    ]

    assert utils.official_accuracy(entries) == expected


def test_an_unknown_source_of_cv_bench_is_named(load_module: LoadModule) -> None:
    utils = load_module("cv_bench/utils.py")

    with pytest.raises(ValueError, match="unknown CV-Bench source 'KITTI'; valid: ADE"):
        utils.process_results({"source": "KITTI", "answer": "(A)"}, ["A"])


@pytest.mark.parametrize(
    ("item", "answer", "expected"),
    [
        ("2", "3", 1.0),
        ("2", "There are three discs.", 1.0),
        ("2", "3.", 1.0),
        ("2", "3 red and 2 blue", 0.0),
        ("2", "4", 0.0),
        ("2", "", 0.0),
        ("3", "No", 1.0),
        ("3", "No, there are some.", 1.0),
        ("3", "Yes", 0.0),
        ("3", "Not sure", 0.0),
        ("4", "gold", 1.0),
        ("4", " Gold. ", 1.0),
        ("4", "golden", 0.0),
        ("4", "", 0.0),
    ],
)
def test_open_answers_of_realworldqa_are_read_by_their_kind(
    item: str, answer: str, expected: float
) -> None:
    metrics = judge("realworldqa/realworldqa.yaml", item, answer).metrics

    assert metrics == {"exact_match": expected}


def test_an_image_that_is_not_in_base_64_is_named(load_module: LoadModule) -> None:
    utils = load_module("mme_realworld/utils.py")

    with pytest.raises(ValueError, match="'bytes' of 7 is not in base 64"):
        utils.image({"index": 7, "bytes": "?"})
