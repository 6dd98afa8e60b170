from __future__ import annotations

import pytest

from pytest_evalkit.cli import main


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("shwo", "did you mean 'show'?"),
        ("mock-serve", "did you mean 'mock-server'?"),
        ("zzz", "valid: baseline, cache, compare"),
    ],
)
def test_a_misspelt_command_names_the_nearest(
    command: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([command, "last"])

    assert status == 4
    said = capsys.readouterr().err
    assert said.startswith(f"evalkit: unknown command {command!r}; {hint}")
    assert said.count("\n") == 1


def test_help_and_version_are_no_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("evalkit ")
