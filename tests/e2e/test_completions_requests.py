"""What a completions endpoint gets to see of a run, batches above all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.mockserver import MockServer, serve_in_thread

TASK = """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
doc_to_text: "Question: {{n}}+{{n}}\\nAnswer:"
doc_to_target: "{{n + n}}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 8}
metric_list: [{metric: exact_match}]
"""
DOCUMENTS = 10


def add(payload: Mapping[str, Any]) -> str:
    first, second = re.findall(r"(\d+)\+(\d+)", payload["prompt"])[-1]
    return f"{int(first) + int(second)}\nQuestion:"


@pytest.fixture
def server() -> Iterator[MockServer]:
    with serve_in_thread(MockServer(add, keeps_requests=True)) as running:
        yield running


def run(pytester: pytest.Pytester, server: MockServer, args: str) -> dict[str, Any]:
    (pytester.path / "sums.yaml").write_text(TASK, encoding="utf-8")
    rows = "".join(json.dumps({"n": n}) + "\n" for n in range(DOCUMENTS))
    (pytester.path / "test.jsonl").write_text(rows, encoding="utf-8")
    result = pytester.runpytest_subprocess(
        "sums.yaml",
        "--model=local-completions",
        f"--model-args=model=served,base_url={server.url}/completions,{args}",
        "--output-path=out",
    )
    assert result.ret == 0, result.stdout.str()
    (file,) = Path(pytester.path).glob("out/served/*/results.json")
    results: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return results


def prompts(server: MockServer) -> list[Any]:
    return [
        one.body["prompt"] for one in server.received if one.path == "/v1/completions"
    ]


def test_documents_share_requests_and_each_gets_its_own_answer(
    pytester: pytest.Pytester, server: MockServer
) -> None:
    results = run(pytester, server, "batch_size=4")

    assert results["results"]["sums"]["exact_match,none"] == 1.0
    sizes = [len(batch) for batch in prompts(server)]
    assert sum(sizes) == DOCUMENTS
    assert max(sizes) == 4
    asked = {prompt for batch in prompts(server) for prompt in batch}
    assert asked == {f"Question: {n}+{n}\nAnswer:" for n in range(DOCUMENTS)}


def test_every_document_is_a_request_of_its_own_without_batches(
    pytester: pytest.Pytester, server: MockServer
) -> None:
    run(pytester, server, "seed=1234")

    bodies = [one.body for one in server.received]
    assert len(bodies) == DOCUMENTS
    by_prompt = {body["prompt"]: body for body in bodies}
    assert by_prompt["Question: 3+3\nAnswer:"] == {
        "model": "served",
        "prompt": "Question: 3+3\nAnswer:",
        "max_tokens": 8,
        "temperature": 0.0,
        "stop": ["\n"],
        "seed": 1234,
    }


def test_prompts_are_sent_as_token_ids_where_that_is_asked_for(
    pytester: pytest.Pytester, server: MockServer
) -> None:
    results = run(pytester, server, "tokenized_requests=True,tokenizer_backend=remote")

    assert results["results"]["sums"]["exact_match,none"] == 1.0
    assert all(isinstance(prompt[0][0], int) for prompt in prompts(server))
