from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite


def node_ids(result: pytest.RunResult) -> list[str]:
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def test_a_document_is_an_item_named_by_its_id_column(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--collect-only", "-q")

    assert result.ret == 0
    assert node_ids(result) == [f"arith[q{n}]" for n in range(6)]
    result.stdout.fnmatch_lines(["arith/arith.yaml::arith?q0?", "6 tests collected*"])


def test_collecting_alone_needs_no_model_and_writes_nothing(
    arith_suite: ArithSuite,
) -> None:
    result = arith_suite.run("--collect-only", "-q")

    assert result.ret == 0
    assert not (arith_suite.root / "results").exists()


def test_ids_that_occur_twice_are_numbered(arith_suite: ArithSuite) -> None:
    rows = [
        {"id": name, "category": "add", "question": "1+1", "answer": "2"}
        for name in ("a.png", "b.png", "a.png")
    ]
    arith_suite.task(rows=rows)

    result = arith_suite.run("--collect-only", "-q")

    assert node_ids(result) == ["arith[a.png-0]", "arith[b.png]", "arith[a.png-1]"]


def test_documents_without_an_id_column_are_named_by_position(
    arith_suite: ArithSuite,
) -> None:
    rows = [{"category": "add", "question": "1+1", "answer": "2"}] * 2
    arith_suite.task(rows=rows)

    result = arith_suite.run("--collect-only", "-q")

    assert node_ids(result) == ["arith[0]", "arith[1]"]


@pytest.mark.parametrize(
    "text",
    [
        "version: '3'\nservices: {}\n",
        "tasks:\n  - name: install\n",
        "- hosts: all\n  task: x\n",
        "include: .gitlab/*.yml\nstages: [test]\n",
        "task: {name: build}\nscript: make\n",
        "task: [unclosed\n",
        "",
        "\x00\x01 not text: [",
    ],
)
def test_other_yaml_is_left_alone(arith_suite: ArithSuite, text: str) -> None:
    arith_suite.write("compose.yaml", text)
    arith_suite.write("ci.yml", text)

    result = arith_suite.run("--collect-only", "-q")

    assert result.ret == 0
    assert node_ids(result) == [f"arith[q{n}]" for n in range(6)]


def test_a_benchmark_sits_beside_ordinary_tests(arith_suite: ArithSuite) -> None:
    arith_suite.write("test_plain.py", "def test_one(): pass\n")

    result = arith_suite.run("--model", "oracle")

    assert result.ret == 0
    result.assert_outcomes(passed=7)
    assert arith_suite.score() == 1.0


def test_a_task_file_can_be_named(arith_suite: ArithSuite) -> None:
    arith_suite.task("other")

    result = arith_suite.run("arith/arith.yaml", "--collect-only", "-q")

    assert node_ids(result) == [f"arith[q{n}]" for n in range(6)]


def test_two_tasks_are_reported_apart(arith_suite: ArithSuite) -> None:
    arith_suite.task("other")

    result = arith_suite.run("--model", "oracle")

    result.assert_outcomes(passed=12)
    assert set(arith_suite.results()["results"]) == {"arith", "other"}


def test_two_tasks_of_one_name_are_refused(arith_suite: ArithSuite) -> None:
    arith_suite.task("other", task="arith")

    result = arith_suite.run("--model", "oracle")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*task 'arith' is also in *arith/arith.yaml*"])
    assert not (arith_suite.root / "results").exists()


def test_nothing_collected_is_exit_status_5(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--model", "oracle", "-k", "no_such_thing")

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_task_without_documents_is_an_error_in_one_line(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write("arith/utils.py", "def none(docs): return docs.select([])\n")
    path = arith_suite.task()
    text = path.read_text("utf-8") + "process_docs: !function utils.none\n"
    path.write_text(text, encoding="utf-8")

    result = arith_suite.run("--model", "oracle")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*arith.yaml: split 'test' has no documents*"])


def test_tasks_are_found_by_name_and_by_tag(arith_suite: ArithSuite) -> None:
    arith_suite.task("words", tag=["language"])
    here = ("--include-path", str(arith_suite.root), "--collect-only", "-q")

    by_name = arith_suite.run("--tasks", "words", *here)
    by_tag = arith_suite.run("--tasks", "maths", *here)
    by_glob = arith_suite.run("--tasks", "ari*,words", *here)

    assert node_ids(by_name) == [f"words[q{n}]" for n in range(6)]
    assert node_ids(by_tag) == [f"arith[q{n}]" for n in range(6)]
    assert len(node_ids(by_glob)) == 12


def test_a_misspelt_task_names_the_nearest(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--tasks", "arht", "--include-path", str(arith_suite.root))

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: unknown task 'arht'; did you mean 'arith'?"])
