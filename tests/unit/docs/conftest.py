from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def script() -> Callable[[str], ModuleType]:
    """Load a script of docs/, which is no package."""

    def load(name: str) -> ModuleType:
        path = ROOT / "docs" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"docs_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
