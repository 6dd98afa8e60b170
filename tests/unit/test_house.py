"""What holds for every module of the package."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_evalkit

PACKAGE = Path(pytest_evalkit.__file__).parent
ROOT = Path(__file__).parents[2]
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES_OF_A_MODULE = 400
MOST_LINES_OF_A_FUNCTION = 50

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> Iterator[Path]:
    yield from MODULES
    for folder in ("tests", "benchmarks", "docs"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_module_is_long() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in sources()}

    long = {p.name: n for p, n in lengths.items() if n > MOST_LINES_OF_A_MODULE}
    assert len(lengths) > 100
    assert long == {}


def test_no_two_test_modules_have_one_name() -> None:
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))

    assert len(names) > 100
    assert {name for name, count in names.items() if count > 1} == set()


def test_no_function_is_long() -> None:
    lengths = {
        f"{path.name}::{function.name}": (function.end_lineno or 0)
        - function.lineno
        + 1
        for path in sources()
        for function in functions(path)
    }

    long = {name: n for name, n in lengths.items() if n > MOST_LINES_OF_A_FUNCTION}
    assert len(lengths) > 500
    assert long == {}


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if "\n__all__ = " in path.read_text("utf-8")],
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)
def test_exported_names_are_there(path: Path) -> None:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    module = importlib.import_module(name)

    exported = module.__all__

    assert len(exported) == len(set(exported))
    assert [name for name in exported if not hasattr(module, name)] == []


def test_public_names_are_those_that_have_a_home() -> None:
    homes = {*pytest_evalkit._HOMES, "__version__"}

    assert set(pytest_evalkit.__all__) == homes


def test_no_optional_package_is_imported_with_a_module() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    tidy = settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]
    banned = set(tidy["banned-module-level-imports"])
    extras = settings["project"]["optional-dependencies"]
    names = {
        "mlflow-skinny": "mlflow",
        "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
        "opentelemetry-sdk": "opentelemetry",
        "pylance": "lance",
        "scikit-learn": "sklearn",
    }

    optional = {
        re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        for extra, requirements in extras.items()
        if extra not in {"test", "docs"}
        for requirement in requirements
    }

    modules = {names.get(name, name.replace("-", "_")) for name in optional}
    assert "sklearn" in modules
    assert modules - banned == set()
