from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

Row = dict[str, str]

STEP = re.compile(r"<<([0-9.+*/-]+)=(-?[0-9.]+)>>")


def read_rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(params=[("train", 8), ("test", 6)], ids=["train", "test"])
def rows(request: pytest.FixtureRequest, benchmarks: Path) -> list[Row]:
    split, number = request.param
    found = read_rows(benchmarks / "gsm8k" / "sample" / f"{split}.jsonl")
    assert len(found) == number
    return found


def calculate(expression: str) -> Fraction:
    """Work out a sum from left to right; no step mixes ranks of operators."""
    tokens = re.findall(r"[0-9.]+|[+*/-]", expression)
    assert not (set("+-") & set(tokens) and set("*/") & set(tokens))
    value = Fraction(tokens[0])
    for operator, operand in zip(
        tokens[1::2], map(Fraction, tokens[2::2]), strict=True
    ):
        value = {
            "+": value + operand,
            "-": value - operand,
            "*": value * operand,
            "/": value / operand,
        }[operator]
    return value


def test_every_annotated_step_is_right(rows: list[Row]) -> None:
    for row in rows:
        steps = STEP.findall(row["answer"])
        assert len(steps) >= 2, row["question"]
        for expression, result in steps:
            assert calculate(expression) == Fraction(result), row["question"]


def test_the_final_number_is_that_of_the_last_step(rows: list[Row]) -> None:
    for row in rows:
        solution, final = row["answer"].rsplit("\n#### ", 1)
        last = STEP.findall(solution)[-1][1]
        assert final.replace(",", "") == last, row["question"]


def test_each_sentence_repeats_the_result_of_its_step(rows: list[Row]) -> None:
    for row in rows:
        for line in row["answer"].splitlines()[:-1]:
            _, result, after = re.split(r"<<[^=]+=([^>]+)>>", line)
            assert after.replace(",", "").startswith(result), line


def test_the_columns_are_those_of_the_data_set(rows: list[Row]) -> None:
    assert {tuple(row) for row in rows} == {("question", "answer")}


def test_no_question_is_taken_from_the_data_set(
    rows: list[Row], benchmarks: Path
) -> None:
    real = benchmarks.parents[1] / "shared" / "data" / "gsm8k"
    if not real.is_dir():
        pytest.skip("the slices of GSM8K are not beside the checkout")
    taken = {
        row["question"]
        for name in ("test.jsonl", "train_first100.jsonl")
        for row in read_rows(real / name)
    }

    assert not taken & {row["question"] for row in rows}


def extract(task: dict[str, Any], name: str, response: str) -> str:
    """Apply a pipeline as regular expressions alone: the match it selects."""
    (pipeline,) = [entry for entry in task["filter_list"] if entry["name"] == name]
    step = pipeline["filter"][0]
    found = list(re.finditer(step["regex_pattern"], response))
    if not found:
        return "[invalid]"
    selected = found[step.get("group_select", 0)]
    return next(str(group) for group in selected.groups() if group)


@pytest.mark.parametrize(
    ("file", "filter_name", "response", "extracted"),
    [
        ("gsm8k", "strict-match", "So 5.\n#### 1,234\n#### 7", "1,234"),
        ("gsm8k", "strict-match", "#### -3", "-3"),
        ("gsm8k", "strict-match", "The answer is 5", "[invalid]"),
        ("gsm8k", "flexible-extract", "2 and 3 make $5.", "$5."),
        ("gsm8k", "flexible-extract", "the answer is 7", "7"),
        ("gsm8k_cot_zeroshot", "strict-match", "The answer is 18.", "18"),
        ("gsm8k_cot_zeroshot", "strict-match", "The answer is 1,800 now", "1,800"),
        ("gsm8k_cot_zeroshot", "strict-match", "the answer is 18.", "[invalid]"),
    ],
)
def test_patterns_survive_their_quotes_in_the_task_file(
    benchmarks: Path, file: str, filter_name: str, response: str, extracted: str
) -> None:
    path = benchmarks / "gsm8k" / f"{file}.yaml"
    task = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert extract(task, filter_name, response) == extracted


@pytest.mark.parametrize("file", ["gsm8k", "gsm8k_cot_zeroshot"])
def test_ignored_patterns_reduce_a_solution_to_its_plain_number(
    benchmarks: Path, file: str
) -> None:
    path = benchmarks / "gsm8k" / f"{file}.yaml"
    (metric,) = yaml.safe_load(path.read_text(encoding="utf-8"))["metric_list"]
    text = "It costs $<<9*9=81>>81.\nIn all 2.\n#### $18,900."

    for pattern in metric["regexes_to_ignore"]:
        text = re.sub(pattern, "", text)

    assert text == "18900"


def test_prompts_are_those_of_the_reference(benchmarks: Path) -> None:
    folder = benchmarks / "gsm8k"
    tasks = [
        yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("gsm8k", "gsm8k_cot_zeroshot")
    ]

    assert [task["doc_to_text"] for task in tasks] == [
        "Question: {{question}}\nAnswer:",
        "Q: {{question}}\nA: Let's think step by step.",
    ]
    assert [task["num_fewshot"] for task in tasks] == [5, 0]
    assert [task["generation_kwargs"]["until"][0] for task in tasks] == [
        "Question:",
        "Q:",
    ]
