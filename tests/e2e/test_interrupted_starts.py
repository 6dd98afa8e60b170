from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import ArithSuite

# Presses Ctrl-C where a module is looked for the first time.
_PRESSING = """
import os, signal, sys

class Pressing:
    def find_spec(self, name, path=None, target=None):
        if name == "pytest_evalkit.plugin.options":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Pressing())
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""
_FROM_A_TEXT = (
    "exec('import os, signal; os.kill(os.getpid(), signal.SIGINT); len(\"\")')"
)


def started(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command, "--model", "oracle"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def require_quiet_end(ended: subprocess.CompletedProcess[str]) -> None:
    output = ended.stdout + ended.stderr
    assert ended.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "Traceback" not in output
    assert "Error" not in output


def test_ctrl_c_while_the_plugin_is_imported_ends_quietly(
    arith_suite: ArithSuite,
) -> None:
    ended = started(arith_suite.root, "-c", _PRESSING)

    require_quiet_end(ended)


@pytest.mark.parametrize(
    "conftest",
    [
        _FROM_A_TEXT,
        f"def pytest_sessionstart(): {_FROM_A_TEXT}",
    ],
    ids=["import", "session"],
)
def test_ctrl_c_in_code_that_python_made_ends_with_the_same_status(
    arith_suite: ArithSuite, conftest: str
) -> None:
    arith_suite.write("conftest.py", conftest)

    ended = started(arith_suite.root, "-m", "pytest")

    require_quiet_end(ended)
