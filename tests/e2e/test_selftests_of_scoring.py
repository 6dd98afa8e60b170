"""``--selftest``: its checks of scoring, each seen failing on a broken task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.selftesting import (
    CHOICE,
    QUESTIONS,
    choosing,
    failing,
    outcomes,
    scored_by,
    selftest,
)

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_RAISING = """
def process_results(doc, results):
    return {"exact_match": doc["nothing"]}
"""

_HALF = """
def process_results(doc, results):
    return {"exact_match": 0.5 * float(results[0] == doc["answer"])}
"""

_RIGHT_ONCE = """
seen = set()

def process_results(doc, results):
    is_first = doc["id"] not in seen
    seen.add(doc["id"])
    return {"exact_match": float(is_first and results[0] == doc["answer"])}
"""

_BY_ORDER = """
last = []

def process_results(doc, results):
    last.append(doc["id"])
    return {"exact_match": 1.0, "place": float(len(last) % 3)}
"""

_CHANGING = """
def process_results(doc, results):
    right = doc["answer"]
    doc["answer"] = results[0]
    return {"exact_match": float(results[0] == right)}
"""

_EMPTY_IS_A = """
def process_results(doc, results):
    answer = results[0] or "A"
    return {"exact_match": float(answer == doc["answer"])}
"""

_UPSIDE_DOWN = """
def process_results(doc, results):
    return {"total": float(results[0] != doc["answer"])}

def total(values):
    return sum(values)
"""


@pytest.mark.parametrize(
    ("code", "check", "line"),
    [
        (_RAISING, "oracle", "document q0: scorer raised KeyError: 'nothing' (*"),
        (
            _HALF,
            "oracle",
            "exact_match,none: * get 0.5, but the maximum is 1; document q0 gets 0.5 (*",
        ),
        (_RIGHT_ONCE, "scorer", "document q?: scored *, and scored in another order *"),
        (_BY_ORDER, "scorer", "document q?: scored *, and scored *"),
        (_CHANGING, "scorer", "scoring changes document q*"),
    ],
)
def test_a_scorer_at_fault_is_told_in_one_line(
    arith_suite: ArithSuite, code: str, check: str, line: str
) -> None:
    scored_by(arith_suite, code)

    result = selftest(arith_suite, "-v")

    assert result.ret == 1
    assert check in failing(result)
    result.stdout.fnmatch_lines([f"*arith?selftest-{check}?*", line])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_target_that_nobody_can_say_fails_the_oracle(arith_suite: ArithSuite) -> None:
    rows = [{"question": "q", "answer": {"x": n}} for n in range(3)]
    arith_suite.task(rows=rows, doc_to_target="answer", metadata={})

    result = selftest(arith_suite, "-v")

    assert "oracle" in failing(result)
    result.stdout.fnmatch_lines(["document 0: *which the oracle cannot say*"])


def test_a_maximum_can_be_said(arith_suite: ArithSuite) -> None:
    scored_by(arith_suite, _HALF, metadata={"maximum": {"exact_match": 0.5}})

    assert selftest(arith_suite).ret == 0


@pytest.mark.parametrize(
    ("maximum", "line"),
    [
        ({"exact_match": 2}, "exact_match,none: the best answers get 1.0, but the*2*"),
        ({"exat": 1}, "metadata.maximum: the task has no metric 'exat'"),
        (
            {"exact_match": "all"},
            "metadata.maximum: exact_match is 'all', not a number",
        ),
        ([1], "metadata.maximum maps metrics to numbers, not ?1?"),
    ],
)
def test_a_wrong_maximum_is_told(
    arith_suite: ArithSuite, maximum: Any, line: str
) -> None:
    arith_suite.task(metadata={"maximum": maximum})

    result = selftest(arith_suite, "-v")

    assert failing(result) == {"oracle"}
    result.stdout.fnmatch_lines([line])


def test_a_total_that_falls_with_right_answers_fails_the_oracle(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write("arith/utils.py", _UPSIDE_DOWN)
    path = arith_suite.task(metric_list=None)
    path.write_text(
        f"{path.read_text()}process_results: !function utils.process_results\n"
        "metric_list: [{metric: total, aggregation: !function utils.total, "
        "higher_is_better: true}]\n"
    )

    result = selftest(arith_suite, "-v")

    assert failing(result) == {"oracle"}
    result.stdout.fnmatch_lines(
        ["total,none: the best answers get 0, worthless ones 6*"]
    )


def test_a_metric_without_a_document_fails_the_oracle(arith_suite: ArithSuite) -> None:
    scored_by(
        arith_suite,
        "def process_results(doc, results):\n    return {'a': 1.0}\n",
        metric_list=[{"metric": "a"}, {"metric": "b"}],
    )

    result = selftest(arith_suite, "-v")

    assert failing(result) == {"oracle"}
    result.stdout.fnmatch_lines(["no document here has a value of metric 'b'"])


def test_an_empty_answer_that_is_right_fails_the_chance(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write("arith/utils.py", _EMPTY_IS_A)
    path = arith_suite.task(rows=QUESTIONS, **{**CHOICE, "filter_list": None})
    path.write_text(
        f"{path.read_text()}process_results: !function utils.process_results\n"
    )

    result = selftest(arith_suite, "-v")

    assert failing(result) == {"chance"}
    result.stdout.fnmatch_lines(
        ["exact_match,none: document q0 gives 1 for an empty answer"]
    )


def test_a_wrong_option_that_is_right_fails_the_chance(arith_suite: ArithSuite) -> None:
    code = """
def process_results(doc, results):
    return {"exact_match": float(results[0] in (doc["answer"], "D"))}
"""
    scored_by(arith_suite, code, rows=QUESTIONS, **{**CHOICE, "filter_list": None})

    result = selftest(arith_suite, "-v")

    assert failing(result) == {"chance"}
    result.stdout.fnmatch_lines(
        ["exact_match,none: document q0 gives 1 for the answer 'D', whose right *"]
    )


def test_yes_or_no_is_a_closed_question(arith_suite: ArithSuite) -> None:
    rows = [
        {"id": f"q{n}", "question": f"Is it {n}?", "answer": ("Yes", "No.")[n % 2]}
        for n in range(6)
    ]
    code = """
def process_results(doc, results):
    says_yes = "yes" in results[0].lower() or "no" in results[0].lower()
    return {"exact_match": float(says_yes)}
"""
    scored_by(arith_suite, code, rows=rows, metadata={})

    result = selftest(arith_suite, "-v")

    assert failing(result) == {"chance"}
    result.stdout.fnmatch_lines(
        ["*document q1 gives 1 for the answer 'Yes', whose right score is 0 *"]
    )


def test_draws_that_are_right_too_often_fail_the_chance(
    arith_suite: ArithSuite,
) -> None:
    choosing(arith_suite, metadata={"chance": {"exact_match": 0.5}})

    result = selftest(arith_suite, "-v")

    assert failing(result) == {"chance"}
    result.stdout.fnmatch_lines(
        [
            "exact_match,letter: 320 random answers get 0.2*, but chance is 0.500 ± 0.028*"
        ]
    )


def test_a_level_of_chance_can_be_said_or_denied(arith_suite: ArithSuite) -> None:
    choosing(arith_suite, metadata={"chance": {"exact_match": 0.25}})
    said = selftest(arith_suite, "-v")
    choosing(arith_suite, metadata={"chance": False})
    denied = selftest(arith_suite, "-v")

    assert outcomes(said)["chance"] == "PASSED"
    assert outcomes(denied)["chance"] == "SKIPPED"


def test_options_are_said_as_the_ideal_answer_says_them(
    arith_suite: ArithSuite,
) -> None:
    choosing(
        arith_suite,
        doc_to_ideal="The answer is {{answer}}",
        filter_list=[
            {
                "name": "stated",
                "filter": [
                    {"function": "regex", "regex_pattern": "answer is ([A-D])"},
                    {"function": "take_first"},
                ],
            }
        ],
    )

    result = selftest(arith_suite, "-v")

    assert outcomes(result)["chance"] == "PASSED"


def test_a_variant_with_reasoning_has_the_levels_of_its_task(
    arith_suite: ArithSuite,
) -> None:
    keys: dict[str, Any] = {**CHOICE, "reasoning": True}
    levels: dict[str, dict[str, float]] = {
        "maximum": {"exact_match,letter": 1},
        "chance": {"exact_match": 0.25},
    }
    arith_suite.task(rows=QUESTIONS, **{**keys, "metadata": levels})
    right = outcomes(selftest(arith_suite, "-v"))

    levels["maximum"]["exact_match,letter"] = 2
    arith_suite.task(rows=QUESTIONS, **{**keys, "metadata": levels})
    wrong = failing(selftest(arith_suite, "-v"))

    assert right["oracle"] == right["chance"] == "PASSED"
    assert wrong == {"oracle"}


def test_likelihoods_choose_by_chance_too(arith_suite: ArithSuite) -> None:
    keys = {
        **CHOICE,
        "filter_list": None,
        "output_type": "multiple_choice",
        "doc_to_target": "{{'ABCD'.index(answer)}}",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    }
    arith_suite.task(rows=QUESTIONS, **keys)

    result = selftest(arith_suite, "-v")

    assert result.ret == 0
    assert outcomes(result)["chance"] == "PASSED"
    assert outcomes(result)["oracle"] == "PASSED"


def test_a_filter_that_finds_another_answer_in_its_own_fails(
    arith_suite: ArithSuite,
) -> None:
    choosing(
        arith_suite,
        filter_list=[
            {
                "name": "letter",
                "filter": [
                    {"function": "regex", "regex_pattern": r"The (.+)\.|.(.)"},
                    {"function": "take_first"},
                ],
            }
        ],
    )

    result = selftest(arith_suite, "-v")

    assert "filters" in failing(result)
    result.stdout.fnmatch_lines(
        ["document q0: filter regex makes 'answer is (B)' of *"]
    )
