"""What becomes of documents whose requests an endpoint refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.mockserver import Reply

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite, Start


def right(payload: Mapping[str, Any]) -> str:
    """Solve the sum or product."""
    text = payload["messages"][-1]["content"].removesuffix("=")
    left, right = text.replace("*", "+").split("+")
    return str(int(left) * int(right) if "*" in text else int(left) + int(right))


def many(count: int) -> list[dict[str, Any]]:
    return [
        {"id": f"q{n}", "category": "add", "question": f"{n}+1", "answer": str(n + 1)}
        for n in range(count)
    ]


def test_no_worker_asks_while_one_of_them_is_told_to_wait(
    arith_suite: ArithSuite, start: Start, tmp_path: Path
) -> None:
    refused_at: list[float] = []
    seen: set[int] = set()

    def refuse_once(payload: Mapping[str, Any]) -> str | Reply:
        # Each of two workers takes every other document.
        number = int(payload["messages"][-1]["content"].partition("+")[0])
        seen.add(number % 2)
        if len(seen) == 2 and not refused_at:
            refused_at.append(time.time())
            return Reply(status=429, text="later", headers={"Retry-After": "1"})
        return right(payload)

    log = tmp_path / "requests.jsonl"
    server = start(refuse_once, latency_s=0.02, log=log)

    arith_suite.task(rows=many(200))
    arith_suite.run(
        "--model", "openai", "--model-args", f"model=m,base_url={server.url}",
        "-n", "2", "--max-concurrency", "4",
    )  # fmt: skip

    (refused,) = refused_at
    sent = [json.loads(line)["at"] - refused for line in log.read_text().splitlines()]
    assert len(sent) == 201
    # What was on its way, and what was sent before the others looked.
    assert [at for at in sent if 0.15 < at < 0.95] == []
    assert sum(at > 0.95 for at in sent) > 100
    assert arith_suite.score() == 1.0
    assert list(arith_suite.folders[-1].glob("journal/pause*")) == []


def test_an_attempt_that_failed_is_made_again_and_counted(
    arith_suite: ArithSuite, start: Start
) -> None:
    asked: list[str] = []

    def fail_first(payload: Mapping[str, Any]) -> str | Reply:
        text = payload["messages"][-1]["content"]
        asked.append(text)
        if asked.count(text) == 1:
            return Reply(status=500, text="out of order")
        return right(payload)

    url = start(fail_first).url
    arith_suite.run(
        "--model", "openai",
        "--model-args", f"model=m,base_url={url},retry_backoff_s=0.01",
    )  # fmt: skip

    assert len(asked) == 12
    assert {sample["attempts"] for sample in arith_suite.samples()} == {2}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_endpoint_that_refuses_us_stops_the_run_with_one_line(
    arith_suite: ArithSuite, start: Start, status: int
) -> None:
    server = start(lambda _: Reply(status=status, text="not for you"))

    result = arith_suite.run(
        "--model", "openai", "--model-args", f"model=m,base_url={server.url}",
        "--max-concurrency", "1",
    )  # fmt: skip

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"!*answered {status}: not for you*"])
    assert len(server.received) == 1
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("args", ["model=m", "model=m,stream=true"])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_after_an_answer_is_its_documents_error(
    arith_suite: ArithSuite, start: Start, status: int, args: str
) -> None:
    def refuse_one(payload: Mapping[str, Any]) -> str | Reply:
        if payload["messages"][-1]["content"] == "2*3=":
            return Reply(status=status, text="not for you")
        return right(payload)

    server = start(refuse_one)

    result = arith_suite.run(
        "--model", "openai", "--model-args", f"{args},base_url={server.url}",
        "--max-concurrency", "1",
    )  # fmt: skip

    errors = [one["error"] for one in arith_suite.samples() if one["status"] == "error"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(server.received) == 6
    assert len(errors) == 1
    assert f"answered {status}: not for you" in errors[0]
    assert arith_suite.score() == 1.0


def test_a_content_filter_that_answers_403_is_a_documents_error_from_the_first(
    arith_suite: ArithSuite, start: Start
) -> None:
    metadata = {"flagged_input": "0+0"}
    error = {"message": "flagged", "code": 403, "metadata": metadata}
    server = start(
        lambda _: Reply(status=403, body=json.dumps({"error": error}).encode())
    )

    result = arith_suite.run(
        "--model", "openai", "--model-args", f"model=m,base_url={server.url}",
        "--max-concurrency", "1",
    )  # fmt: skip

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(server.received) == 6
    assert {sample["status"] for sample in arith_suite.samples()} == {"error"}


@pytest.mark.parametrize("status", [400, 422])
def test_a_request_that_is_refused_is_made_once_and_is_its_documents_error(
    arith_suite: ArithSuite, start: Start, status: int
) -> None:
    def refuse_one(payload: Mapping[str, Any]) -> str | Reply:
        if payload["messages"][-1]["content"] == "2*3=":
            return Reply(status=status, text="too hard")
        return right(payload)

    server = start(refuse_one)

    result = arith_suite.run(
        "--model", "openai", "--model-args", f"model=m,base_url={server.url}"
    )

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(server.received) == 6
    assert arith_suite.results()["coverage"]["arith"]["errors"] == 1
    assert arith_suite.score() == 1.0


def test_retrying_ends_where_the_command_line_says(
    arith_suite: ArithSuite, start: Start
) -> None:
    headers = {"Retry-After": "30"}
    server = start(lambda _: Reply(status=429, text="later", headers=headers))

    result = arith_suite.run(
        "--model", "openai", "--model-args", f"model=m,base_url={server.url}",
        "--limit", "1", "--retry-total", "20",
    )  # fmt: skip

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(server.received) == 1
    assert (
        "30 s to wait after 0 s, 20 s are allowed" in arith_suite.samples()[0]["error"]
    )
