from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a run sets in this process is taken back.
    monkeypatch.setattr(os, "environ", os.environ.copy())


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_a_run_is_what_its_file_says(
    arith_suite: ArithSuite, workers: list[str]
) -> None:
    arith_suite.task()
    arith_suite.task("other")
    arith_suite.write(
        "run.yaml",
        "model: constant\nmodel_args: {text: '${SAID:-4}'}\npaths: [arith]\n"
        f"env: {{SAID: '6'}}\nlimit: 5\npytest: {json.dumps(workers)}\n",
    )

    result = arith_suite.run("--eval-config", "run.yaml")

    assert result.ret == pytest.ExitCode.OK
    assert arith_suite.ran() == ["q0", "q1", "q2", "q3", "q4"]
    assert arith_suite.score() == pytest.approx(1 / 5)
    options = arith_suite.results()["config"]["resolved_cli_args"]
    assert options["paths"] == ["arith"]
    assert options.get("pytest", []) == workers


def test_the_command_line_wins_over_the_file(arith_suite: ArithSuite) -> None:
    arith_suite.task()
    arith_suite.task("other")
    arith_suite.write(
        "run.yaml",
        "model: constant\nmodel_args: text=4\noffset: 3\ngate: ['exact_match>=2']\n"
        "paths: [arith]\npytest: [-k, q1]\n",
    )

    result = arith_suite.run(
        *("--eval-config=run.yaml", "--model=oracle", "--model-args=", "--offset=0"),
        *("--gate=exact_match>=1", "--gate-partial", "-k", "q2", "other"),
    )

    assert result.ret == pytest.ExitCode.OK
    assert arith_suite.ran("other") == ["q2"]


def test_variables_are_set_before_a_conftest_is_imported(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task()
    arith_suite.write("conftest.py", "import os\nassert os.environ['HF_HOME'] == '/hf'")
    arith_suite.write(
        "run.yaml", "model: oracle\nenv: {HF_HOME: /hf}\npytest: [-n, 2]\n"
    )

    result = arith_suite.run("--eval-config=run.yaml")

    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "model: oracle\nlimti: 2",
            "run.yaml:2: unknown key 'limti'; did you mean 'li",
        ),
        ("limit: -2", "run.yaml:1: limit '-2': must be a count of documents"),
        ("sample: 1", "run.yaml:1: sample must be true or false, got 1"),
        ("model: true", "run.yaml:1: model takes a value, got true"),
        ("eval_config: a.yaml", "run.yaml:1: unknown key 'eval_config'"),
        ("[{model: a}, {model: b}]", "run all of them by: evalkit run run.yaml"),
    ],
)
def test_a_file_that_is_wrong_ends_the_run_in_a_line(
    arith_suite: ArithSuite, text: str, said: str
) -> None:
    arith_suite.task()
    arith_suite.write("run.yaml", text)

    result = arith_suite.run("--eval-config=run.yaml")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_a_self_test_refuses_what_a_file_says_too(arith_suite: ArithSuite) -> None:
    arith_suite.task()
    arith_suite.write("run.yaml", "limit: 2")

    result = arith_suite.run("--eval-config=run.yaml", "--selftest")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--limit has no effect" in result.stderr.str()


def evalkit(suite: ArithSuite, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("evalkit")), *arguments],
        cwd=suite.root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_file_is_written_back_from_results(arith_suite: ArithSuite) -> None:
    arith_suite.task()
    first = arith_suite.run(
        *("--model=constant", "--model-args=text=4", "--limit=3", "-k", "q", "arith")
    )

    told = evalkit(arith_suite, "config", "last")
    arith_suite.write("again.yaml", told.stdout)
    result = arith_suite.run("--eval-config=again.yaml")

    assert told.returncode == 0
    assert yaml.safe_load(told.stdout)["model_args"] == {"text": 4}
    assert result.ret == pytest.ExitCode.OK
    assert len(arith_suite.folders) == 2
    assert first.ret == pytest.ExitCode.OK
    assert [len(arith_suite.samples(run=run)) for run in (0, 1)] == [3, 3]


def test_every_run_of_a_list_is_run_and_the_first_failure_told(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task()
    arith_suite.write(
        "runs.yaml",
        "- {model: oracle, model_args: {}}\n- {model: nobody}\n- {model: constant}\n",
    )

    told = evalkit(arith_suite, "run", "runs.yaml", "--limit", "1")

    assert told.returncode == pytest.ExitCode.USAGE_ERROR
    assert told.stdout.splitlines()[-3:] == [
        "runs.yaml::1  passed (exit status 0)",
        "runs.yaml::2  wrong usage (exit status 4)",
        "runs.yaml::3  passed (exit status 0)",
    ]
