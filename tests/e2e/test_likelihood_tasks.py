from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_CHOICE: dict[str, Any] = {
    "output_type": "multiple_choice",
    "doc_to_choice": "{{[answer, 'none', 'many']}}",
    "doc_to_target": 0,
    "metric_list": [{"metric": "acc"}],
}


def test_an_oracle_wins_a_task_of_choices(arith_suite: ArithSuite) -> None:
    arith_suite.task(**_CHOICE)

    result = arith_suite.run("--model", "oracle", "arith")

    assert result.ret == pytest.ExitCode.OK
    assert arith_suite.score(metric="acc") == 1.0
    sample = arith_suite.samples()[1]
    assert sample["arguments"][0] == ["2*1=", " 2"]
    assert sample["target"] == 0


def test_a_constant_says_how_likely_choices_are_too(arith_suite: ArithSuite) -> None:
    arith_suite.task(**_CHOICE)

    result = arith_suite.run(
        "--model", "constant", "--model-args", "text=many", "arith"
    )

    assert result.ret == pytest.ExitCode.OK
    assert arith_suite.score(metric="acc") == 0.0


_WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")])


@_WORKERS
def test_a_model_without_likelihoods_is_refused_for_tasks_that_are_named(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    first = arith_suite.task(**_CHOICE)
    second = arith_suite.task("second", **{**_CHOICE, "output_type": "loglikelihood"})

    result = arith_suite.run("--model", "demo", *workers, str(first), str(second))

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(
        [
            (
                "*arith.yaml: task 'arith' (multiple_choice) asks for likelihoods, which "
                "model 'demo' does not tell; use --model openai-completions with a server "
                "that echoes logprobs, or --choice-as-generation *"
            )
        ]
    )
    # Where CI is set, pytest's summary repeats each error in full.
    text, _, _ = result.stdout.str().partition("short test summary")
    assert text.count("task 'arith' (multiple_choice) asks") == 1
    assert "second.yaml: task 'second' (loglikelihood) asks for likelihoods" in text
    assert "Traceback" not in text
    assert not (arith_suite.root / "results").exists()


@_WORKERS
def test_tasks_that_a_model_cannot_do_are_left_out_of_their_folder(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    for name in ("c1", "c2", "c3", "c4", "c5"):
        arith_suite.task(name, **_CHOICE)
    arith_suite.task("drawn", output_type="generate_visual_cot")

    result = arith_suite.run("--model", "demo", *workers)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "*arith*exact_match*6/6*",
            "left out c1.yaml, c2.yaml, c3.yaml and 2 more: asks for likelihoods, *",
            "left out drawn.yaml: has the model draw an image *",
        ]
    )
    assert list(arith_suite.results()["results"]) == ["arith"]


@_WORKERS
def test_a_folder_of_nothing_but_such_tasks_is_refused(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.task(**_CHOICE)

    result = arith_suite.run("--model", "demo", *workers)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["left out arith.yaml: asks for likelihoods, *"])


def test_a_task_that_draws_first_is_refused_where_the_model_does_not(
    arith_suite: ArithSuite,
) -> None:
    path = arith_suite.task(output_type="generate_visual_cot")

    refused = arith_suite.run("--model", "demo", f"{path}::arith[0]")
    answered = arith_suite.run("--model", "oracle", str(path))

    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stdout.fnmatch_lines(
        ["*'arith' (generate_visual_cot) has the model draw an image*'demo' cannot do*"]
    )
    assert answered.ret == pytest.ExitCode.OK
    assert arith_suite.score() == 1.0


def test_a_choice_may_be_asked_for_by_its_letter(arith_suite: ArithSuite) -> None:
    arith_suite.task(**_CHOICE)
    arith_suite.model("def answer(request):\n    return 'The answer is (A).'\n")

    result = arith_suite.run("--choice-as-generation", "arith")

    assert result.ret == pytest.ExitCode.OK
    assert arith_suite.score(metric="choice_acc") == 1.0
    sample = arith_suite.samples()[0]
    assert sample["input"][0]["content"] == (
        "0+0=\n\nA. 0\nB. none\nC. many\n\n"
        "Answer with the letter of the correct option only."
    )
    assert "acc,none" not in arith_suite.results()["results"]["arith"]


def test_the_oracle_knows_letters(arith_suite: ArithSuite) -> None:
    arith_suite.task(**_CHOICE)

    arith_suite.run("--model", "oracle", "--choice_as_generation", "arith")

    assert arith_suite.score(metric="choice_acc") == 1.0


def test_compatibility_is_recorded(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--model", "oracle", "--compat", "strict")

    assert result.ret == pytest.ExitCode.OK
    results = arith_suite.results()
    assert results["configs"]["arith"]["compat"] == "strict"
    assert results["config"]["resolved_cli_args"]["compat"] == "strict"


def test_an_unknown_compatibility_is_a_usage_error(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--model", "oracle", "--compat", "loose")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--compat 'loose': must be fixed or strict*"])
