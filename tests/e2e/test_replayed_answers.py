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
