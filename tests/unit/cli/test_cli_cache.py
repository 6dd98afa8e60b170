from __future__ import annotations

import json
import re
import time
from contextlib import closing
from pathlib import Path

import pytest

from pytest_evalkit.cli import main
from pytest_evalkit.cli.cache import age_said, size_said
from pytest_evalkit.engine import ResponseCache
from pytest_evalkit.engine.question import question_of
from pytest_evalkit.engine.response_cache import Asked
from pytest_evalkit.errors import OptionError
from pytest_evalkit.messages import Message
from pytest_evalkit.values import Generate, Response

_DAY_S = 86_400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two answers of a month ago, and one of today of another model."""
    for age_s, model, texts in ((31 * _DAY_S, "old", "ab"), (0, "new", "c")):
        asked = Asked(model, json.dumps({"model": model}))
        kept_at = time.time() - age_s
        with closing(
            ResponseCache(tmp_path, clock=lambda kept_at=kept_at: kept_at)  # type: ignore[misc]
        ) as cache:
            for text in texts:
                request = Generate(messages=(Message.of_text("user", text),))
                question = question_of(request, b"")
                cache.keep(question, asked, Response(text=text.upper()))
    return tmp_path


def lines(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["cache", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_stats_say_what_there_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    total, heading, new, old = lines(capsys, "stats", str(folder))

    assert total.startswith("3 answers, ")
    assert total.endswith(" kB on disk")
    assert heading.split() == [
        *("model", "requests", "answers", "size", "oldest", "newest"),
    ]
    assert new.split()[:3] == ["new", "generate", "1"]
    assert old.split()[:3] == ["old", "generate", "2"]
    assert re.search(r" B  (\d{4}-\d\d-\d\d \d\d:\d\d)  \1$", old)


def test_pruning_says_what_was_taken_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (said,) = lines(capsys, "prune", str(folder), "--older-than", "30d")

    assert said.startswith("2 answers taken out, ")
    assert lines(capsys, "stats", str(folder))[0].startswith("1 answer, ")


def test_an_export_is_json_lines(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [json.loads(line) for line in lines(capsys, "export", str(folder))]
    (only,) = lines(capsys, "export", str(folder), "--model", "new")

    assert [(row["model"], row["answer"]["text"]) for row in rows] == [
        ("old", "A"),
        ("old", "B"),
        ("new", "C"),
    ]
    assert json.loads(only)["asked"]["messages"] == [{"role": "user", "content": "c"}]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["prune"], "say what to take out: --older-than AGE"),
        (["prune", "--older-than", "month"], "--older-than 'month': must be a number"),
        (["prune", "--max-size", "much"], "--max-size 'much': must be a number"),
        (["prune", "--model", "odl"], "the cache has no answers of model 'odl'; did"),
        (["export", "--model", "nwe"], "the cache has no answers of model 'nwe'; did"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    action, *rest = arguments

    assert main(["cache", action, str(folder), *rest]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"evalkit: {told}")


def test_a_folder_without_a_cache_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache", "stats", str(tmp_path)]) == 4
    assert capsys.readouterr().err == (
        f"evalkit: there is no response cache in {tmp_path}: no responses.sqlite\n"
    )


def test_ages_and_sizes_have_units() -> None:
    assert age_said("30d") == 30 * _DAY_S
    assert age_said("1.5h") == 5400
    assert age_said("2w") == 14 * _DAY_S
    assert size_said("500MB") == 500_000_000
    assert size_said("2 GiB") == 2 * 1024**3
    assert size_said("1.5k") == 1500
    assert size_said("100") == 100
    for wrong in ("30", "d", "-1d", "1y"):
        with pytest.raises(OptionError, match="must be a number"):
            age_said(wrong)
    for wrong in ("MB", "1XB", "-5MB", ""):
        with pytest.raises(OptionError, match="must be a number"):
            size_said(wrong)
