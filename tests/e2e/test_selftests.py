"""``--selftest``: its items, and its checks of documents and prompts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.selftesting import (
    CHECKS,
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


def stored(suite: ArithSuite) -> Any:
    return json.loads((suite.root / "arith" / "arith.prompts.json").read_text())


def rows_named(*ids: str) -> Iterable[dict[str, Any]]:
    for number, name in enumerate(ids):
        yield {
            "id": name,
            "question": f"{number}+0",
            "answer": str(number),
            "pair": name,
        }


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

    ids = [f"arith/arith.yaml::arith[[]selftest-{check}]" for check in CHECKS]
    result.stdout.fnmatch_lines(ids)
    assert result.parseoutcomes() == {"tests": 7}


def test_no_model_and_no_results_are_needed(arith_suite: ArithSuite) -> None:
    result = selftest(arith_suite, "-v")

    assert result.ret == 0
    assert arith_suite.folders == []
    assert outcomes(result) == {
        **dict.fromkeys(CHECKS, "PASSED"),
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
