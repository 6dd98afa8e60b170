from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_evalkit.cli import main
from tests.unit.results.recorded_runs import (
    conclusion,
    samples_of,
    write_recorded,
)


def write(folder: Path, right: int, *, stderr: float | None = 0.0458) -> str:
    """Write a run of a hundred documents, some right; task ``sums``."""
    values = [float(i < right) for i in range(100)]
    task = conclusion(right / 100, n=100, stderr=stderr)
    return str(write_recorded(folder, samples_of(values), task))


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    return [write(tmp_path / "old", 70), write(tmp_path / "new", 80)]


def test_runs_are_compared_on_the_terminal(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["compare", *runs, "--flips", "1"])

    out = capsys.readouterr().out
    assert status == 0
    assert "+0.1000" in out
    assert "10 better, 0 worse" in out
    assert out.rstrip().endswith(
        "and 9 more; --flips N shows more, --format json has all"
    )


def test_runs_are_compared_in_json(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["compare", *runs, "--format", "json"])

    (compared,) = json.loads(capsys.readouterr().out)["comparisons"]
    (change,) = compared["changes"]
    # Ten of ten changes in one direction, half of what is as likely left out.
    assert change["p_value"] == pytest.approx(2 * 0.5**10 - 0.5**10)
    assert (change["gained"], change["lost"]) == (10, 0)


def test_runs_are_compared_in_markdown(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["compare", *runs, "--format", "markdown"])

    assert capsys.readouterr().out.startswith("**new** against **old**\n\n| Task |")


def test_one_run_is_not_compared(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["compare", runs[0]])

    assert status == 4
    assert "two runs or more" in capsys.readouterr().err


def test_what_is_no_run_is_named(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["compare", runs[0], str(tmp_path / "nowhere")])

    assert status == 4
    assert "nowhere" in capsys.readouterr().err


def test_the_documented_defaults_need_2181_documents(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["power"])

    assert status == 0
    assert capsys.readouterr().out.startswith(
        "2,181 documents show a difference of 0.03"
    )


def test_a_number_of_documents_shows_a_smallest_difference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["power", "--documents", "500", "--json"])

    (row,) = json.loads(capsys.readouterr().out)
    # Quantiles 1.959964 and 0.841621, deviation 0.5 over the root of 500.
    assert row["smallest_difference"] == pytest.approx(0.0626453, abs=1e-6)
    # Phi(0.03 / 0.0223607 - 1.959964) and a little of the other tail.
    assert row["power"] == pytest.approx(0.2687, abs=1e-3)
    assert row["documents_needed"] == 2181


def test_a_run_gives_the_deviation_of_its_scores(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["power", runs[0], "--json", "--effect", "0.1"])

    (row,) = json.loads(capsys.readouterr().out)
    # Both models 0.458, correlation 0.5: their difference has 0.458 too.
    assert (row["task"], row["metric"], row["documents"]) == ("sums", "acc,none", 100)
    assert row["deviation"] == pytest.approx(0.458)
    assert row["documents_needed"] == 165


def test_two_runs_give_the_deviation_of_their_difference(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["power", *runs])

    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split() == [
        *("Task", "Metric", "n", "sd", "Power", "Smallest", "Documents")
    ]
    # Ten of a hundred differ by 1: variance 0.09 * 100 / 99.
    assert row.split()[:4] == ["sums", "acc,none", "100", "0.3015"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--alpha", "0"], "alpha is between 0 and 1"),
        (["--effect", "0"], "other than 0"),
        (["--correlation", "2"], "from -1 to 1"),
        (["--std-a", "-1"], "0 or above"),
        (["--documents", "0"], "needs documents"),
        (["a", "b", "c"], "from one run, or from two"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["power", *options])

    err = capsys.readouterr().err
    assert status == 4
    assert message in err
    assert len(err.splitlines()) == 1


def test_a_run_whose_scores_never_vary_tells_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write(tmp_path / "all", 100, stderr=0.0)

    status = main(["power", run])

    assert status == 4
    assert "no metric of what is given varies" in capsys.readouterr().err


def test_a_metric_that_is_no_mean_needs_the_folder_of_its_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = []
    for name in ("old", "new"):
        lines = samples_of([{"score": 1.0}] * 3)
        more = [line | {"metrics": ["acc", "one"], "one": 1.0} for line in lines]
        runs.append(str(write_recorded(tmp_path / name, more)))

    main(["compare", *runs])

    out = capsys.readouterr().out
    assert (
        "warning: sums: acc is not compared: how it is aggregated is not known" in out
    )
    assert "sums  one" in out
