from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_evalkit.mockserver import Behaviour, MockServer

TASK = """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["Question:"], max_gen_toks: 8}
metric_list: [{metric: exact_match}]
"""


@pytest.fixture(autouse=True)
def settings(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")


@pytest.fixture
def sums(pytester: pytest.Pytester) -> pytest.Pytester:
    rows = [{"question": f"say {n}", "answer": f"say {n}"} for n in range(4)]
    lines = "\n".join(map(json.dumps, rows))
    (pytester.path / "test.jsonl").write_text(lines, encoding="utf-8")
    (pytester.path / "sums.yaml").write_text(TASK, encoding="utf-8")
    return pytester


def run(
    sums: pytest.Pytester, server: MockServer, *options: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run the task against a server; give its results and its samples."""
    arguments = f"model=m,base_url={server.url},api_key=k"
    result = sums.runpytest_inprocess(
        "sums.yaml", "--model", "openai", "--model-args", arguments, *options
    )
    result.assert_outcomes(passed=4)
    (path,) = sums.path.glob("results/m/*/results.json")
    lines = (path.parent / "samples_sums.jsonl").read_text("utf-8").splitlines()
    return json.loads(path.read_bytes()), [json.loads(line) for line in lines]


def test_first_tokens_are_in_samples_and_results_when_latency_is_measured(
    sums: pytest.Pytester, mock_server: MockServer
) -> None:
    mock_server.behaviour = Behaviour(ttft_s=0.1, inter_token_s=0.02)

    results, samples = run(sums, mock_server, "--measure-latency")

    assert {body["stream"] for body in bodies(mock_server)} == {True}
    assert results["latency"]["ttft"]["requests"] == 4
    assert results["latency"]["ttft"]["p50_s"] >= 0.1
    assert results["latency"]["inter_token"]["requests"] == 4
    assert results["config"]["model_description"]["stream"] is True
    for sample in samples:
        timing = sample["timing"]
        assert timing["ttfo_s"] == timing["ttft_s"] >= 0.1
        assert timing["n_chunks"] == 2
        assert timing["bad_frames"] == 0


def test_answers_come_whole_unless_asked_otherwise(
    sums: pytest.Pytester, mock_server: MockServer
) -> None:
    results, samples = run(sums, mock_server)

    assert not any("stream" in body for body in bodies(mock_server))
    assert "ttft" not in results["latency"]
    assert all("ttft_s" not in sample["timing"] for sample in samples)


def bodies(server: MockServer) -> list[dict[str, Any]]:
    return [received.body for received in server.received]


def test_logprobs_that_were_asked_for_are_in_the_samples(
    sums: pytest.Pytester, mock_server: MockServer
) -> None:
    arguments = f"model=m,base_url={mock_server.url},api_key=k,logprobs=true"
    sums.runpytest_inprocess("sums.yaml", "--model=openai", "--model-args", arguments)

    (path,) = sums.path.glob("results/m/*/samples_sums.jsonl")
    sample = json.loads(path.read_text("utf-8").splitlines()[0])
    assert "".join(one["token"] for one in sample["logprobs"]) == "say 0"


def test_a_model_that_cannot_stream_refuses_to_be_measured(
    sums: pytest.Pytester,
) -> None:
    result = sums.runpytest_inprocess(
        "sums.yaml", "--model", "oracle", "--measure-latency"
    )

    output = "\n".join([*result.outlines, *result.errlines])
    assert "--measure-latency: model 'oracle' streams no answers" in output
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_the_fixture_serves_until_the_test_ends(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import json
        import urllib.request

        def ask(server, text):
            body = {"model": "m", "messages": [{"role": "user", "content": text}]}
            url = server.url + "/chat/completions"
            request = urllib.request.Request(url, json.dumps(body).encode())
            with urllib.request.urlopen(request) as response:
                return json.load(response)["choices"][0]["message"]["content"]

        def test_it_echoes_and_remembers(mock_server):
            assert ask(mock_server, "hello") == "hello"
            assert mock_server.requests == 1
            assert mock_server.received[0].body["model"] == "m"

        def test_it_answers_as_it_is_told(mock_server):
            mock_server.answer = lambda payload: "42"

            assert ask(mock_server, "hello") == "42"
            assert len(mock_server.received) == 1
        """
    )

    pytester.runpytest_inprocess().assert_outcomes(passed=2)
