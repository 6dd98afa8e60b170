from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

SIZE = 240
# Right but for one in ten; notes whom it was asked.
_NINE_IN_TEN = """
def answer(request):
    number = int(request.origin.target)
    with open("asked.txt", "a") as file:
        file.write(f"{number}\\n")
    return "wrong" if number % 10 == 0 else str(number)
"""


def rows(count: int = SIZE) -> list[dict[str, Any]]:
    return [
        {"id": f"q{n}", "category": "add", "question": f"{n}+0", "answer": str(n)}
        for n in range(count)
    ]


@pytest.fixture
def long_suite(arith_suite: ArithSuite) -> ArithSuite:
    arith_suite.task(rows=rows(), gate=[{"metric": "exact_match", "min": 0.7}])
    arith_suite.model(_NINE_IN_TEN)
    return arith_suite


def facts(suite: ArithSuite) -> tuple[Any, ...]:
    """What a stopped run concludes, and the documents that it rests on."""
    results = suite.results()
    return (
        results["coverage"]["arith"],
        results["aggregates"]["arith"],
        results["gates"],
        [sample["doc_id"] for sample in suite.samples()],
    )


def test_a_decided_gate_ends_its_task(long_suite: ArithSuite) -> None:
    result = long_suite.run("--early-stop", "--max-concurrency", "4", "-rs")

    results = long_suite.results()
    (gate,) = results["gates"]
    coverage = results["coverage"]["arith"]
    asked = long_suite.noted("asked.txt")
    assert result.ret == 0
    assert results["complete"]
    assert gate["verdict"] == "pass"
    assert gate["n"] == coverage["scored"]
    assert gate["saved"] == coverage["saved"] == SIZE - coverage["scored"]
    assert 11 < coverage["scored"] < SIZE / 2
    # Those that were under way, or waited for their turn, and no more.
    assert coverage["scored"] <= len(asked) <= coverage["scored"] + 20
    result.assert_outcomes(passed=coverage["scored"] + 1, skipped=coverage["saved"])
    result.stdout.fnmatch_lines(
        [
            f"*{coverage['scored']}/{SIZE}, {coverage['saved']} saved*",
            f"gate pass*wherever one stops*decided early: {coverage['saved']} of {SIZE}*",
            f"SKIPPED*saved: {coverage['scored']} of {SIZE} documents have decided*",
        ]
    )


def test_workers_stop_at_the_same_document(long_suite: ArithSuite) -> None:
    alone = long_suite.run("--early-stop")
    expected = facts(long_suite)

    shared = long_suite.run("--early-stop", "-n", "2", "--max-concurrency", "4")

    assert (alone.ret, shared.ret) == (0, 0)
    assert facts(long_suite) == expected
    assert long_suite.results()["complete"]
    journal = long_suite.folders[-1] / "journal"
    assert not list(journal.glob("scores-*"))


def test_a_failed_gate_ends_its_task_too_and_other_tasks_run_whole(
    long_suite: ArithSuite,
) -> None:
    long_suite.task("plain", rows=rows(12))

    result = long_suite.run("--early-stop", "--gate", "arith:exact_match>=0.99")

    coverage = long_suite.results()["coverage"]
    verdicts = [gate["verdict"] for gate in long_suite.results()["gates"]]
    assert result.ret == 1
    assert verdicts == ["fail", "pass"]
    assert coverage["arith"]["saved"] > 0
    assert coverage["plain"]["scored"] == 12
    assert "saved" not in coverage["plain"]


def test_a_stopped_run_can_be_resumed_to_its_end(long_suite: ArithSuite) -> None:
    # One at a time, so that nothing is under way when the gate is decided.
    long_suite.run("--early-stop", "--max-concurrency", "1")
    before = facts(long_suite)[0]["scored"]

    again = long_suite.run("--early-stop", "--resume", "last")
    same = facts(long_suite)[0]["scored"]
    long_suite.run("--resume", "last")

    results = long_suite.results()
    asked = long_suite.noted("asked.txt")
    assert again.ret == 0
    assert same == before
    assert results["coverage"]["arith"]["scored"] == SIZE
    assert "saved" not in results["coverage"]["arith"]
    assert results["gates"][0]["value"] == 0.9
    assert len(asked) == len(set(asked)) == SIZE


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--gate", "coverage>=0.5"), "*cannot decide the gate 'coverage >= 0.5'*"),
        (("--limit", "20"), "*20 of 240 documents are selected*"),
    ],
)
def test_what_only_all_documents_decide_is_refused(
    long_suite: ArithSuite,
    arguments: tuple[str, str],
    line: str,
    workers: tuple[str, ...],
) -> None:
    result = long_suite.run("--early-stop", *arguments, *workers)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([line]) if not workers else (
        result.stdout.fnmatch_lines([line])
    )
    assert long_suite.noted("asked.txt") == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--shard", "1/2"), "*--shard runs a share of them*"),
        (("--predict-only",), "*--predict-only scores nothing*--early-stop*"),
        (("--rescore", "last"), "*"),
        (("--selftest",), "*--early-stop has no effect*"),
    ],
)
def test_what_has_no_effect_together_is_refused(
    long_suite: ArithSuite, arguments: tuple[str, ...], line: str
) -> None:
    result = long_suite.run("--early-stop", *arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([line])
