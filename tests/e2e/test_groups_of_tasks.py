from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.e2e.conftest import sums

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_TWO = ("--model", "constant", "--model-args", "text='2'")
_MEAN = [{"metric": "exact_match"}]
_BY_NAME = ("--include-path", ".", "--tasks")
_EITHER = pytest.mark.parametrize("workers", [(), ("-n", "2")])


def group(suite: ArithSuite, name: str, members: list[Any], **keys: Any) -> None:
    merged = {
        "group": name,
        "task": members,
        "aggregate_metric_list": _MEAN,
        "metadata": {"version": 3},
        **keys,
    }
    suite.write(f"{name}.yaml", yaml.safe_dump(merged, sort_keys=False))


@pytest.fixture
def exam(arith_suite: ArithSuite) -> ArithSuite:
    """Six sums and two others in a group of two groups, and a task written in it.

    Each of ``arith`` and ``more`` has one document whose answer is 2.
    """
    arith_suite.task("more", rows=sums(2), tag=["few"])
    group(arith_suite, "first", ["arith"])
    group(arith_suite, "second", ["few"])
    written = {
        "task": "written",
        "include": "more/more.yaml",
        "tag": "own",
        "doc_to_target": "2",
        "dataset_kwargs": {"data_files": {"test": "more/test.jsonl"}},
    }
    group(arith_suite, "exam", ["first", "second", written])
    return arith_suite


def ids(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


@_EITHER
def test_a_group_has_rows_in_results_and_table(
    exam: ArithSuite, workers: tuple[str, ...]
) -> None:
    result = exam.run(*_BY_NAME, "exam", *_TWO, *workers)

    results = exam.results()
    row = results["groups"]["exam"]
    # Right are 1 of 6, 1 of 2 and 2 of 2; their squared errors 1/36, 1/4 and 0.
    pooled = math.sqrt((5 * 6 / 36 + 1 * 2 / 4) / (10 - 3) / 10)
    result.assert_outcomes(passed=10)
    assert row["exact_match,none"] == pytest.approx(0.4)
    assert row["exact_match_stderr,none"] == pytest.approx(pooled)
    assert (row["sample_len"], row["sample_count"]) == (10, {"exact_match,none": 10})
    assert results["group_subtasks"] == {
        "exam": ["first", "second", "exam::written"],
        "first": ["arith"],
        "second": ["more"],
    }
    assert results["versions"]["exam"] == 3
    assert results["complete"] is True
    result.stdout.fnmatch_lines(
        [
            "exam             exact_match ↑  10  0.4000  ± 0.1380     10/10",
            "  first          exact_match ↑   6  0.1667  ± 0.1667       6/6",
            "  second         exact_match ↑   2  0.5000  ± 0.5000       2/2",
            "  exam::written  exact_match ↑   2  1.0000  ± 0.0000       2/2",
            "  first",
            "    arith        exact_match ↑   6  0.1667  ± 0.1667       6/6",
            "  second",
            "    more         exact_match ↑   2  0.5000  ± 0.5000       2/2",
        ],
        consecutive=True,
    )


def test_workers_conclude_the_same_of_groups_as_one_process(exam: ArithSuite) -> None:
    exam.run(*_BY_NAME, "exam", *_TWO)
    exam.run(*_BY_NAME, "exam", *_TWO, "-n", "2")

    first, second = exam.results(0), exam.results(1)
    same = ("results", "groups", "group_subtasks", "aggregates", "coverage", "n-shot")
    assert {key: first[key] for key in same} == {key: second[key] for key in same}


def test_the_file_of_a_group_stands_for_its_tasks(exam: ArithSuite) -> None:
    by_file = ids(exam.run("exam.yaml", "--collect-only", "-q"))
    by_name = ids(exam.run(*_BY_NAME, "exam", "--collect-only", "-q"))

    assert by_file == by_name
    assert by_file == [
        *(f"arith/arith.yaml::arith[q{n}]" for n in range(6)),
        "more/more.yaml::more[q0]",
        "more/more.yaml::more[q1]",
        "exam.yaml::exam.written[q0]",
        "exam.yaml::exam.written[q1]",
    ]


def test_a_folder_gives_its_tasks_once_and_no_groups(exam: ArithSuite) -> None:
    result = exam.run(*_TWO)

    result.assert_outcomes(passed=8)
    assert exam.results()["groups"] == {}


def test_a_task_named_by_several_groups_runs_once(exam: ArithSuite) -> None:
    result = exam.run(*_BY_NAME, "second,exam,arith", *_TWO)

    result.assert_outcomes(passed=10)
    assert exam.results()["groups"]["second"]["exact_match,none"] == 0.5


def test_a_task_named_and_in_a_folder_that_is_given_runs_once(exam: ArithSuite) -> None:
    result = exam.run("arith", *_BY_NAME, "exam", *_TWO)

    result.assert_outcomes(passed=10)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("-k", "written"), ["exam.yaml::exam.written[q0]", "exam.yaml::exam.written[q1]"]),
        (("-k", "more and q1"), ["more/more.yaml::more[q1]"]),
        (("-m", "own"), ["exam.yaml::exam.written[q0]", "exam.yaml::exam.written[q1]"]),
        (
            ("--deselect", "arith/arith.yaml", "--deselect", "exam.yaml::exam.written[q0]"),
            [*(f"more/more.yaml::more[q{n}]" for n in (0, 1)), "exam.yaml::exam.written[q1]"],
        ),
    ],
)  # fmt: skip
def test_documents_of_a_group_are_selected_as_any_are(
    exam: ArithSuite, arguments: tuple[str, ...], expected: list[str]
) -> None:
    result = exam.run("exam.yaml", "--collect-only", "-q", *arguments)

    assert ids(result) == expected


def test_a_document_written_in_a_group_has_an_id_of_its_own(exam: ArithSuite) -> None:
    result = exam.run("exam.yaml::exam.written[q1]", *_TWO)

    result.assert_outcomes(passed=1)
    assert exam.ran("exam__written") == ["q1"]
    assert exam.results()["groups"] == {}


@_EITHER
def test_lf_runs_again_what_was_wrong_in_a_group(
    exam: ArithSuite, workers: tuple[str, ...]
) -> None:
    arguments = (*_BY_NAME, "exam", "--fail-wrong", *workers)
    exam.run("--model", "constant", "--model-args", "text='4'", *arguments)

    result = exam.run(*_TWO, *arguments, "--lf")

    # Wrong were all but the document whose answer is 4.
    result.assert_outcomes(passed=4, failed=5)


def test_keys_of_a_group_and_of_its_members_are_laid_over_the_tasks(
    exam: ArithSuite,
) -> None:
    changed = {"task": "more", "task_alias": "Other", "doc_to_text": "{{question}}?"}
    group(exam, "changed", ["arith", changed], description="Add: ", tag="laid")

    exam.run(*_BY_NAME, "changed", *_TWO)

    (first, *_), (other, *_) = exam.samples("arith"), exam.samples("more")
    assert first["input"] == [{"role": "user", "content": "Add: 0+0="}]
    assert other["input"] == [{"role": "user", "content": "Add: 0+0?"}]
    assert exam.results()["results"]["more"]["alias"] == "Other"
    assert exam.results()["configs"]["more"]["tag"] == "laid"


def test_a_task_may_be_in_a_group_in_several_forms(exam: ArithSuite) -> None:
    forms = [{"task": "more", "num_fewshot": shots} for shots in (0, 1)]
    group(exam, "forms", forms, fewshot_split="test")

    listed = ids(exam.run("forms.yaml", "--collect-only", "-q"))
    result = exam.run("forms.yaml", *_TWO, "-n", "2")

    assert [line.partition("::")[0] for line in listed] == ["more/more.yaml"] * 4
    assert len(set(listed)) == 4
    result.assert_outcomes(passed=4)
    results = exam.results()
    assert len(results["group_subtasks"]["forms"]) == 2
    assert sorted(results["n-shot"][name] for name in results["configs"]) == [0, 1]
    assert "forms" not in results["n-shot"]


@_EITHER
@pytest.mark.parametrize(
    ("gate", "status"), [("exam:exact_match>=0.4", 0), ("exam:exact_match>0.4", 1)]
)
def test_a_gate_on_a_group_decides_the_exit_status(
    exam: ArithSuite, gate: str, status: int, workers: tuple[str, ...]
) -> None:
    result = exam.run("exam.yaml", *_TWO, "--gate", gate, *workers)

    (judged,) = exam.results()["gates"]
    assert result.ret == status
    assert (judged["task"], judged["verdict"]) == ("exam", ("pass", "fail")[status])


def test_a_group_may_have_a_gate_in_its_file(exam: ArithSuite) -> None:
    group(exam, "strict", ["arith"], gate=[{"metric": "exact_match", "min": 0.5}])

    result = exam.run("strict.yaml", *_TWO, "--junitxml", "junit.xml")

    result.stdout.fnmatch_lines(
        ["FAILED strict.yaml::gate?exact_match >= 0.5? - strict: exact_match,none is *"]
    )
    names = [
        case.get("name") for case in ET.parse(exam.root / "junit.xml").iter("testcase")
    ]
    assert names[-1] == "gate[exact_match >= 0.5]"
    assert [gate["task"] for gate in exam.results()["gates"]] == ["strict"]


def test_a_group_of_which_a_task_was_not_selected_has_no_value(
    exam: ArithSuite,
) -> None:
    result = exam.run(
        *_BY_NAME, "exam", *_TWO, "-k", "more", "--gate", "exam:exact_match>=0"
    )

    results = exam.results()
    reason = "2 of its 3 tasks were not run: arith, exam::written"
    assert results["groups"]["exam"]["exact_match,none"] is None
    assert results["groups"]["second"]["exact_match,none"] == 0.5
    assert "first" not in results["groups"]
    assert results["gates"][0]["verdict"] == "inconclusive"
    result.stdout.fnmatch_lines([f"exam: exact_match,none has no value: {reason}"])


def test_a_group_with_a_task_in_error_has_no_value(exam: ArithSuite) -> None:
    exam.model(
        "def answer(request):\n"
        "    if request.origin.task == 'more': raise RequestRejectedError('too long')\n"
        "    return '2'\n"
    )

    result = exam.run(*_BY_NAME, "exam")

    row = exam.results()["aggregates"]["exam"][0]
    assert result.ret == 1
    assert (row["value"], row["stderr"]) == (None, None)
    assert row["missing"] == "1 of 3 tasks have none: more"
    assert exam.results()["coverage"]["exam"]["errors"] == 2


def test_a_group_survives_a_worker_that_is_killed(exam: ArithSuite) -> None:
    exam.model(
        "import signal\n"
        "def answer(request):\n"
        "    if request.origin.task == 'more' and not os.path.exists('died'):\n"
        "        open('died', 'w').close()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return target_of(request)\n"
    )

    result = exam.run("exam.yaml", "-n", "2", "--max-concurrency", "2")

    assert (exam.root / "died").exists()
    assert result.ret == 0
    assert exam.results()["groups"]["exam"]["exact_match,none"] == 1.0
    assert exam.results()["coverage"]["exam"]["scored"] == 10


def test_a_group_that_was_interrupted_says_what_is_missing(exam: ArithSuite) -> None:
    exam.model(
        "def answer(request):\n"
        "    if request.origin.task == 'more': raise RequestRejectedError('too long')\n"
        "    return '2'\n"
    )

    exam.run(*_BY_NAME, "exam", "-x", "--max-concurrency", "1")

    results = exam.results()
    assert results["complete"] is False
    assert results["groups"]["exam"]["exact_match,none"] is None
    assert results["groups"]["first"]["exact_match,none"] == pytest.approx(1 / 6)


def test_tasks_run_in_the_order_in_which_they_were_named(exam: ArithSuite) -> None:
    listed = ids(exam.run(*_BY_NAME, "more,arith", "--collect-only", "-q"))

    assert [line.partition("::")[0] for line in listed] == [
        *["more/more.yaml"] * 2,
        *["arith/arith.yaml"] * 6,
    ]


def test_nothing_beside_a_task_that_was_named_is_collected(exam: ArithSuite) -> None:
    exam.write("arith/test_beside.py", "raise RuntimeError('imported')\n")
    exam.write("arith/broken.yaml", "task: broken\ndoc_to_txt: x\ndataset_path: x\n")
    exam.write("arith/deeper/test_deeper.py", "def test_it(): pass\n")

    by_name = exam.run(*_BY_NAME, "arith", *_TWO)
    by_file = exam.run("arith/arith.yaml", *_TWO)

    by_name.assert_outcomes(passed=6)
    by_file.assert_outcomes(passed=6)


def test_python_tests_beside_a_group_are_collected_where_they_are_given(
    exam: ArithSuite,
) -> None:
    exam.write("arith/test_beside.py", "def test_a(): pass\ndef test_b(): pass\n")

    whole = exam.run("arith/test_beside.py", "exam.yaml", *_TWO)
    one = exam.run("arith/test_beside.py::test_b", *_BY_NAME, "exam", *_TWO)

    whole.assert_outcomes(passed=12)
    one.assert_outcomes(passed=11)


def test_a_conftest_beside_a_task_gives_its_model(exam: ArithSuite) -> None:
    exam.write(
        "more/conftest.py",
        "import pytest\n"
        "from pytest_evalkit import MockBackend\n"
        "@pytest.fixture(scope='module')\n"
        "def model():\n"
        "    with open('made', 'a') as file: file.write('made\\n')\n"
        "    return MockBackend(lambda request: request.origin.target)\n",
    )
    group(exam, "forms", [{"task": "more", "num_fewshot": 0}, {"task": "more"}])

    result = exam.run("forms.yaml")

    result.assert_outcomes(passed=4)
    assert exam.noted("made") == ["made"]
    assert exam.results()["groups"]["forms"]["exact_match,none"] == 1.0


def test_a_misspelt_group_is_a_usage_error(exam: ArithSuite) -> None:
    result = exam.run(*_BY_NAME, "exma", *_TWO)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: unknown task 'exma'; did you mean 'exam'?"])


def test_a_group_with_an_unknown_member_is_a_usage_error(exam: ArithSuite) -> None:
    group(exam, "wrong", ["arith", "moer"])

    result = exam.run("wrong.yaml", *_TWO)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *wrong.yaml:4: *'moer'; did you mean 'more'?"])
