from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_evalkit.tasks import DataSources, TaskSettings, load_task
from pytest_evalkit.values import Generate

LoadModule = Callable[[str], ModuleType]

DATE = "What is the date?\nOptions:\n(A) 02/27/2021\n(B) 02/28/2021\n(Q) 03/02/2021"
SUM = "((3 - 9) * (2 + 4)) ="
WORDS = "Sort the following words alphabetically: List: pear anchor mill"
BRACKETS = "Complete the rest of the sequence. Input: [ < { }"
VALID = "Is the argument valid or invalid?\nOptions:\n- valid \n- invalid"


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("bbh/utils.py")


@pytest.fixture
def published(benchmarks: Path) -> Path:
    folder = benchmarks.parents[1] / "shared" / "data" / "bbh"
    if not folder.is_dir():
        pytest.skip("the files of BIG-Bench Hard are not beside the checkout")
    return folder


@pytest.mark.parametrize(
    ("question", "target", "answer", "score", "status"),
    [
        (DATE, "(B)", "A day before is 02/28. So the answer is (B).", 1.0, "found"),
        (DATE, "(B)", "So the answer is (B)", 1.0, "found"),
        (DATE, "(B)", "So the answer is B.", 1.0, "found"),
        (DATE, "(B)", "**Answer:** (B) 02/28/2021", 1.0, "found"),
        (DATE, "(B)", "It may be (A).\n\nThe answer is (B).", 1.0, "found"),
        (DATE, "(B)", "The answer is (A). Wait.\nThe answer is (B).", 1.0, "found"),
        (DATE, "(B)", r"\boxed{B}", 1.0, "found"),
        (DATE, "(B)", "(B)", 1.0, "found"),
        (DATE, "(Q)", "So the answer is (Q).", 1.0, "found"),
        (DATE, "(B)", "So the answer is (A).", 0.0, "found"),
        (DATE, "(B)", "So the answer is (C).", 0.0, "none"),
        (DATE, "(B)", "Look at (A).\nThen at (B), the", 0.0, "none"),
        (DATE, "(B)", "", 0.0, "none"),
        (SUM, "-36", "= -6 * 6 = -36. So the answer is -36.", 1.0, "found"),
        (SUM, "-36", "So the answer is \N{MINUS SIGN}36", 1.0, "found"),
        (SUM, "-36", "So the answer is **-36**.", 1.0, "found"),
        (SUM, "-36", "-36", 1.0, "found"),
        (SUM, "-36", "The answer is $-36$.", 1.0, "found"),
        (SUM, "-36", "The final answer is:\n\n\\boxed{-36}", 1.0, "found"),
        (SUM, "-36", "So the answer is 36.", 0.0, "found"),
        (SUM, "-36", "The answer is -36, or not.", 0.0, "found"),
        (SUM, "-36", "(3 - 9) is\n-6 and", 0.0, "none"),
        (WORDS, "anchor mill pear", "So the answer is anchor mill pear.", 1.0, "found"),
        (WORDS, "anchor mill pear", "The answer is: anchor  mill pear", 1.0, "found"),
        (WORDS, "anchor mill pear", "The answer is anchor pear mill.", 0.0, "found"),
        (BRACKETS, "> ]", 'So, we need ">", "]". So the answer is > ].', 1.0, "found"),
        (BRACKETS, "> ]", "So the answer is ] >.", 0.0, "found"),
        (BRACKETS, ") ]", "So the answer is ].", 0.0, "found"),
        (VALID, "invalid", "So the answer is invalid.", 1.0, "found"),
        (VALID, "invalid", "The answer is Invalid", 1.0, "found"),
        (VALID, "valid", "So the answer is invalid.", 0.0, "found"),
        ("not True is", "False", "So the answer is False. ", 1.0, "found"),
        ("not True is", "False", "So the answer is ", 0.0, "none"),
    ],
)
def test_what_follows_the_last_the_answer_is_has_to_be_the_target(
    utils: ModuleType,
    question: str,
    target: str,
    answer: str,
    score: float,
    status: str,
) -> None:
    doc = {"input": question, "target": target}

    scored = utils.process_results(doc, [answer])

    assert (scored["exact_match"], scored["answer"].status) == (score, status)


def names(benchmarks: Path) -> list[str]:
    files = sorted((benchmarks / "bbh").glob("bbh_cot_*.yaml"))
    return [file.stem.removeprefix("bbh_cot_fewshot_") for file in files]


def test_there_are_27_tasks(benchmarks: Path, published: Path) -> None:
    assert len(names(benchmarks)) == 27
    assert names(benchmarks) == sorted(file.stem for file in published.glob("*.json"))


def examples(file: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(file.read_text("utf-8"))["examples"]
    return rows


def test_prompts_are_the_published_ones(benchmarks: Path, published: Path) -> None:
    for name in names(benchmarks):
        file = published / "cot-prompts" / f"{name}.txt"
        prompt = file.read_text("utf-8").partition("-----\n")[2]
        task = load_task(
            benchmarks / "bbh" / f"bbh_cot_fewshot_{name}.yaml", TaskSettings()
        )

        (request,) = task.open(DataSources(use_sample=True)).prepare(0).requests

        assert isinstance(request, Generate)
        (message,) = request.messages
        question = (
            "\n\nQ: not ( True or False ) and True is\nA: Let's think step by step."
        )
        assert message.text.rstrip("\n") == prompt + question


def test_every_published_target_is_right_and_no_other(
    utils: ModuleType, published: Path
) -> None:
    for file in sorted(published.glob("*.json")):
        rows = examples(file)
        for row, other in zip(rows, [*rows[1:], rows[0]], strict=True):
            said = f"Let us see (A). So the answer is {row['target']}."
            scored: dict[str, Any] = utils.process_results(row, [said])
            assert scored["exact_match"] == 1.0, (file.stem, row)
            wrong = utils.process_results(row, [f"So the answer is {other['target']}."])
            is_same = other["target"] == row["target"]
            assert wrong["exact_match"] == float(is_same), (file.stem, row, other)


def test_every_worked_example_is_right(utils: ModuleType, published: Path) -> None:
    for file in sorted((published / "cot-prompts").glob("*.txt")):
        _, *shots = file.read_text("utf-8").split("\n\nQ: ")
        for shot in shots:
            question, _, answer = shot.partition("\nA: ")
            target = answer.rpartition("So the answer is ")[2].removesuffix(".")
            doc = {"input": question, "target": target}
            assert utils.process_results(doc, [answer])["exact_match"] == 1.0
