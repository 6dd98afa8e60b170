from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_REFUSES_Q2 = """
def answer(request):
    if request.origin.doc_id == 2:
        raise RequestRejectedError("prompt too long")
    return target_of(request)
"""
_COUNTING = """
def pytest_runtest_logreport(report):
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        with open("reports", "a") as file:
            file.write(f"{report.when} {report.nodeid}\\n")
"""
_SCORER = """\
def score(doc, results):
    if doc["id"] == "q2":
        return {"acc": 1 / 0}
    return {"acc": 1.0, "own": 2.0}

def broken(values):
    raise ValueError("nothing adds up")

def total(values):
    return sum(values)
"""
_OWN_SCORER = """\
process_results: !function utils.score
metric_list:
  - {metric: acc}
  - {metric: own, aggregation: !function utils.AGGREGATION}
"""


def own_scorer(suite: ArithSuite, aggregation: str, count: int = 6) -> None:
    rows = [{"id": f"q{n}", "question": "1", "answer": "1"} for n in range(count)]
    path = suite.task(rows=rows, metric_list=None, metadata={"version": 1})
    suite.write("arith/utils.py", _SCORER)
    scorer = _OWN_SCORER.replace("AGGREGATION", aggregation)
    path.write_text(path.read_text("utf-8") + scorer, encoding="utf-8")


def test_the_oracle_gets_everything_and_a_constant_nothing(
    arith_suite: ArithSuite,
) -> None:
    best = arith_suite.run("--model", "oracle")
    best_score = arith_suite.score()
    worst = arith_suite.run("--model", "constant")

    assert (best.ret, worst.ret) == (0, 0)
    assert (best_score, arith_suite.score()) == (1.0, 0.0)


def test_a_wrong_answer_is_a_low_score_and_no_failure(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--model", "constant", "--model-args", "text='4'")

    assert result.ret == 0
    result.assert_outcomes(passed=6)
    assert arith_suite.score() == pytest.approx(1 / 6)


def test_recorded_answers_are_scored_again(arith_suite: ArithSuite) -> None:
    answers = [{"id": f"q{n}", "said": "2"} for n in range(6)]
    arith_suite.rows("said.jsonl", answers)

    arith_suite.run(
        "--model", "replay", "--model-args", "path=said.jsonl,response=said,join=id"
    )

    assert arith_suite.score() == pytest.approx(1 / 6)
    assert {sample["filtered_resps"] for sample in arith_suite.samples()} == {"2"}


def test_a_document_without_a_recorded_answer_is_in_error(
    arith_suite: ArithSuite,
) -> None:
    answers = [{"id": f"q{n}", "said": str(2 * n)} for n in range(5)]
    arith_suite.rows("said.jsonl", answers)

    result = arith_suite.run(
        "--model", "replay", "--model-args", "path=said.jsonl,response=said,join=id"
    )

    assert result.ret == 1
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*has no answer for id='q5' of task arith*"])
    assert arith_suite.score() == 1.0


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_each_document_has_one_report(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.model("def answer(request): return '0'", more=_COUNTING)

    arith_suite.run(*workers)

    expected = [f"call arith/arith.yaml::arith[q{n}]" for n in range(6)]
    assert sorted(arith_suite.noted("reports")) == expected


def test_a_document_without_an_answer_is_in_error_and_not_wrong(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.model(_REFUSES_Q2)

    result = arith_suite.run()

    results = arith_suite.results()
    sample = arith_suite.samples()[2]
    assert result.ret == 1
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["no answer: prompt too long", "FAILED *arith?q2?*"])
    assert arith_suite.score() == 1.0
    assert results["coverage"]["arith"] == {
        "original": 6,
        "selected": 6,
        "scored": 5,
        "errors": 1,
        "skipped": 0,
    }
    assert results["errors"] == {"arith": {"no answer": 1}}
    assert sample["status"] == "error"
    assert sample["error"] == "no answer: prompt too long"
    assert sample["metrics"] == []
    assert "exact_match" not in sample


@pytest.mark.parametrize(
    ("max_errors", "status"), [("0", 1), ("1", 0), ("2", 0), ("99", 0)]
)
def test_errors_up_to_a_number_do_not_fail_the_run(
    arith_suite: ArithSuite, max_errors: str, status: int
) -> None:
    arith_suite.model(_REFUSES_Q2)

    result = arith_suite.run("--max-errors", max_errors)

    assert result.ret == status
    result.assert_outcomes(passed=5, failed=1)


def test_tolerated_errors_do_not_excuse_a_failing_test(arith_suite: ArithSuite) -> None:
    arith_suite.model(_REFUSES_Q2)
    arith_suite.write("test_plain.py", "def test_no(): assert False\n")

    result = arith_suite.run("--max-errors", "5")

    assert result.ret == 1


def test_tolerated_errors_count_over_workers(arith_suite: ArithSuite) -> None:
    arith_suite.model(_REFUSES_Q2)

    result = arith_suite.run("--max-errors", "1", "-n", "2")

    assert result.ret == 0
    result.assert_outcomes(passed=5, failed=1)


def test_a_scorer_that_raises_puts_its_document_in_error(
    arith_suite: ArithSuite,
) -> None:
    own_scorer(arith_suite, "total")

    result = arith_suite.run("--model", "oracle")

    results = arith_suite.results()["results"]["arith"]
    assert result.ret == 1
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(
        ["*scorer raised ZeroDivisionError: division by zero (*utils.py:3)*"]
    )
    assert (results["acc,none"], results["own,none"]) == (1.0, 10.0)


def test_an_aggregation_that_raises_leaves_the_rest_standing(
    arith_suite: ArithSuite,
) -> None:
    own_scorer(arith_suite, "broken", count=2)
    arith_suite.task("other")

    result = arith_suite.run("--model", "oracle")

    rows = {row["metric"]: row for row in arith_suite.results()["aggregates"]["arith"]}
    result.assert_outcomes(passed=8, failed=1)
    assert result.ret == 1
    assert rows["own"]["value"] is None
    assert rows["own"]["error"] == "ValueError: nothing adds up"
    assert rows["acc"]["value"] == 1.0
    assert arith_suite.score("other") == 1.0
    result.stdout.fnmatch_lines(["*own,none has no value: ValueError: nothing adds up"])


_THINKING = "def answer(request): return f'<think>5</think> {target_of(request)}'"


def test_thoughts_are_taken_out_before_scoring_and_kept(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.model(_THINKING)

    arith_suite.run()

    sample = arith_suite.samples()[1]
    assert arith_suite.score() == 1.0
    assert sample["resps"] == "<think>5</think> 2"
    assert sample["filtered_resps"] == "2"
    assert sample["reasoning"] == "5"


@pytest.mark.parametrize(
    ("option", "key", "expected"),
    [
        ("none", None, 0.0),
        ('[["<a>", "</a>"]]', None, 0.0),
        ('[["<think>", "</think>"]]', None, 1.0),
        ("none", [["<think>", "</think>"]], 1.0),
        ('[["<think>", "</think>"]]', "none", 0.0),
    ],
)
def test_the_tags_of_thought_can_be_chosen_and_a_task_has_the_last_word(
    arith_suite: ArithSuite, option: str, key: Any, expected: float
) -> None:
    arith_suite.task(reasoning_tags=key)
    arith_suite.model(_THINKING)

    arith_suite.run("--reasoning-tags", option)

    assert arith_suite.score() == expected


def test_a_task_may_strip_thinking_where_no_tags_are_given(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task(auto_strip_thinking=True)
    arith_suite.model(_THINKING)

    arith_suite.run("--reasoning-tags", "none")

    assert arith_suite.score() == 1.0


def test_repeats_ask_a_document_several_times(arith_suite: ArithSuite) -> None:
    arith_suite.model("def answer(request): return str(request.origin.repeat)")

    arith_suite.run("--repeats", "3", "--limit", "1")

    assert arith_suite.samples()[0]["resps"] == ["0", "1", "2"]


def test_generation_arguments_reach_the_model(arith_suite: ArithSuite) -> None:
    arith_suite.model(
        "def answer(request):\n"
        "    asked = request.parameters\n"
        "    return f'{asked.max_tokens} {asked.temperature}'\n"
    )

    arith_suite.run("--gen-kwargs", "max_gen_toks=7,temperature=0.5")

    assert arith_suite.samples()[0]["filtered_resps"] == "7 0.5"


def test_system_text_is_read_from_a_file(arith_suite: ArithSuite) -> None:
    arith_suite.write("system.txt", "Be brief.")

    arith_suite.run("--model", "oracle", "--system-instruction", "system.txt")

    assert arith_suite.samples()[1]["input"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "2*1="},
    ]


def test_a_document_that_needs_what_is_not_there_is_skipped(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task(needs=["judge"])

    result = arith_suite.run("--model", "oracle", "-rs")

    result.assert_outcomes(skipped=6)
    result.stdout.fnmatch_lines(
        ["SKIPPED *needs a judge: no judge is named; name one with --judge"]
    )
    assert arith_suite.results()["coverage"]["arith"]["skipped"] == 6


_IN_FLIGHT = """
import asyncio
flying = 0

async def answer(request):
    global flying
    flying += 1
    with open(f"flying-{os.getpid()}", "a") as file:
        file.write(f"{flying} {request.origin.doc_id}\\n")
    await asyncio.sleep(0.02)
    flying -= 1
    return target_of(request)
"""


def in_flight(suite: ArithSuite) -> list[int]:
    """The most requests that each process had in flight."""
    return [
        max(int(line.split()[0]) for line in path.read_text("utf-8").splitlines())
        for path in suite.root.glob("flying-*")
    ]


@pytest.mark.parametrize(("workers", "expected"), [((), [5]), (("-n", "2"), [2, 3])])
def test_concurrency_is_reached_and_never_passed(
    arith_suite: ArithSuite, workers: tuple[str, ...], expected: list[int]
) -> None:
    rows = [{"question": "1", "answer": "1", "category": "a"}] * 30
    arith_suite.task(rows=rows)
    arith_suite.model(_IN_FLIGHT)

    result = arith_suite.run("--max-concurrency", "5", *workers)

    result.assert_outcomes(passed=30)
    assert sorted(in_flight(arith_suite)) == expected


def test_looking_ahead_asks_nothing_that_was_not_selected(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.model(_IN_FLIGHT)

    arith_suite.run("-k", "multiply", "--deselect", "arith/arith.yaml::arith[q5]")

    (path,) = arith_suite.root.glob("flying-*")
    asked = [line.split()[1] for line in path.read_text("utf-8").splitlines()]
    assert asked == ["1", "3"]


def test_answers_that_come_in_another_order_go_to_their_documents(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.model(
        "import asyncio\n"
        "async def answer(request):\n"
        "    await asyncio.sleep(0.01 * (6 - request.origin.doc_id))\n"
        "    return target_of(request)\n"
    )

    result = arith_suite.run("-v")

    assert result.ret == 0
    assert arith_suite.score() == 1.0
    result.stdout.fnmatch_lines([f"*arith?q{n}?*exact_match*=1*" for n in range(6)])


@pytest.mark.parametrize(
    "body",
    [
        "return {'text': '2'}",
        "return Response(text=None)",
        "raise asyncio.CancelledError",
        "raise SystemExit('no')",
    ],
)
def test_an_answer_that_is_none_is_an_error_of_its_document(
    arith_suite: ArithSuite, body: str
) -> None:
    arith_suite.model(
        "import asyncio\n"
        "def answer(request):\n"
        "    if request.origin.doc_id != 1: return target_of(request)\n"
        f"    {body}\n"
    )

    result = arith_suite.run()

    assert result.ret == 1
    result.assert_outcomes(passed=5, failed=1)
    assert arith_suite.score() == 1.0


def test_a_metric_that_the_scorer_never_gives_fails_the_run(
    arith_suite: ArithSuite,
) -> None:
    path = arith_suite.task(metric_list=[{"metric": "acc"}])
    arith_suite.write("arith/utils.py", "def score(doc, results): return {'accc': 1}\n")
    scorer = "process_results: !function utils.score\n"
    path.write_text(path.read_text("utf-8") + scorer, encoding="utf-8")

    result = arith_suite.run("--model", "oracle")

    assert result.ret == 1
