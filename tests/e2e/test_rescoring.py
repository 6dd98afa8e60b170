"""``--rescore RUN``: the answers of a run, scored again with today's task file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.cli import main

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

# Counts how often it is asked, in a file; answers a sum a little off.
_COUNTING = """
def answer(request):
    with open("asked.txt", "a") as asked:
        print(request.origin.doc_id, file=asked)
    return Response(text=f"It is {target_of(request)}", finish_reason="stop")
"""
_NUMBER = [
    {
        "name": "number",
        "filter": [
            {"function": "regex", "regex_pattern": r"(\d+)"},
            {"function": "take_first"},
        ],
    }
]


@pytest.fixture
def counted(arith_suite: ArithSuite) -> ArithSuite:
    arith_suite.model(_COUNTING)
    return arith_suite


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_changed_filter_scores_the_answers_that_were_recorded(
    counted: ArithSuite, workers: tuple[str, ...]
) -> None:
    counted.run("arith")
    wrong = counted.score()
    counted.task(filter_list=_NUMBER)

    result = counted.run("arith", "--rescore", "last", *workers)

    first, _ = counted.folders
    results = counted.results()
    result.assert_outcomes(passed=6)
    assert wrong == 0.0
    assert results["results"]["arith"]["exact_match,number"] == 1.0
    assert len(counted.noted("asked.txt")) == 6
    assert results["config"]["rescored_from"] == {
        "run": f"fixture/{first.name}",
        "path": f"results/fixture/{first.name}",
    }
    assert results["model_name"] == "mock"
    assert results["usage"]["input_tokens"] is None
    samples = counted.samples()
    assert [sample["attempts"] for sample in samples] == [0] * 6
    assert samples[2]["resps"] == "It is 4"
    assert samples[2]["finish_reason"] == "stop"


def test_answers_that_were_only_recorded_are_scored_later(counted: ArithSuite) -> None:
    counted.task(filter_list=_NUMBER)
    counted.run("arith", "--predict-only")

    result = counted.run("arith", "--rescore", "last", "--gate", "exact_match>=1")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["gate pass     arith: exact_match >= 1 *"])
    assert len(counted.noted("asked.txt")) == 6


def test_what_the_run_was_asked_with_holds_again(arith_suite: ArithSuite) -> None:
    arguments = ("--num-fewshot", "2", "--seed", "7", "--repeats", "2", "--limit", "4")
    arith_suite.run("arith", "-k", "add", "--model", "oracle", *arguments)

    result = arith_suite.run("--rescore", str(arith_suite.folders[0]))

    assert result.ret == 0
    assert arith_suite.ran() == ["q0", "q2", "q4"]
    assert arith_suite.samples()[0]["resps"] == ["0", "0"]


def test_another_prompt_is_an_error_with_a_remedy(arith_suite: ArithSuite) -> None:
    arith_suite.run("--model", "oracle")

    result = arith_suite.run("--rescore", "last", "--num-fewshot", "1", "--limit", "1")

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["document 0 of task 'arith' had another prompt in results*: *--model replay*"]
    )


def test_a_document_that_was_not_asked_is_an_error_with_a_remedy(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.run("--model", "oracle", "--limit", "2")

    result = arith_suite.run("--rescore", "last", "--limit", "3")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["document 2 of task 'arith' was not asked in results*; leave it out as *"]
    )


def test_a_document_that_has_changed_is_an_error_with_a_remedy(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.run("--model", "oracle")
    path = arith_suite.root / "arith" / "test.jsonl"
    path.write_text(path.read_text("utf-8").replace('"2*1"', '"1*2"'), "utf-8")

    result = arith_suite.run("--rescore", "last")

    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(
        [
            "document 1 of task 'arith' is another one in results*: the data have changed; *"
        ]
    )


def test_a_document_in_error_stays_one(arith_suite: ArithSuite) -> None:
    arith_suite.model(
        "def answer(request):\n"
        "    if request.origin.doc_id == 3:\n"
        "        raise RequestRejectedError('too long')\n"
        "    return target_of(request)\n"
    )
    arith_suite.run("arith")

    result = arith_suite.run("arith", "--rescore", "last")

    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(
        [
            "document 3 * has no answer in results*: no answer: too long; *--rerun-errors*"
        ]
    )


def test_likelihoods_are_scored_again_by_another_metric(
    arith_suite: ArithSuite,
) -> None:
    choice: dict[str, Any] = {
        "output_type": "multiple_choice",
        "doc_to_choice": ["0", "2", "4", "6", "8", "10"],
        "doc_to_target": "{{(answer | int) // 2}}",
    }
    arith_suite.task(**choice, metric_list=[{"metric": "acc"}])
    arith_suite.run("--model", "oracle", "--predict-only")
    arith_suite.task(**choice, metric_list=[{"metric": "acc_norm"}])

    result = arith_suite.run("--rescore", "last")

    assert result.ret == 0
    assert arith_suite.score(metric="acc_norm") == 1.0


@pytest.mark.parametrize(
    "option", [("--model", "oracle"), ("--predict-only",), ("--use-cache", "c")]
)
def test_options_of_asking_are_refused(
    arith_suite: ArithSuite, option: tuple[str, ...]
) -> None:
    arith_suite.run("--model", "oracle", "--limit", "1")

    result = arith_suite.run("--rescore", "last", *option)

    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [
            f"ERROR: --rescore asks no model, it scores recorded answers; leave {option[0]} *"
        ]
    )


def test_a_task_that_was_not_asked_is_refused(arith_suite: ArithSuite) -> None:
    arith_suite.run("--model", "oracle", "--limit", "1")
    arith_suite.task("aritm")

    result = arith_suite.run("aritm", "--rescore", "last")

    assert result.ret == 4
    result.stdout.fnmatch_lines(
        ["*results* has no answers of task 'aritm'; did you mean 'arith'?*"]
    )


@pytest.mark.parametrize("given", ["absent", "last", "arith"])
def test_a_run_that_is_not_there_is_refused(
    arith_suite: ArithSuite, given: str
) -> None:
    result = arith_suite.run("--rescore", given)

    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: --rescore {given}: there is no run*"])


def test_cases_in_python_are_skipped(arith_suite: ArithSuite) -> None:
    arith_suite.write("test_it.py", "def test_it(record_score):\n    pass\n")
    arith_suite.run("--model", "oracle")

    result = arith_suite.run("--rescore", "last")

    result.assert_outcomes(passed=6, skipped=1)


_JUDGED = """\
from pytest_evalkit.scoring import JudgeQuestion

def judged(doc, results):
    (value,) = yield [JudgeQuestion(text=results[0], prompt="", read=float)]
    return {"rating": value}
"""


def test_a_judge_rates_answers_that_were_recorded(arith_suite: ArithSuite) -> None:
    arith_suite.write("arith/judged.py", _JUDGED)
    arith_suite.write("rating.py", "def even(text): return float(int(text) % 4 == 0)\n")
    path = arith_suite.task(needs=["judge"], metric_list=[{"metric": "rating"}])
    scorer = "process_results: !function judged.judged\n"
    path.write_text(path.read_text("utf-8") + scorer, encoding="utf-8")
    arith_suite.run("arith", "--model", "oracle", "--predict-only")

    result = arith_suite.run("--rescore", "last", "--judge", "rating:even")

    result.assert_outcomes(passed=6)
    assert arith_suite.score(metric="rating") == 0.5


def test_shards_of_answers_are_merged_and_then_scored(
    arith_suite: ArithSuite,
) -> None:
    for index in (1, 2):
        shard = f"{index}/2"
        arith_suite.run("--model", "oracle", "--predict-only", "--shard", shard)
    main(["merge", "results", "--output", "merged"])

    result = arith_suite.run("arith", "--rescore", "merged")

    result.assert_outcomes(passed=6)
    assert arith_suite.score() == 1.0
    assert arith_suite.results()["coverage"]["arith"]["scored"] == 6
