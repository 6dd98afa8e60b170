from __future__ import annotations

from pytest_evalkit.sinks import FinishedRun


def test_figures_have_flat_names(run: FinishedRun) -> None:
    figures = run.figures()

    assert figures["sums/acc/strict"] == 0.75
    # Where documents depend on each other, the error that says so.
    assert figures["sums/acc/strict/stderr"] == 0.25
    assert figures["sums/acc/strict/ci95_low"] == 0.3
    assert figures["sums/acc/strict/ci95_high"] == 0.95
    assert figures["sums/acc/strict/n"] == 4
    assert figures["sums/documents"] == 5
    assert figures["sums/documents_scored"] == 4
    assert figures["sums/documents_in_error"] == 1
    assert figures["run/seconds"] == 12.5
    assert figures["run/usage/input_tokens"] == 40
    assert figures["sums/acc/strict/pass@2"] == 0.875
    assert figures["load/ttft_ms.p95"] == 120.5


def test_what_has_no_value_is_no_figure(run: FinishedRun) -> None:
    assert not [name for name in run.figures() if "lost" in name]
    assert "run/usage/budget" not in run.figures()


def test_verdicts_are_counted(run: FinishedRun) -> None:
    figures = run.figures()

    # A document in error fails every gate.
    verdicts = ("pass", "fail", "inconclusive")
    assert [figures[f"run/gates_{verdict}"] for verdict in verdicts] == [0, 1, 0]


def test_settings_have_what_was_given_and_no_secret(run: FinishedRun) -> None:
    settings = run.settings()

    assert settings["model_name"] == "tiny"
    assert settings["version/sums"] == 2
    assert settings["option/model_args"] == "api_key=***"
    assert "option/limit" not in settings


def test_prompts_and_answers_go_along_only_when_asked(run: FinishedRun) -> None:
    assert [path.name for path in run.files("results")] == ["results.json"]
    assert [path.name for path in run.files("all")] == [
        "results.json",
        "report.html",
        "samples_sums.jsonl",
    ]
    assert run.files("none") == []


def test_a_run_is_called_by_model_and_time(run: FinishedRun) -> None:
    assert run.name == "tiny/20261121T101500_000"
