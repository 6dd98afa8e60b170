from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_evalkit.cli import main
from pytest_evalkit.conversations import read_conversations

USER = {"conversation_id": "k", "turn": 1, "role": "user", "content": "a"}
SNAPSHOT = {
    "conversation_id": "k",
    "conversation_idx": 0,
    "messages": [{"role": "user", "content": "a"}],
}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_sound_data_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "talk.jsonl", USER)

    status = main(["validate", str(path)])

    assert status == 0
    assert capsys.readouterr().out == f"{path}: 1 conversation, 1 request\n"


def test_every_problem_of_every_file_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write(tmp_path / "a.jsonl", *[USER | {"content": ""}] * 3)
    second = tmp_path / "b.jsonl"
    sound = write(tmp_path / "c.jsonl", USER)

    status = main(
        ["validate", "--max-errors", "1", str(first), str(second), str(sound)]
    )

    out = capsys.readouterr().out.splitlines()
    assert status == 1
    assert out[0] == f"{first}: 7 problems in conversations"
    assert out[1].startswith(f"  {first}:1: conversation 'k', turn 1: content must")
    assert out[2] == "  and 6 more"
    assert out[3].startswith(f"{second}: cannot read conversations")
    assert out[4] == f"{sound}: 1 conversation, 1 request"


def test_fifty_problems_of_a_file_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [USER | {"conversation_id": str(n), "content": ""} for n in range(51)]
    path = write(tmp_path / "a.jsonl", *rows)

    main(["validate", str(path)])

    out = capsys.readouterr().out.splitlines()
    assert len(out) == 52
    assert out[-1] == "  and 1 more"


def test_tasks_and_data_may_be_checked_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write(tmp_path / "talk.jsonl", USER)
    task = tmp_path / "t.yaml"
    task.write_text("task: t\ndataset_path: org/name\ndoc_to_txt: x\n")

    status = main(["validate", str(data), str(task)])

    out = capsys.readouterr().out
    assert status == 1
    assert f"{data}: 1 conversation" in out
    assert "loaded 0 of 1 tasks" in out


def test_a_log_is_converted_and_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write(tmp_path / "log.jsonl", SNAPSHOT)
    rows = tmp_path / "rows.jsonl"

    status = main(["convert-snapshot", str(log), str(rows), "--verify"])

    assert status == 0
    assert capsys.readouterr().out == f"{rows}: 1 conversation, 1 request, verified\n"
    (one,) = read_conversations(rows)
    assert one.id == "k"


def test_a_log_that_does_not_survive_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = SNAPSHOT | {"conversation_idx": 1}
    other["messages"] = [{"role": "user", "content": "b"}]
    log = write(tmp_path / "log.jsonl", SNAPSHOT, other)
    rows = tmp_path / "rows.jsonl"

    status = main(["convert-snapshot", str(log), str(rows), "--verify"])

    assert status == 1
    assert f"{log}:1: conversation 'k': snapshot 0 is no" in capsys.readouterr().out
    assert not rows.exists()


@pytest.mark.parametrize("verify", [[], ["--verify"]])
def test_a_log_that_breaks_rules_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verify: list[str]
) -> None:
    messages = [{"role": "assistant", "content": "a"}]
    log = write(tmp_path / "log.jsonl", SNAPSHOT | {"messages": messages})

    status = main(["convert-snapshot", str(log), str(tmp_path / "rows"), *verify])

    assert status == 4
    told = capsys.readouterr().err
    assert f"{log}:1: conversation 'k', turn 1: a conversation starts with" in told
