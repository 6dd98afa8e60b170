"""``--selftest``: sound tasks pass, and each check is seen failing on a broken one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_CHECKS = ["schema", "ids", "prompts", "oracle", "chance", "scorer", "filters"]

_QUESTIONS = [
    {"id": f"q{n}", "question": f"Which? {n}", "options": list("ABCD"), "answer": "ABCD"[n % 4]}
    for n in range(8)
]  # fmt: skip
_CHOICE: Mapping[str, Any] = {
    "doc_to_text": "{{question}}",
    "doc_to_target": "{{answer}}",
    "doc_to_choice": "options",
    "filter_list": [
        {
            "name": "letter",
            "filter": [
                {"function": "regex", "regex_pattern": r"\b([A-D])\b"},
                {"function": "take_first"},
            ],
        }
    ],
    "metadata": {"version": 1.0},
}
_FIRST_IS_RIGHT = """
def process_results(doc, results):
    return {"exact_match": 1.0}
"""
_EMPTY_IS_A = """
def process_results(doc, results):
    answer = results[0] or "A"
    return {"exact_match": float(answer == doc["answer"])}
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
_RAISING = """
def process_results(doc, results):
    return {"exact_match": doc["nothing"]}
"""
_UPSIDE_DOWN = """
def process_results(doc, results):
    return {"total": float(results[0] != doc["answer"])}

def total(values):
    return sum(values)
"""
_HALF = """
def process_results(doc, results):
    return {"exact_match": 0.5 * float(results[0] == doc["answer"])}
"""


def selftest(suite: ArithSuite, *arguments: str) -> pytest.RunResult:
    return suite.run("--selftest", *arguments)


def outcomes(result: pytest.RunResult, task: str = "arith") -> dict[str, str]:
    """What became of each check, by its name."""
    lines = str(result.stdout)
    found = re.findall(rf"::{task}\[selftest-(\w+)\] (PASSED|FAILED|SKIPPED)", lines)
    return dict(found)


def failing(result: pytest.RunResult) -> set[str]:
    return {check for check, word in outcomes(result).items() if word == "FAILED"}


def scored_by(suite: ArithSuite, code: str, **keys: Any) -> None:
    """Give the task a scorer of its own."""
    suite.write("arith/utils.py", code)
    path = suite.task(**keys)
    path.write_text(
        f"{path.read_text()}process_results: !function utils.process_results\n"
    )


def choosing(suite: ArithSuite, **keys: Any) -> None:
    suite.task(rows=keys.pop("rows", _QUESTIONS), **{**_CHOICE, **keys})


def stored(suite: ArithSuite) -> Any:
    return json.loads((suite.root / "arith" / "arith.prompts.json").read_text())


@pytest.mark.parametrize("workers", [(), ("-n", "2"), ("-n", "1")])
def test_a_sound_task_passes_every_check_that_applies(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    choosing(arith_suite)
    arith_suite.run("--selftest-update")

    result = selftest(arith_suite, *workers)

    assert result.ret == 0
    result.assert_outcomes(passed=7)


def test_each_check_is_an_item_of_the_task_file(arith_suite: ArithSuite) -> None:
    result = selftest(arith_suite, "--collect-only", "-q")

    ids = [f"arith/arith.yaml::arith[[]selftest-{check}]" for check in _CHECKS]
    result.stdout.fnmatch_lines(ids)
    assert result.parseoutcomes() == {"tests": 7}


def test_no_model_and_no_results_are_needed(arith_suite: ArithSuite) -> None:
    result = selftest(arith_suite, "-v")

    assert result.ret == 0
    assert arith_suite.folders == []
    assert outcomes(result) == {
        **dict.fromkeys(_CHECKS, "PASSED"),
        "prompts": "SKIPPED",
        "chance": "SKIPPED",
        "filters": "SKIPPED",
    }


def test_one_check_can_be_selected_and_the_failed_one_run_again(
    arith_suite: ArithSuite,
) -> None:
    scored_by(arith_suite, _RAISING)

    one = selftest(arith_suite, "-k", "selftest-ids")
    selftest(arith_suite)
    again = selftest(arith_suite, "--lf")

    one.assert_outcomes(passed=1, deselected=6)
    assert again.parseoutcomes()["failed"] == 1


def test_other_tests_are_left_out(arith_suite: ArithSuite) -> None:
    arith_suite.write("test_plain.py", "def test_a(): assert False\n")

    result = selftest(arith_suite)

    assert result.ret == 0
    assert result.parseoutcomes()["deselected"] == 1


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


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (
            {"doc_to_text": "{{qestion}}"},
            "*arith.yaml:*: the documents have no column 'qestion'; did you mean *",
        ),
        ({"metadata": {"keywords": "kind"}}, "*the documents have no column 'kind'*"),
        ({"metadata": {"group_by": "kind"}}, "*the documents have no column 'kind'*"),
        (
            {"doc_to_text": "{{question.nothing}}"},
            "document q0: *the template failed: *has no attribute 'nothing'",
        ),
    ],
)
def test_a_field_that_does_not_work_fails_the_schema(
    arith_suite: ArithSuite, keys: dict[str, Any], line: str
) -> None:
    arith_suite.task(**keys)

    result = selftest(arith_suite, "-v")

    assert outcomes(result)["schema"] == "FAILED"
    result.stdout.fnmatch_lines([line])


def test_a_task_that_cannot_be_opened_fails_once(arith_suite: ArithSuite) -> None:
    arith_suite.task(doc_to_text="{{qestion}}")

    result = selftest(arith_suite, "-n", "2")

    result.assert_outcomes(failed=1, skipped=6)


def rows_named(*ids: str) -> Iterable[dict[str, Any]]:
    for number, name in enumerate(ids):
        yield {
            "id": name,
            "question": f"{number}+0",
            "answer": str(number),
            "pair": name,
        }


def test_two_documents_of_one_name_fail_the_ids(arith_suite: ArithSuite) -> None:
    arith_suite.task(rows=rows_named("a", "b", "a"), metadata={})

    result = selftest(arith_suite, "-v")

    assert failing(result) == {"ids"}
    result.stdout.fnmatch_lines(
        ["id 'a' names documents 0 and 2 (from 0); name documents by another *"]
    )


def test_documents_that_belong_together_may_share_their_name(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task(rows=rows_named("a", "b", "a"), metadata={"group_by": "pair"})

    assert selftest(arith_suite).ret == 0


def test_two_documents_of_one_content_fail_the_ids(arith_suite: ArithSuite) -> None:
    row = {"question": "1+1", "answer": "2"}
    arith_suite.task(rows=[row, {**row, "answer": "3"}, row], metadata={})

    result = selftest(arith_suite, "-v")

    assert failing(result) == {"ids"}
    result.stdout.fnmatch_lines(["documents 0 and 2 (from 0) are the same*"])


def test_a_prompt_that_is_another_one_is_shown_where_it_differs(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.run("--selftest-update")
    arith_suite.task(doc_to_text="{{question}} =")

    result = selftest(arith_suite, "-v")

    assert failing(result) == {"prompts"}
    result.stdout.fnmatch_lines(["the prompt of document q0 is not that of *became *"])
    assert arith_suite.run("--selftest-update").ret == 0
    assert selftest(arith_suite).ret == 0


def test_the_stored_prompts_are_those_of_first_middle_and_last(
    arith_suite: ArithSuite,
) -> None:
    result = arith_suite.run("--selftest-update")

    assert result.ret == 0
    said = [{"role": "user", "content": "2*5="}]
    assert list(stored(arith_suite)["prompts"]) == ["q0", "q2", "q5"]
    assert stored(arith_suite)["prompts"]["q5"] == said


def test_stored_prompts_of_other_documents_are_told(arith_suite: ArithSuite) -> None:
    arith_suite.run("--selftest-update")
    arith_suite.task(rows=rows_named("a", "b"), metadata={})

    result = selftest(arith_suite)

    result.stdout.fnmatch_lines(["arith.prompts.json is of other documents (*"])


def test_a_file_of_something_else_is_no_snapshot(arith_suite: ArithSuite) -> None:
    arith_suite.write("arith/arith.prompts.json", "[]")

    result = selftest(arith_suite, "-v")

    assert failing(result) == {"prompts"}
    result.stdout.fnmatch_lines(["*arith.prompts.json holds no prompts: *"])


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
    path = arith_suite.task(rows=_QUESTIONS, **{**_CHOICE, "filter_list": None})
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
    scored_by(arith_suite, code, rows=_QUESTIONS, **{**_CHOICE, "filter_list": None})

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


def test_likelihoods_choose_by_chance_too(arith_suite: ArithSuite) -> None:
    keys = {
        **_CHOICE,
        "filter_list": None,
        "output_type": "multiple_choice",
        "doc_to_target": "{{'ABCD'.index(answer)}}",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    }
    arith_suite.task(rows=_QUESTIONS, **keys)

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


def test_tasks_without_data_here_are_skipped_with_the_reason(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task(dataset_path="org/name", dataset_kwargs=None)

    result = selftest(arith_suite, "-rs")

    result.assert_outcomes(skipped=7)
    result.stdout.fnmatch_lines(["*no documents without a network: neither a sample*"])


def test_the_sample_is_taken_where_there_is_one(arith_suite: ArithSuite) -> None:
    arith_suite.task(dataset_path="org/name", dataset_kwargs=None)
    sample = arith_suite.root / "arith" / "test.jsonl"
    arith_suite.write("arith/sample/test.jsonl", sample.read_text())

    result = arith_suite.run("--selftest-update", "-v")

    assert result.ret == 0
    assert (sample.parent / "sample" / "arith.prompts.json").is_file()


def test_scoring_that_needs_something_is_not_tested(arith_suite: ArithSuite) -> None:
    arith_suite.task(needs="judge")

    result = selftest(arith_suite, "-v", "-rs")

    assert outcomes(result)["scorer"] == "SKIPPED"
    assert outcomes(result)["schema"] == "PASSED"
    result.stdout.fnmatch_lines(["*scoring needs judge"])


def test_programs_run_in_self_tests_only_where_allowed(arith_suite: ArithSuite) -> None:
    arith_suite.task(unsafe_code=True)

    refused = selftest(arith_suite, "-v")
    allowed = selftest(arith_suite, "-v", "--allow-code-execution")

    assert outcomes(refused)["oracle"] == "SKIPPED"
    assert outcomes(allowed)["oracle"] == "PASSED"


@pytest.mark.parametrize(
    "given", [("--model", "oracle"), ("--limit", "1"), ("--gate", "acc>=1")]
)
def test_what_self_tests_do_not_heed_is_refused(
    arith_suite: ArithSuite, given: tuple[str, str]
) -> None:
    result = selftest(arith_suite, *given)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: --selftest asks no model, so that {given[0]} has no effect; *"]
    )


def test_a_task_file_at_fault_is_told_when_it_is_collected(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task(doc_to_txet="x")

    result = selftest(arith_suite)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*unknown key 'doc_to_txet'; did you mean *"])


def test_tasks_can_be_named(arith_suite: ArithSuite) -> None:
    arith_suite.task("other")

    result = selftest(
        arith_suite, "--tasks", "other", "--include-path", str(arith_suite.root)
    )

    assert result.ret == 0
    assert sum(result.parseoutcomes().values()) == 7
