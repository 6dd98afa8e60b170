"""Runs of pytest, compared by ``evalkit compare``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.cli import main

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_ALL_RIGHT = "def answer(request): return Response(text=target_of(request))"
_SUMS_WRONG = """
def answer(request):
    question = request.messages[-1].text
    right = target_of(request)
    return Response(text="0" if "+" in question and right != "0" else right)
"""
_PAIRS = [
    {"id": f"q{n}", "pair": f"p{n // 2}", "question": f"{n}+{n}", "answer": str(2 * n)}
    for n in range(8)
]
_SCORER = """
def scores(doc, results):
    return {"pairs": {"pair": doc["pair"], "score": float(results[0] == doc["answer"])}}

def share(values):
    pairs = {}
    for value in values:
        pairs.setdefault(value["pair"], []).append(value["score"])
    assert all(len(own) == 2 for own in pairs.values())
    return sum(min(own) for own in pairs.values()) / len(pairs)
"""


def compared(suite: ArithSuite, capsys: Any, *options: str) -> dict[str, Any]:
    """Compare the last two runs."""
    capsys.readouterr()
    runs = [str(folder) for folder in suite.folders[-2:]]

    status = main(["compare", *runs, "--format", "json", *options])

    out, err = capsys.readouterr()
    assert status == 0, err
    (comparison,) = json.loads(out)["comparisons"]
    return dict(comparison)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_documents_of_two_runs_are_matched_and_tested(
    arith_suite: ArithSuite,
    capsys: pytest.CaptureFixture[str],
    workers: tuple[str, ...],
) -> None:
    arith_suite.task()
    arith_suite.model(_ALL_RIGHT)
    arith_suite.run()
    arith_suite.model(_SUMS_WRONG)
    arith_suite.run_apart(*workers)

    found = compared(arith_suite, capsys)

    (change,) = found["changes"]
    # Of six, q2 and q4 are sums of more than nothing.
    assert change["difference"] == pytest.approx(-2 / 6)
    assert [flip["document"] for flip in change["flips"]] == ["q2", "q4"]
    assert change["by_category"] == {"category": {"add": [0, 2]}}
    assert found["divergences"] == []


def test_a_changed_prompt_is_warned_of_and_other_documents_are_refused(
    arith_suite: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    arith_suite.task()
    arith_suite.model(_ALL_RIGHT)
    arith_suite.run_apart()
    arith_suite.task(doc_to_text="What is {{question}}?")
    arith_suite.run_apart()

    found = compared(arith_suite, capsys)

    assert [each["message"] for each in found["divergences"]] == [
        "6 of 6 documents were asked otherwise"
    ]
    arith_suite.task(rows=[{**row, "answer": "7"} for row in _PAIRS[:6]], metadata=None)
    arith_suite.run_apart()
    runs = [str(folder) for folder in arith_suite.folders[-2:]]
    assert main(["compare", *runs]) == 4
    assert "6 of 6 documents are others" in capsys.readouterr().err


def test_an_aggregation_of_the_task_is_found_in_its_file(
    arith_suite: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    path = arith_suite.task(
        rows=_PAIRS,
        process_results="SCORES",
        metric_list=[{"metric": "pairs", "aggregation": "SHARE"}],
        metadata={"group_by": "pair"},
    )
    text = path.read_text(encoding="utf-8")
    text = text.replace("SCORES", "!function utils.scores")
    path.write_text(text.replace("SHARE", "!function utils.share"), encoding="utf-8")
    arith_suite.write("arith/utils.py", _SCORER)
    arith_suite.model(_ALL_RIGHT)
    arith_suite.run_apart()
    arith_suite.model(
        "def answer(request): return Response(text=target_of(request)[-1])"
    )
    arith_suite.run_apart()

    found = compared(arith_suite, capsys)

    # Sums from ten on are wrong: q5 to q7, so two of four pairs.
    (change,) = found["changes"]
    assert change["values"] == [1.0, 0.5]
    assert change["method"] == "paired bootstrap"
    assert change["clusters"] == 4
    (row,) = arith_suite.results()["aggregates"]["arith"]
    assert row["clusters"] == 4
    assert row["method"].startswith("bootstrap")
