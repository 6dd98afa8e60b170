"""The whole of GSM8K against a server, in one process, over workers, and in shards."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.mockserver import MockServer, serve_in_thread

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "gsm8k" / "gsm8k.yaml"
DOCUMENTS = 1319
TIMES = ("timing", "request_latency_s", "attempts")

Samples = dict[tuple[int, str], dict[str, Any]]


@pytest.fixture
def mirror(shared_data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "mirror" / "openai" / "gsm8k" / "main"
    folder.mkdir(parents=True)
    shutil.copy(shared_data / "gsm8k" / "test.jsonl", folder / "test.jsonl")
    shots = shared_data / "gsm8k" / "train_first100.jsonl"
    shutil.copy(shots, folder / "train.jsonl")
    return tmp_path / "mirror"


def gold_answers(mirror: Path) -> dict[str, str]:
    text = (mirror / "openai" / "gsm8k" / "main" / "test.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    return {row["question"]: row["answer"] for row in rows}


def is_known(question: str) -> bool:
    """Decide by the question alone which ones the served model can answer."""
    return hashlib.sha256(question.encode()).digest()[0] < 180


@pytest.fixture
def url(mirror: Path) -> Iterator[str]:
    answers = gold_answers(mirror)

    def answer(payload: Mapping[str, Any]) -> str:
        prompt = payload["messages"][-1]["content"]
        question = re.findall(r"Question: (.*?)\nAnswer:", prompt, re.DOTALL)[-1]
        if not is_known(question):
            return "It is some number.\n#### -1"
        return answers[question]

    with serve_in_thread(MockServer(answer)) as server:
        yield server.url


@pytest.fixture
def expected_score(mirror: Path) -> float:
    questions = list(gold_answers(mirror))
    return sum(map(is_known, questions)) / len(questions)


def run(
    pytester: pytest.Pytester, url: str, mirror: Path, *more: str
) -> tuple[dict[str, Any], Samples]:
    output = pytester.path / f"out{len(list(pytester.path.glob('out*')))}"
    result = pytester.runpytest_subprocess(
        str(BENCHMARK),
        "--model=openai",
        f"--model-args=model=served,base_url={url}",
        f"--data-dir={mirror}",
        f"--output-path={output}",
        *more,
    )
    assert result.ret == 0, result.stdout.str()
    folder = next(output.glob("served/*"))
    results = json.loads((folder / "results.json").read_text())
    samples: Samples = {}
    for line in (folder / "samples_gsm8k.jsonl").read_text().splitlines():
        sample = json.loads(line)
        plain = {key: value for key, value in sample.items() if key not in TIMES}
        samples[sample["doc_id"], sample["filter"]] = plain
    return results, samples


def test_workers_and_shards_give_what_one_process_gives(
    pytester: pytest.Pytester, url: str, mirror: Path, expected_score: float
) -> None:
    results, samples = run(pytester, url, mirror)
    shared_results, shared_samples = run(pytester, url, mirror, "-n2")
    shards = [run(pytester, url, mirror, f"--shard={i}/3") for i in (1, 2, 3)]

    score = results["results"]["gsm8k"]
    assert score["exact_match,strict-match"] == pytest.approx(expected_score)
    assert results["coverage"]["gsm8k"]["scored"] == DOCUMENTS
    assert shared_results["results"] == results["results"]
    assert shared_results["task_hashes"] == results["task_hashes"]
    assert shared_samples == samples
    merged: Samples = {}
    for _, part in shards:
        assert not merged.keys() & part.keys()
        merged.update(part)
    assert merged == samples
    assert len(samples) == 2 * DOCUMENTS
