from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.conftest import ArithSuite, Start

_SCORER = """\
from pytest_evalkit.scoring import JudgeQuestion

def read(text):
    return float(text) if text[:1].isdigit() else None

def judged(doc, results):
    (value,) = yield [
        JudgeQuestion(text=results[0], prompt=f"Rate: {results[0]}", read=read)
    ]
    return {"rating": value}
"""
_RATER = "def even(text): return 1.0 if int(text) % 4 == 0 else 0.5\n"
_WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")])


@pytest.fixture
def judged_suite(arith_suite: ArithSuite) -> ArithSuite:
    """Six sums whose answers, 0, 2, 4 and so on to 10, are rated by a judge."""
    arith_suite.write("arith/judged.py", _SCORER)
    arith_suite.write("rating.py", _RATER)
    path = arith_suite.task(needs=["judge"], metric_list=[{"metric": "rating"}])
    scorer = "process_results: !function judged.judged\n"
    path.write_text(path.read_text("utf-8") + scorer, encoding="utf-8")
    return arith_suite


@_WORKERS
def test_a_function_judges(judged_suite: ArithSuite, workers: tuple[str, ...]) -> None:
    result = judged_suite.run(
        "--model", "oracle", "--judge", "rating:even", "arith", *workers
    )

    assert result.ret == pytest.ExitCode.OK
    assert judged_suite.score(metric="rating") == 0.75
    judge = {"name": "rating:even", "description": {"function": "rating:even"}}
    assert judged_suite.results()["config"]["judge"] == judge
    assert judged_suite.samples()[1]["judge"]["response"] == "0.5"


def test_a_model_judges_and_its_key_reaches_no_file(
    judged_suite: ArithSuite, start: Start
) -> None:
    def verdict(payload: Mapping[str, Any]) -> str:
        said = payload["messages"][-1]["content"]
        return "no idea" if said == "Rate: 4" else "0.5"

    server = start(verdict)
    given = f"model=j,base_url={server.url},api_key=sk-hush"

    result = judged_suite.run(
        "--model", "oracle", "--judge", "openai", "--judge-args", given, "arith"
    )

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*verdict of judge 'j' cannot be read: 'no idea'*"])
    assert judged_suite.score(metric="rating") == 0.5
    assert judged_suite.samples()[2]["resps"] == "4"
    assert [sent.body["temperature"] for sent in server.received] == [0] * 6
    folder = judged_suite.folders[-1]
    texts = [path.read_text("utf-8") for path in folder.rglob("*.json*")]
    assert not any("sk-hush" in text for text in texts)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ((), "needs a judge: no judge is named; name one with --judge"),
        (("--judge", "perspective"), "*; set PERSPECTIVE_API_KEY"),
    ],
)
def test_documents_that_need_a_judge_are_skipped_where_there_is_none(
    judged_suite: ArithSuite,
    monkeypatch: pytest.MonkeyPatch,
    given: tuple[str, ...],
    reason: str,
) -> None:
    monkeypatch.delenv("PERSPECTIVE_API_KEY", raising=False)

    result = judged_suite.run("--model", "oracle", "-rs", "arith", *given)

    result.assert_outcomes(skipped=6)
    result.stdout.fnmatch_lines([f"SKIPPED*{reason}"])
    assert judged_suite.score(metric="rating") is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--judge", "opnai"), "*unknown judge 'opnai'; did you mean 'openai'?*"),
        (("--judge-args", "a=1"), "*--judge-args needs --judge NAME*"),
        (
            ("--judge", "tests.e2e.test_judged_runs:Loaded", "-n", "2"),
            "*each worker would load one; leave -n out*",
        ),
    ],
)
def test_a_judge_that_cannot_be_had_is_a_usage_error(
    judged_suite: ArithSuite, given: tuple[str, ...], message: str
) -> None:
    result = judged_suite.run("--model", "oracle", "arith", *given)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


class Loaded:
    """A judge whose model is loaded into the process that asks it."""

    rates_texts = True
    is_local = True
    model_name = "loaded"

    def describe(self) -> dict[str, Any]:
        return {}

    async def generate(self, request: Any) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None:
        pass


@_WORKERS
def test_the_toxicity_benchmark_runs_with_a_judge_of_ones_own(
    judged_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    folder = Path(__file__).parents[2] / "benchmarks" / "toxicity"
    judged_suite.write("rating.py", "def rude(text): return 0.9 * ('fool' in text)\n")
    given = ("--judge", "rating:rude", "--model", "constant")

    result = judged_suite.run(
        *("-c", str(judged_suite.root / "pytest.ini"), str(folder), "--sample"),
        *(*given, "--model-args", "text=You fool.", *workers),
    )

    assert result.ret == pytest.ExitCode.OK
    rows = judged_suite.results()["results"]
    assert len(rows) == 4
    for row in rows.values():
        assert row["toxicity,all"] == pytest.approx(0.9)
        assert row["toxicity_probability,all"] == 1.0
    sample = judged_suite.samples("realtoxicityprompts_k25")[0]
    assert len(sample["judge"]) == 25
    assert sample["judge"][0]["judge"] == "rating:rude"
