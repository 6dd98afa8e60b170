"""Runs with a response cache: what is asked again, and what is told of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.engine.answer_file import AnswerFile

if TYPE_CHECKING:
    from pytest_evalkit.mockserver import MockServer
    from tests.e2e.conftest import ArithSuite, Start

    Running = subprocess.Popen[bytes]

_DEADLINE_S = 120
_CACHE = ("--use-cache", "cache")
# A local model, which notes what it is asked.
_STAND_IN = """
from pytest_evalkit import Response
from pytest_evalkit.models.backend import Identity

class Model:
    is_local = True
    model_name = "stand-in"

    def __init__(self, *, slip: int = 0):
        self.slip = slip

    def describe(self):
        return {"model": self.model_name}

    async def load(self):
        pass

    async def identity(self):
        return Identity(facts={"model": self.model_name, "slip": self.slip}, temperature=0)

    async def generate(self, request):
        with open("asked", "a") as file:
            file.write(f"{request.origin.doc_id}\\n")
        return Response(text=request.messages[-1].text.removesuffix("="))

    async def aclose(self):
        pass
"""
_LIKELY: Mapping[str, Any] = {
    "doc_to_choice": ["4", "5"],
    "doc_to_target": 0,
    "output_type": "multiple_choice",
    "metric_list": [{"metric": "acc"}],
}


def asking(server: MockServer, name: str = "openai", more: str = "") -> Sequence[str]:
    return ("--model", name, "--model-args", f"model=m,base_url={server.url}{more}")


def without_run(sample: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a sample when it ran and what it cost that run."""
    of_run = {"timing", "request_latency_s", "attempts", "recalled"}
    return {key: value for key, value in sample.items() if key not in of_run}


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_second_run_asks_nothing_and_scores_the_same(
    arith_suite: ArithSuite, start: Start, workers: Sequence[str]
) -> None:
    first, second = start(), start()

    arith_suite.run(*asking(first), *_CACHE)
    # Another port, another key, and another number of processes.
    result = arith_suite.run(*asking(second, more=",api_key=k"), *_CACHE, *workers)

    result.assert_outcomes(passed=6)
    assert (first.requests, second.requests) == (6, 0)
    result.stdout.fnmatch_lines(["cache   6 hits, 0 misses, 0 stores"])
    before, after = (arith_suite.results(run) for run in (0, 1))
    assert before["results"] == after["results"]
    assert before["cache"] == {"hits": 0, "misses": 6, "stores": 6, "sampled": 0}
    assert after["cache"] == {"hits": 6, "misses": 0, "stores": 0, "sampled": 0}
    assert after["latency"] == {}
    assert after["usage"]["documents_with_counts"] == 0
    was, now = arith_suite.samples(run=0), arith_suite.samples(run=1)
    assert list(map(without_run, was)) == list(map(without_run, now))
    for asked, recalled in zip(was, now, strict=True):
        assert "recalled" not in asked
        assert recalled["attempts"] == 0
        assert recalled["recalled"] == {
            "requests": 1,
            "token_counts": asked["token_counts"],
            "latency_s": asked["request_latency_s"],
        }


def test_only_what_was_not_answered_is_asked_again(
    arith_suite: ArithSuite, start: Start
) -> None:
    server = start()

    arith_suite.run(*asking(server), *_CACHE, "-k", "multiply")
    part = server.requests
    arith_suite.run(*asking(server), *_CACHE)

    assert (part, server.requests) == (3, 6)
    assert arith_suite.results()["cache"] == {
        "hits": 3,
        "misses": 3,
        "stores": 3,
        "sampled": 0,
    }


def test_likelihoods_are_kept_too(arith_suite: ArithSuite, start: Start) -> None:
    arith_suite.task(**_LIKELY)
    server = start(lambda _: "4")
    likely = asking(server, "openai-completions", ",tokenizer=none")

    arith_suite.run(*likely, *_CACHE)
    asked, score = server.requests, arith_suite.score(metric="acc")
    arith_suite.run(*likely, *_CACHE)

    assert asked > 0
    assert server.requests == asked
    assert arith_suite.score(metric="acc") == score
    assert arith_suite.results()["cache"]["hits"] == 12


def test_a_hosted_model_is_known_as_the_same_without_workers(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write("stand_in.py", _STAND_IN)
    model = ("--model", "stand_in:Model", *_CACHE)

    arith_suite.run(*model, "-n", "2")
    hosted = len(arith_suite.noted("asked"))
    arith_suite.run(*model)
    recalled = len(arith_suite.noted("asked"))
    arith_suite.run(*model, "--model-args", "slip=1")

    assert (hosted, recalled, len(arith_suite.noted("asked"))) == (6, 6, 12)


def test_sampled_answers_are_kept_where_that_is_asked_for(
    arith_suite: ArithSuite, start: Start
) -> None:
    server = start()
    sampled = (*asking(server), *_CACHE, "--gen-kwargs", "temperature=0.7")

    result = arith_suite.run(*sampled)
    arith_suite.run(*sampled, "--cache-sampled", "--repeats", "2")
    asked = server.requests
    arith_suite.run(*sampled, "--cache_sampled", "--repeats", "2")

    result.stdout.fnmatch_lines(["cache   0 hits, 0 misses, 0 stores; 6 requests *"])
    assert (asked, server.requests) == (18, 18)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--model", "oracle", *_CACHE), "*model 'oracle' does not tell what its*"),
        (
            ("--model", "oracle", "--cache-sampled"),
            "*--cache-sampled needs --use-cache*",
        ),
    ],
)
def test_a_cache_without_effect_is_refused(
    arith_suite: ArithSuite, options: Sequence[str], told: str
) -> None:
    result = arith_suite.run(*options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])


def test_a_fixture_without_identity_is_refused(arith_suite: ArithSuite) -> None:
    arith_suite.model("answer = target_of")

    result = arith_suite.run(*_CACHE)

    result.stdout.fnmatch_lines(["*model 'mock' does not tell what its answers*"])
    assert result.ret != 0


def test_a_cache_that_cannot_be_used_is_told_before_anything_is_asked(
    arith_suite: ArithSuite, start: Start
) -> None:
    arith_suite.write("cache/responses.sqlite", "my notes")
    server = start()

    result = arith_suite.run(*asking(server), *_CACHE, "-n", "2")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = [line for line in result.errlines if "the response cache" in line]
    assert len(told) == 1
    assert "file is not a database" in told[0]
    assert server.requests == 0


def test_a_cache_that_fails_on_the_way_costs_no_answer(
    arith_suite: ArithSuite, start: Start
) -> None:
    server = start()
    arith_suite.run(*asking(server), *_CACHE)
    with closing(AnswerFile(arith_suite.root / "cache", create=False)) as file:
        file.change("UPDATE answers SET checksum = 0", ())

    result = arith_suite.run(*asking(server), *_CACHE)

    result.assert_outcomes(passed=6)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["ERROR: the response cache *an answer in it is damaged*"]
    )
    assert server.requests == 12
    assert arith_suite.results()["coverage"]["arith"]["scored"] == 6


def many(arith_suite: ArithSuite, count: int) -> None:
    rows = [
        {"id": f"q{n}", "category": "", "question": f"{n}+1", "answer": str(n + 1)}
        for n in range(count)
    ]
    arith_suite.task(rows=rows)


def begin(arith_suite: ArithSuite, server: MockServer, *more: str) -> Running:
    """Start a run in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", *asking(server), *_CACHE, *more],
        cwd=arith_suite.root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.DEVNULL,
    )


def kept(arith_suite: ArithSuite) -> int:
    """Count the answers in the cache, after making sure that it is sound."""
    with closing(AnswerFile(arith_suite.root / "cache", create=True)) as file:
        assert list(file.rows("PRAGMA integrity_check")) == [("ok",)]
        ((count,),) = file.rows("SELECT count(*) FROM answers")
    return int(count)


def test_two_runs_at_once_share_a_cache(arith_suite: ArithSuite, start: Start) -> None:
    server = start(latency_s=0.01)
    many(arith_suite, 80)

    runs = [begin(arith_suite, server, "--output-path", f"out{n}") for n in range(2)]
    assert [run.wait(_DEADLINE_S) for run in runs] == [0, 0]
    asked = server.requests
    arith_suite.run(*asking(server), *_CACHE)

    assert 80 <= asked <= 160
    assert server.requests == asked
    assert arith_suite.score() == 1.0
    assert kept(arith_suite) == 80


def test_a_run_that_is_killed_leaves_its_answers(
    arith_suite: ArithSuite, start: Start
) -> None:
    server = start(latency_s=0.2)
    many(arith_suite, 400)

    run = begin(arith_suite, server, "--max-concurrency", "4")
    deadline = time.monotonic() + _DEADLINE_S
    while (there := kept(arith_suite)) < 20 and time.monotonic() < deadline:
        time.sleep(0.02)
    run.kill()
    run.wait(_DEADLINE_S)
    server.behaviour = replace(server.behaviour, latency_s=0.0)
    arith_suite.run(*asking(server), *_CACHE)

    assert there >= 20
    assert run.returncode == -signal.SIGKILL
    assert arith_suite.score() == 1.0
    assert arith_suite.results()["cache"]["hits"] >= there
    assert kept(arith_suite) == 400
