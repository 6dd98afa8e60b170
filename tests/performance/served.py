"""A mock server in a process of its own, for scripts that measure clients."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def mock_server(*options: str) -> Iterator[str]:
    """Run a mock server in a process of its own; give its URL."""
    command = [sys.executable, "-m", "pytest_evalkit.mockserver", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
