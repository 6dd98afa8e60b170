"""Tokens that the endpoint does not tell of, counted by the model's own tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.mockserver import Reply
from tests.e2e.talking import turn_rows, write_talks
from tests.unit.models.counting_models import TEMPLATE, write_model

if TYPE_CHECKING:
    from pytest_evalkit.mockserver import MockServer
    from tests.e2e.conftest import ArithSuite, Start

FAILING = """
import pytest
from pytest_evalkit import MockBackend, Response
from pytest_evalkit.values import Uncounted

class Failing(MockBackend):
    counts_tokens = True

    def token_counter(self):
        return self

    def count(self, uncounted):
        raise ZeroDivisionError("no words")

def answer(request):
    said = Uncounted(payload=b"{}", choice={"text": "x"})
    return Response(text="x", uncounted=said)

@pytest.fixture(scope="session")
def model():
    return Failing(answer)
"""
TOOL = {
    "type": "function",
    "function": {"name": "look", "description": "it looks", "parameters": {}},
}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tokenizer")


def asking(server: MockServer, *options: str, **arguments: Any) -> list[str]:
    told = {"model": "m", "base_url": server.url, "api_key": "k", "max_retries": 1}
    listed = ",".join(
        f"{name}={value}" for name, value in {**told, **arguments}.items()
    )
    return ["--model", "openai", "--model-args", listed, *options]


def thinking(payload: dict[str, Any]) -> Reply:
    said = payload["messages"][-1]["content"]
    return Reply(text=f"well {said}", reasoning="let me see")


def talk(number: int) -> dict[str, Any]:
    """A client who asks, whose tool answers, and who asks again."""
    return {
        "conversation_id": f"c{number}",
        "tools": [TOOL],
        "messages": [
            {"role": "user", "content": "how is it"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "it rains"},
            {"role": "assistant", "content": "rain"},
            {"role": "user", "content": "thanks"},
        ],
    }


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_turns_of_a_silent_server_are_counted_by_the_template(
    arith_suite: ArithSuite,
    start: Start,
    tokenizer: Path,
    workers: tuple[str, ...],
) -> None:
    metrics = [{"metric": "answered_turns"}]
    write_talks(arith_suite, [talk(n) for n in range(4)], metric_list=metrics)
    server = start(thinking, tells_usage=False)
    options = ("--load-pattern", "conversation", "--target-concurrency", "2", *workers)

    result = arith_suite.run(
        *asking(server, *options, stream="true", counting_tokenizer=tokenizer)
    )

    result.assert_outcomes(passed=4)
    # <s>; the tools; how is it; <call> look {} </call>; it rains; rain; thanks
    tools = 2 + len(json.dumps(TOOL).split())
    messages = [3 + 2, 4 + 2, 2 + 2, 1 + 2, 1 + 2]
    prompts = [1 + tools + sum(messages[:end]) + 1 for end in (1, 3, 5)]
    # <think> let me see </think> well ... <|end|>
    answers = [5 + 1 + said + 1 for said in (3, 2, 1)]
    rows = turn_rows(arith_suite)
    assert len(rows) == 4 * 3
    for place, row in enumerate(rows):
        assert row["token_counts"] == {
            "input_tokens": prompts[place % 3],
            "output_tokens": answers[place % 3],
            "reasoning_tokens": None,
            "cached_tokens": None,
        }
        assert row["token_source"] == "template"
    results = arith_suite.results()
    load = results["load"]
    assert load["token_source"] == "template"
    assert load["token_counting"] == {
        "requests": {"template": 12},
        "compared": {},
        "without_template": 0,
        "problem": None,
    }
    assert load["metrics"]["isl_tokens"]["max"] == prompts[-1]
    assert load["metrics"]["osl_tokens"]["mean"] == sum(answers) / 3
    assert load["metrics"]["itl_ms"]["n"] == 12
    assert load["output_throughput"] > 0
    assert results["usage"]["input_tokens"] == 4 * sum(prompts)
    assert results["complete"] is True


def test_without_a_tokenizer_what_a_server_does_not_tell_is_unknown(
    arith_suite: ArithSuite, start: Start
) -> None:
    arith_suite.task()
    server = start(tells_usage=False)

    result = arith_suite.run(*asking(server))

    result.assert_outcomes(passed=6)
    load = arith_suite.results()["load"]
    assert load["token_source"] is None
    assert load["token_counting"] is None
    assert load["metrics"]["isl_tokens"]["n"] == 0
    assert load["metrics"]["osl_tokens"]["p50"] is None
    assert load["output_throughput"] is None
    assert all("token_counts" not in one for one in arith_suite.samples())
    assert all("token_source" not in one["timing"] for one in arith_suite.samples())


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_tokenizer_that_counts_otherwise_than_the_server_is_told_once(
    arith_suite: ArithSuite, start: Start, tokenizer: Path, workers: tuple[str, ...]
) -> None:
    # The server counts one word a question, and one an answer.
    arith_suite.task()

    result = arith_suite.run(*asking(start(), *workers, counting_tokenizer=tokenizer))

    result.assert_outcomes(passed=6)
    counting = arith_suite.results()["load"]["token_counting"]
    assert counting["compared"]["input_tokens"] == {
        "requests": 6,
        "server": 6,
        "here": 30,
        "difference": 4.0,
    }
    assert counting["requests"] == {"server": 6}
    (said,) = [line for line in result.outlines if "the tokenizer counts" in line]
    assert said == (
        "load    the tokenizer counts 400.0% more input tokens (30 against 6) and "
        "100.0% more output tokens (12 against 6) than the server: is it the model's "
        "own?"
    )
    assert [one["token_counts"]["input_tokens"] for one in arith_suite.samples()] == [
        1
    ] * 6


def test_counting_without_a_template_is_told_once(
    arith_suite: ArithSuite, start: Start, tmp_path: Path
) -> None:
    arith_suite.task()
    folder = write_model(tmp_path / "bare", template=None)
    server = start(tells_usage=False)

    result = arith_suite.run(*asking(server, counting_tokenizer=folder))

    result.assert_outcomes(passed=6)
    assert arith_suite.results()["load"]["token_source"] == "text"
    (said,) = [line for line in result.outlines if "without the chat template" in line]
    assert said == (
        "load    of 6 requests tokens were counted without the chat template, by texts "
        "alone: prompts: the tokenizer has no chat template; name one with "
        "counting_template=..."
    )


def test_a_template_that_is_none_ends_the_run_before_anything_is_asked(
    arith_suite: ArithSuite, start: Start, tokenizer: Path
) -> None:
    arith_suite.task()
    server = start()
    template = arith_suite.write("own.jinja", TEMPLATE + "{% if %}")

    result = arith_suite.run(
        *asking(server, counting_tokenizer=tokenizer, counting_template=template)
    )

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert any("the chat template is none" in line for line in result.outlines)
    assert server.received == []


def test_a_counter_that_fails_leaves_the_results_standing(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task()
    arith_suite.write("conftest.py", FAILING)

    result = arith_suite.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    said = "tokens were not counted: ZeroDivisionError: no words"
    assert any(said in line for line in result.outlines)
    assert arith_suite.results()["coverage"]["arith"]["scored"] == 6
    assert arith_suite.results()["load"]["token_source"] is None
