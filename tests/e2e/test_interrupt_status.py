from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_INTERRUPTED_IN_A_TEXT = """
def pytest_sessionstart():
    exec('import os, signal; os.kill(os.getpid(), signal.SIGINT); len("")')
"""


def test_ctrl_c_in_code_that_python_made_ends_with_the_same_status(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write("conftest.py", _INTERRUPTED_IN_A_TEXT)

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "--model", "oracle"],
        cwd=arith_suite.root,
        capture_output=True,
        text=True,
        check=False,
    )

    output = ended.stdout + ended.stderr
    assert ended.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "Traceback" not in output
