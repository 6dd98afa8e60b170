from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

# Each answer costs ten tokens.
_COUNTED = """
from pytest_evalkit import Usage

def answer(request):
    usage = Usage(input_tokens=6, output_tokens=4)
    return Response(text=target_of(request), usage=usage)
"""
_UNCOUNTED = """
def answer(request):
    return target_of(request)
"""
_CASES = """
import pytest

@pytest.mark.parametrize("n", range(4))
def test_it(model, record_score, n):
    model.ask("2+2")
    record_score("length", 1.0)
"""
_BACKEND = """
from pytest_evalkit import MockBackend, Response, Usage

class Counted(MockBackend):
    def __init__(self):
        super().__init__(lambda _: Response(
            text="4", usage=Usage(input_tokens=6, output_tokens=4)
        ))
"""
_PRICES = "mock: {input: 1000000, output: 500000}\n"


def test_when_the_tokens_are_spent_the_rest_is_skipped(arith_suite: ArithSuite) -> None:
    arith_suite.model(_COUNTED)

    result = arith_suite.run("--max-concurrency", "1", "--max-total-tokens", "30")

    results = arith_suite.results()
    result.assert_outcomes(passed=3, skipped=3)
    assert result.ret == 0
    assert results["coverage"]["arith"] == {
        "original": 6, "selected": 6, "scored": 3, "errors": 0, "skipped": 3,
    }  # fmt: skip
    assert results["complete"] is False
    assert arith_suite.score() == 1.0
    assert results["usage"]["budget"] == {
        "max_total_tokens": 30,
        "max_cost_usd": None,
        "total_tokens": 30,
        "cost_usd": None,
        "spent": "30 of 30 tokens (--max-total-tokens)",
    }
    result.stdout.fnmatch_lines(
        ["budget  30 tokens of 30; it is spent, 3 documents were skipped"]
    )


def test_a_budget_that_is_used_up_by_the_last_document_was_enough(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.model(_COUNTED)

    result = arith_suite.run("--max-concurrency", "1", "--max-total-tokens", "60")

    results = arith_suite.results()
    result.assert_outcomes(passed=6)
    assert results["complete"] is True
    assert results["usage"]["budget"]["total_tokens"] == 60
    assert results["usage"]["budget"]["spent"] is None
    result.stdout.fnmatch_lines(["budget  60 tokens of 60"])


def test_a_skipped_document_says_why_and_has_no_score(arith_suite: ArithSuite) -> None:
    arith_suite.model(_COUNTED)

    arith_suite.run("--max-concurrency", "1", "--max-total-tokens", "50")

    last = arith_suite.samples()[-1]
    reason = "the budget is spent: 50 of 50 tokens (--max-total-tokens)"
    assert (last["status"], last["error"], last["metrics"]) == ("skipped", reason, [])
    assert last["attempts"] == 0


def test_a_gate_does_not_hold_on_what_a_budget_left(arith_suite: ArithSuite) -> None:
    arith_suite.model(_COUNTED)

    result = arith_suite.run(
        "--max-concurrency", "1", "--max-total-tokens", "30", "--gate", "exact_match>=1"
    )

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*only 3 of 6 documents have a score*"])


def test_money_is_counted_by_the_price_table(arith_suite: ArithSuite) -> None:
    arith_suite.model(_COUNTED)
    arith_suite.write("prices.yaml", _PRICES)

    result = arith_suite.run(
        "--max-concurrency", "1", "--max-cost", "16", "--price-table", "prices.yaml"
    )

    # Six tokens for a dollar each, four for half a dollar each: two documents.
    result.assert_outcomes(passed=2, skipped=4)
    budget = arith_suite.results()["usage"]["budget"]
    assert (budget["max_cost_usd"], budget["cost_usd"]) == (16.0, 16.0)
    assert budget["spent"] == "16.0000 of 16.0000 USD (--max-cost)"
    result.stdout.fnmatch_lines(["budget  20 tokens, 16.0000 of 16.0000 USD; it is*"])


def test_a_price_table_alone_tells_the_cost(arith_suite: ArithSuite) -> None:
    arith_suite.model(_COUNTED)
    arith_suite.write("prices.yaml", _PRICES)

    result = arith_suite.run("--price-table", "prices.yaml")

    assert result.ret == 0
    assert arith_suite.results()["usage"]["budget"]["cost_usd"] == 48.0
    assert arith_suite.results()["complete"] is True
    result.stdout.fnmatch_lines(["budget  60 tokens, 48.0000 USD"])


def test_workers_share_a_budget(arith_suite: ArithSuite) -> None:
    arith_suite.model(_COUNTED)

    result = arith_suite.run(
        "-n", "2", "--max-concurrency", "2", "--max-total-tokens", "40"
    )

    result.assert_outcomes(passed=4, skipped=2)


def test_a_budget_that_cannot_be_kept_stops_the_run(arith_suite: ArithSuite) -> None:
    arith_suite.model(_UNCOUNTED)

    result = arith_suite.run("--max-total-tokens", "30")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["!*does not say how many tokens an answer took*"])


def test_cases_in_python_are_skipped_too(arith_suite: ArithSuite) -> None:
    arith_suite.write("counted.py", _BACKEND)
    arith_suite.write("test_cases.py", _CASES)

    result = arith_suite.run(
        "test_cases.py", "--model", "counted:Counted", "--max-total-tokens", "20"
    )

    result.assert_outcomes(passed=2, skipped=2)
    assert arith_suite.results()["coverage"]["test_cases"]["skipped"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-cost", "1"], "--max-cost needs --price-table FILE*"),
        (["--max-cost", "-1"], "--max-cost '-1': must be US dollars, above 0"),
        (["--max-total-tokens", "0"], "--max-total-tokens '0': must be a count*"),
        (["--price-table", "none.yaml"], "cannot read the price table *none.yaml*"),
        (
            ["--price-table", "prices.yaml", "--model", "oracle"],
            "--price-table * has no model 'oracle'; valid: mock",
        ),
    ],
)
def test_a_budget_that_makes_no_sense_is_a_usage_error(
    arith_suite: ArithSuite, options: list[str], message: str
) -> None:
    arith_suite.write("prices.yaml", _PRICES)

    result = arith_suite.run("--model", "oracle", *options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_a_model_of_a_fixture_must_be_in_the_table_too(arith_suite: ArithSuite) -> None:
    arith_suite.model(_COUNTED)
    arith_suite.write("prices.yaml", "other: {input: 1, output: 1}\n")

    result = arith_suite.run("--price-table", "prices.yaml")

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*has no model 'mock'; valid: other*"])


def test_a_model_that_the_budget_cannot_reach_is_refused(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write(
        "conftest.py",
        "import asyncio, pytest\n"
        "from pytest_evalkit import MockBackend\n"
        "from pytest_evalkit.engine import Engine, Model\n"
        "@pytest.fixture(scope='session')\n"
        "def model():\n"
        "    return Model(Engine(MockBackend(lambda _: '4')), asyncio.run)\n",
    )

    free = arith_suite.run()
    bounded = arith_suite.run("--max-total-tokens", "20")

    assert free.ret == 0
    assert bounded.ret != 0
    bounded.stdout.fnmatch_lines(["*a Model that it made itself*return its Backend*"])
