from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_evalkit.compat import import_from, install


class Tree:
    """Task folders, below a folder of a test."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, folder: str, module: str = "utils") -> ModuleType:
        """Import a module as a task file in a folder names it."""
        install()
        loaded = import_from(self.root / folder, module)
        assert loaded is not None
        return loaded

    def value(self, folder: str, name: str) -> Any:
        return getattr(self.load(folder), name)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def fresh_python(tmp_path: Path) -> Callable[..., str]:
    """Run code in a process of its own and return what it prints."""

    def run(code: str, *path: Path) -> str:
        search = os.pathsep.join(map(str, path))
        before = os.environ.get("PYTHONPATH")
        joined = search if before is None else f"{search}{os.pathsep}{before}"
        ran = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": joined.strip(os.pathsep)},
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    return run
