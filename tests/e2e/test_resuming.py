from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import ArithSuite

_NOTING = """
def answer(request):
    with open("asked", "a") as file:
        file.write(f"{request.origin.doc_id}\\n")
    if request.origin.doc_id in FAILING:
        raise RequestRejectedError("HTTP 400")
    return target_of(request)
"""
_TIMES = frozenset({"timing", "request_latency_s"})


def noting(*failing: int) -> str:
    """A model that notes what it is asked, and refuses some documents."""
    return _NOTING.replace("FAILING", repr(failing))


def without_times(samples: list[dict[str, Any]]) -> str:
    plain = [
        {key: value for key, value in sample.items() if key not in _TIMES}
        for sample in samples
    ]
    return json.dumps(plain)


def cut(folder: Path, lines: int, torn: bytes = b'{"schema_ver') -> None:
    """Leave a run as a kill would have: so many samples, a torn line, no results."""
    (journal,) = (folder / "journal").glob("*.jsonl")
    whole = journal.read_bytes().splitlines(keepends=True)
    samples = [n for n, line in enumerate(whole) if b'"doc_id"' in line]
    journal.write_bytes(b"".join(whole[: samples[lines]]) + torn)
    (folder / "results.json").unlink()


def asked_anew(suite: ArithSuite) -> list[str]:
    """The documents asked since the last time that this was called."""
    noted = suite.noted("asked")
    if noted:
        (suite.root / "asked").unlink()
    return sorted(noted)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_killed_run_is_finished_in_its_folder(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.model(noting())
    arith_suite.run()
    (folder,) = arith_suite.folders
    clean, results = arith_suite.samples(), arith_suite.results()
    cut(folder, 4)
    asked_anew(arith_suite)

    run = arith_suite.run("--resume", "last", *workers)

    resumed = arith_suite.results()
    assert run.ret == 0
    assert arith_suite.folders == [folder]
    assert asked_anew(arith_suite) == ["4", "5"]
    assert without_times(arith_suite.samples()) == without_times(clean)
    for key in ("results", "aggregates", "coverage", "complete", "task_hashes"):
        assert resumed[key] == results[key]
    assert resumed["resumed"] == {"arith": 4}
    assert [row["session"] for row in resumed["sessions"]] == [1, 2]
    run.assert_outcomes(passed=6)
    run.stdout.fnmatch_lines(
        ["resumed  4 of 6 documents were taken from earlier sessions"]
    )


def test_resumed_documents_are_marked_where_each_is_listed(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.run("--model", "oracle", "--limit", "1")

    run = arith_suite.run("--model", "oracle", "--limit", "2", "--resume", "last", "-v")

    run.stdout.re_match_lines(
        [
            r".*arith\[q0\] exact_match,none=1 \(resumed\)",
            r".*arith\[q1\] exact_match,none=1( .*)?$",
        ]
    )


def test_a_run_is_named_by_its_folder_or_its_results(arith_suite: ArithSuite) -> None:
    arith_suite.model(noting())
    arith_suite.run("--limit", "2")
    (folder,) = arith_suite.folders
    arith_suite.run()
    asked_anew(arith_suite)

    arith_suite.run("--resume", str(folder / "results.json"), "--limit", "3")
    third = asked_anew(arith_suite)
    arith_suite.run("--resume", str(folder))

    assert third == ["2"]
    assert asked_anew(arith_suite) == ["3", "4", "5"]
    assert len(arith_suite.folders) == 2
    results = json.loads((folder / "results.json").read_text("utf-8"))
    assert results["coverage"]["arith"]["scored"] == 6
    assert results["resumed"] == {"arith": 3}


def test_errors_are_run_again(arith_suite: ArithSuite) -> None:
    arith_suite.model(noting(1, 3))
    failed = arith_suite.run()
    arith_suite.model(noting())
    asked_anew(arith_suite)

    run = arith_suite.run("--resume", "last")

    assert failed.ret == 1
    assert run.ret == 0
    assert asked_anew(arith_suite) == ["1", "3"]
    assert arith_suite.score() == 1.0
    assert arith_suite.results()["errors"] == {"arith": {}}


def test_only_errors_are_run_where_that_is_asked_for(arith_suite: ArithSuite) -> None:
    arith_suite.model(noting(1, 3))
    arith_suite.run("--limit", "4")
    arith_suite.model(noting())
    asked_anew(arith_suite)

    run = arith_suite.run("--rerun-errors")

    assert asked_anew(arith_suite) == ["1", "3"]
    run.assert_outcomes(passed=4, deselected=2)
    coverage = arith_suite.results()["coverage"]["arith"]
    assert (coverage["selected"], coverage["scored"]) == (6, 4)
    assert arith_suite.results()["complete"] is False
    assert len(arith_suite.folders) == 1


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_another_task_file_is_refused_with_both_values(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.run("--model", "oracle")
    before = arith_suite.results()
    arith_suite.task(doc_to_text="What is {{question}}?")

    run = arith_suite.run("--model", "oracle", "--resume", "last", *workers)

    assert run.ret == pytest.ExitCode.USAGE_ERROR
    told = [line for line in run.outlines + run.errlines if "cannot be resumed" in line]
    assert len(told) == 1
    assert (
        'task \'arith\': doc_to_text was "{{question}}=", is "What is {{question}}?"'
    ) in told[0]
    assert arith_suite.results() == before


def test_another_model_is_refused_and_taken_all_the_same_if_wanted(
    arith_suite: ArithSuite,
) -> None:
    args = ("--model", "constant", "--model-args")
    arith_suite.run(*args, "text=0", "--limit", "3")
    (folder,) = arith_suite.folders

    refused = arith_suite.run(*args, "text=2", "--resume", "last")
    anyway = arith_suite.run(*args, "text=2", "--resume", "last", "--resume-anyway")

    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(['*the model: text was "0", is "2"*'])
    assert anyway.ret == 0
    assert arith_suite.folders == [folder]
    assert arith_suite.results()["sessions"][1]["differences"] == [
        'the model: text was "0", is "2"'
    ]
    assert [sample["filtered_resps"] for sample in arith_suite.samples()] == [
        *("0", "0", "0"),
        *("2", "2", "2"),
    ]


def test_another_model_of_a_fixture_is_refused(arith_suite: ArithSuite) -> None:
    arith_suite.model("def one(request): return '1'\nanswer = one\n")
    arith_suite.run("--limit", "3")
    arith_suite.model("def two(request): return '2'\nanswer = two\n")

    run = arith_suite.run("--resume", "last")

    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert 'the model: handler was "one", is "two"' in run.stdout.str()


def test_a_first_run_may_be_asked_to_resume(arith_suite: ArithSuite) -> None:
    run = arith_suite.run("--model", "oracle", "--resume", "last")

    assert run.ret == 0
    run.stdout.fnmatch_lines(["there was no run of 'oracle' to resume*"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--resume", "nowhere"), "*there is no run *nowhere*"),
        (("--resume", "arith"), "*arith cannot be resumed: it has no journal*"),
        (("--rerun-errors",), "*no run of 'oracle' in *"),
        (("--resume-anyway",), "*has no effect without --resume*"),
    ],
)
def test_what_cannot_be_resumed_is_told_in_a_line(
    arith_suite: ArithSuite, arguments: tuple[str, ...], told: str
) -> None:
    run = arith_suite.run("--model", "oracle", *arguments)

    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines([told])


def test_cases_in_python_run_again(arith_suite: ArithSuite) -> None:
    arith_suite.model(noting())
    arith_suite.write(
        "test_case.py",
        "def test_it(model, record_score):\n"
        "    with open('ran', 'a') as file: file.write('it\\n')\n"
        "    record_score('points', 0.5)\n",
    )
    arith_suite.run()

    run = arith_suite.run("--resume", "last")

    results = arith_suite.results()
    run.assert_outcomes(passed=7)
    assert len(arith_suite.noted("ran")) == 2
    assert len(arith_suite.noted("asked")) == 6
    assert results["results"]["test_case"]["points,none"] == 0.5
    assert results["coverage"]["test_case"]["scored"] == 1
    assert results["resumed"] == {"arith": 6, "test_case": 0}


def test_a_spent_budget_is_that_of_a_session(arith_suite: ArithSuite) -> None:
    arith_suite.model(
        "from pytest_evalkit import Usage\n"
        "def answer(request):\n"
        "    return Response(text=target_of(request),\n"
        "        usage=Usage(input_tokens=9, output_tokens=1))\n"
    )
    budget = ("--max-total-tokens", "35", "--max-concurrency", "1")
    arith_suite.run(*budget)
    first = arith_suite.results()

    arith_suite.run(*budget, "--resume", "last")

    second = arith_suite.results()
    assert first["complete"] is False
    assert first["coverage"]["arith"]["scored"] == 4
    assert second["complete"] is True
    assert second["coverage"]["arith"]["scored"] == 6
    assert second["usage"]["budget"]["total_tokens"] == 20
    assert second["usage"]["input_tokens"] == 54


def test_a_run_that_is_still_written_is_refused(
    arith_suite: ArithSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    arith_suite.run("--model", "oracle")
    (journal,) = (arith_suite.folders[0] / "journal").iterdir()
    monkeypatch.setattr("pytest_evalkit.results.locking._PATIENCE_S", 0.0)

    with journal.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        run = arith_suite.run("--model", "oracle", "--resume", "last")

    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines(["*a process still writes main.jsonl*"])


@pytest.mark.parametrize("taken", [{"brith"}, {"brith", "other"}])
def test_a_file_of_which_all_is_taken_is_left_as_any_other(
    arith_suite: ArithSuite, taken: set[str]
) -> None:
    own = (arith_suite.root / "arith/arith.yaml").read_text()
    arith_suite.write("arith/brith.yaml", own.replace("task: arith", "task: brith"))
    arith_suite.task("other")
    arith_suite.write("tests/test_own.py", "def test_own(tmp_path): pass")
    arith_suite.run("--model", "oracle")
    (folder,) = arith_suite.folders
    (journal,) = (folder / "journal").glob("*.jsonl")
    lines = map(json.loads, journal.read_text().splitlines())
    kept = [one for one in lines if "doc_id" not in one or one["task"] in taken]
    journal.write_text("".join(json.dumps(line) + "\n" for line in kept))

    run = arith_suite.run("--model", "oracle", "--resume", "last")

    run.assert_outcomes(passed=19)
    assert run.ret == 0
    resumed = {task for task, n in arith_suite.results()["resumed"].items() if n}
    assert resumed == taken
