from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_ONE_WRONG = """
def answer(request):
    return "wrong" if request.origin.doc_id == 3 else target_of(request)
"""
_ONE_REFUSED = """
def answer(request):
    if request.origin.doc_id == 3 and not os.path.exists("mended"):
        raise RequestRejectedError("too long")
    return target_of(request)
"""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-k", "multiply"], "q1 q3 q5"),
        (["-k", "q4"], "q4"),
        (["-k", "arith and not multiply"], "q0 q2 q4"),
        (["-k", "maths and q2"], "q2"),
        (["-m", "maths"], "q0 q1 q2 q3 q4 q5"),
        (["--limit", "2"], "q0 q1"),
        (["--limit", "0.5"], "q0 q1 q2"),
        (["--limit", "0.4"], "q0 q1 q2"),
        (["--limit", "99"], "q0 q1 q2 q3 q4 q5"),
        (["--limit", "1"], "q0"),
        (["--limit", "1.0"], "q0"),
        (["--offset", "4"], "q4 q5"),
        (["--offset", "1", "--limit", "2"], "q1 q2"),
        (["--offset", "5", "--limit", "3"], "q5"),
        (["-k", "multiply", "--limit", "2"], "q1 q3"),
        (["-k", "multiply", "--offset", "1", "--limit", "0.34"], "q3 q5"),
        (["--shard", "1/2"], "q0 q2 q4"),
        (["--shard", "2/2", "--limit", "3"], "q1"),
        (["--deselect", "arith/arith.yaml::arith[q2]"], "q0 q1 q3 q4 q5"),
        (["arith/arith.yaml::arith[q2]", "arith/arith.yaml::arith[q4]"], "q2 q4"),
    ],
)
def test_a_part_of_the_documents_is_asked(
    arith_suite: ArithSuite, arguments: list[str], expected: str
) -> None:
    result = arith_suite.run("--model", "oracle", *arguments)

    assert result.ret == 0
    assert arith_suite.ran() == expected.split()
    assert result.parseoutcomes()["passed"] == len(expected.split())


def test_what_is_left_out_counts_as_deselected(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--model", "oracle", "--limit", "2")

    result.assert_outcomes(passed=2, deselected=4)


def test_shards_part_the_documents_exactly(arith_suite: ArithSuite) -> None:
    arith_suite.task(rows=[{"question": "1", "answer": "1", "category": "a"}] * 7)
    asked: list[list[str]] = []

    for shard in ("1/3", "2/3", "3/3"):
        arith_suite.run("--model", "oracle", "--shard", shard)
        asked.append(arith_suite.ran())

    assert sorted(map(len, asked)) == [2, 2, 3]
    assert sorted(name for part in asked for name in part) == [str(n) for n in range(7)]


def test_a_shard_is_parted_among_workers(arith_suite: ArithSuite) -> None:
    arith_suite.run("--model", "oracle", "--shard", "2/3")
    alone = arith_suite.ran()

    result = arith_suite.run("--model", "oracle", "--shard", "2/3", "-n", "2")

    result.assert_outcomes(passed=2)
    assert arith_suite.ran() == alone


def test_a_limit_counts_the_documents_of_each_task(arith_suite: ArithSuite) -> None:
    arith_suite.task("other")

    arith_suite.run("--model", "oracle", "--limit", "2")

    assert arith_suite.ran("arith") == ["q0", "q1"]
    assert arith_suite.ran("other") == ["q0", "q1"]


def test_a_limit_leaves_ordinary_tests_alone(arith_suite: ArithSuite) -> None:
    arith_suite.write("test_plain.py", "def test_a(): pass\ndef test_b(): pass\n")

    result = arith_suite.run("--model", "oracle", "--limit", "1")

    result.assert_outcomes(passed=3, deselected=5)


def test_a_limit_holds_over_all_workers_together(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--model", "oracle", "--limit", "3", "-n", "2")

    result.assert_outcomes(passed=3)
    assert arith_suite.ran() == ["q0", "q1", "q2"]


def test_a_tag_selects_one_of_two_tasks_and_is_a_known_mark(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task("words", tag=["language"])

    result = arith_suite.run("--model", "oracle", "-m", "language", "--strict-markers")

    result.assert_outcomes(passed=6, deselected=6)
    assert list(arith_suite.results()["results"]) == ["words"]


def test_a_keyword_sees_no_column_that_the_task_does_not_name(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task(metadata={"version": 1.0})

    result = arith_suite.run("--model", "oracle", "-k", "multiply")

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_lf_runs_again_what_was_in_error(arith_suite: ArithSuite) -> None:
    arith_suite.model(_ONE_REFUSED)
    first = arith_suite.run()
    arith_suite.write("mended", "")

    second = arith_suite.run("--lf")

    assert first.ret == 1
    second.assert_outcomes(passed=1)
    assert arith_suite.ran() == ["q3"]


def test_ff_runs_first_what_was_in_error(arith_suite: ArithSuite) -> None:
    arith_suite.model(_ONE_REFUSED)
    arith_suite.run()
    arith_suite.write("mended", "")

    result = arith_suite.run("--ff", "-v")

    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*arith?q3?*", "*arith?q0?*", "*arith?q5?*"])
    assert [sample["doc_id"] for sample in arith_suite.samples()] == list(range(6))


def test_lf_runs_again_what_was_wrong_if_wrong_answers_fail(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.model(_ONE_WRONG)
    tolerant = arith_suite.run()
    strict = arith_suite.run("--fail-wrong")

    again = arith_suite.run("--fail-wrong", "--lf")

    assert tolerant.ret == 0
    strict.assert_outcomes(passed=5, failed=1)
    again.assert_outcomes(failed=1)
    strict.stdout.fnmatch_lines(["*wrong answer: exact_match,none = 0"])


def test_lf_works_with_workers(arith_suite: ArithSuite) -> None:
    arith_suite.model(_ONE_REFUSED)
    arith_suite.run("-n", "2")
    arith_suite.write("mended", "")

    result = arith_suite.run("--lf", "-n", "2")

    result.assert_outcomes(passed=1)
    assert arith_suite.ran() == ["q3"]


@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_the_first_error_can_stop_the_run(arith_suite: ArithSuite, option: str) -> None:
    arith_suite.model(_ONE_REFUSED)

    result = arith_suite.run(option)

    assert result.ret == 1
    result.assert_outcomes(passed=3, failed=1)
    assert arith_suite.results()["complete"] is False


def test_x_stops_workers_too(arith_suite: ArithSuite) -> None:
    arith_suite.model("def answer(request): raise RequestRejectedError('no')")

    result = arith_suite.run("-x", "-n", "2")

    assert result.ret != 0
    assert arith_suite.results()["complete"] is False


def test_without_the_cache_plugin_documents_run_all_the_same(
    arith_suite: ArithSuite,
) -> None:
    result = arith_suite.run("--model", "oracle", "-p", "no:cacheprovider")

    result.assert_outcomes(passed=6)
    assert not (arith_suite.root / ".pytest_cache").exists()


def test_documents_chosen_by_node_id_run_in_the_order_given(
    arith_suite: ArithSuite,
) -> None:
    ids = [f"arith/arith.yaml::arith[q{n}]" for n in (4, 1)]

    result = arith_suite.run("--model", "oracle", "-v", *ids)

    result.stdout.fnmatch_lines(["*arith?q4?*", "*arith?q1?*"])


def test_an_unknown_node_id_is_a_usage_error(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--model", "oracle", "arith/arith.yaml::arith[q9]")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: not found: *arith.yaml::arith*"])
