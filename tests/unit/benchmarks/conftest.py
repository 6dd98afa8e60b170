"""Access to the benchmark folders, whose modules belong to no package."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"

LoadModule = Callable[[str], ModuleType]


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    return BENCHMARKS


@pytest.fixture
def load_module(monkeypatch: pytest.MonkeyPatch) -> LoadModule:
    """Load ``folder/module.py`` of the benchmarks as a script there would see it."""

    def load(relative: str) -> ModuleType:
        path = BENCHMARKS / relative
        name = f"benchmark_{path.parent.name}_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.syspath_prepend(str(path.parent))
        # Dataclasses look their module up while they are being made.
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load
