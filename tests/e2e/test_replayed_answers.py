"""Recorded answers of a real model get the score that their authors published."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

PUBLISHED_CORRECT = 286
DOCUMENTS = 1319

_TASK = r"""
task: gsm8k_recorded
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer.split('#### ')[-1]}}"
generation_kwargs: {until: ["Question:"]}
filter_list:
  - name: final-number
    filter:
      - {function: regex, regex_pattern: 'A: (\-?[0-9\.\,]+)', group_select: -1}
      - {function: take_first}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true, regexes_to_ignore: [","]}
"""


def test_gsm8k_of_a_finetuned_6b_model(
    pytester: pytest.Pytester, shared_data: Path
) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (pytester.path / "recorded.yaml").write_text(_TASK)
    shutil.copy(shared_data / "gsm8k" / "test.jsonl", pytester.path / "test.jsonl")
    recorded = shared_data / "gsm8k" / "recorded_6b_finetuning.jsonl"

    result = pytester.runpytest_inprocess(
        "recorded.yaml",
        "--model=replay",
        f"--model-args=path={recorded},response=response,join=question",
        "-q",
    )

    assert result.ret == 0
    results = json.loads(next(Path("results").glob("*/*/results.json")).read_text())
    score = results["results"]["gsm8k_recorded"]["exact_match,final-number"]
    assert round(score * DOCUMENTS) == PUBLISHED_CORRECT
    assert results["coverage"]["gsm8k_recorded"]["scored"] == DOCUMENTS


def test_a_document_without_a_recorded_answer_is_in_error(
    pytester: pytest.Pytester, shared_data: Path
) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (pytester.path / "recorded.yaml").write_text(_TASK)
    shutil.copy(shared_data / "gsm8k" / "test.jsonl", pytester.path / "test.jsonl")
    recorded = shared_data / "gsm8k" / "recorded_6b_finetuning.jsonl"
    lines = recorded.read_text().splitlines()
    (pytester.path / "fewer.jsonl").write_text("\n".join(lines[1:]))

    result = pytester.runpytest_inprocess(
        "recorded.yaml",
        "--model=replay",
        "--model-args=path=fewer.jsonl,response=response,join=question",
        "--limit=3",
    )

    assert result.ret == 1
    result.assert_outcomes(passed=2, failed=1, deselected=DOCUMENTS - 3)
    results = json.loads(next(Path("results").glob("*/*/results.json")).read_text())
    assert results["coverage"]["gsm8k_recorded"]["errors"] == 1


MATHVISION_CORRECT = 31
MATHVISION_DOCUMENTS = 304
# The right letter with the option's text behind it, which the authors' script took for
# one word, such as "dh" of "(D) H".
MATHVISION_MISREAD = {"761", "873", "1394"}

_MATHVISION = """
task: mathvision_recorded
dataset_path: json
dataset_kwargs: {data_files: {test: testmini.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
metric_list:
  - {metric: accuracy, aggregation: mean, higher_is_better: true}
  - {metric: letter_alone, aggregation: mean, higher_is_better: true}
process_results: !function scorer.process_results
"""
_MATHVISION_SCORER = """
from pytest_evalkit.scoring import number_match, read_choice


def process_results(doc, results):
    if not doc["options"]:
        right = number_match(references=[doc["answer"]], predictions=results)
        return {"accuracy": right, "letter_alone": right}
    letter = read_choice(results[0], doc["options"]).value
    return {
        "accuracy": float(letter == doc["answer"]),
        "letter_alone": float(results[0].strip("()") == doc["answer"]),
    }
"""


def test_mathvision_of_llava_in_its_letters_and_numbers(
    pytester: pytest.Pytester, shared_data: Path
) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (pytester.path / "recorded.yaml").write_text(_MATHVISION)
    (pytester.path / "scorer.py").write_text(_MATHVISION_SCORER)
    folder = shared_data / "mathvision"
    shutil.copy(folder / "testmini.jsonl", pytester.path / "testmini.jsonl")
    recorded = folder / "recorded_llava-v1.5-7b_testmini.jsonl"

    result = pytester.runpytest_inprocess(
        "recorded.yaml",
        "--model=replay",
        f"--model-args=path={recorded},response=response,join=id",
        "-q",
    )

    assert result.ret == 0
    (folder,) = Path("results").glob("*/*")
    lines = (folder / "samples_mathvision_recorded.jsonl").read_text().splitlines()
    samples = [json.loads(line) for line in lines]
    rows = [json.loads(line) for line in recorded.read_text().splitlines()]
    published = {row["id"] for row in rows if row["published_correct"]}
    assert len(published) == MATHVISION_CORRECT
    assert len(samples) == MATHVISION_DOCUMENTS
    assert {s["item_id"] for s in samples if s["letter_alone"]} == published
    right = {s["item_id"] for s in samples if s["accuracy"]}
    assert right == published | MATHVISION_MISREAD
