"""``!function module.name``: Python beside a task file, imported once per path."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_evalkit.errors import EvalkitError, TaskError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.tasks.source import FunctionReference, Place

# Modules of task folders live under this name, so that no `utils` meets another.
_ROOT = "_evalkit_tasks"


def load_functions(value: Any) -> Any:
    """Replace the function references in a value, however deep, by what they name.

    Raises:
        TaskError: A module or a name in it does not exist, or importing it failed.
    """
    if isinstance(value, FunctionReference):
        return load_function(value)
    if isinstance(value, dict):
        return {key: load_functions(item) for key, item in value.items()}
    if isinstance(value, list):
        return [load_functions(item) for item in value]
    return value


def guarded(
    function: Callable[..., Any], what: str, place: Place
) -> Callable[..., Any]:
    """Let a function of a task fail as an error of the task.

    Args:
        function: Any callable that a task file names.
        what: The key that names it, for the message.
        place: Where the key stands.
    """

    @wraps(function)
    def call(*args: Any) -> Any:
        try:
            return function(*args)
        except EvalkitError:
            raise
        except Exception as error:
            # The code is the user's and may fail in any way; say which it was.
            message = f"{what} failed: {type(error).__name__}: {error}"
            raise TaskError(message, path=place.path, line=place.line) from error

    return call


def load_function(reference: FunctionReference) -> Any:
    """Import what a reference names: beside its file, else anywhere on the path.

    A module is executed once per path and process; relative imports in it work.

    Raises:
        TaskError: The module or the name does not exist, or importing it failed.
    """
    module_name, _, attribute = reference.name.rpartition(".")
    if not module_name:
        raise _error(reference, "names no module; write module.name")
    module = _load_module(reference, module_name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        known = [name for name in vars(module) if not name.startswith("_")]
        raise _error(
            reference,
            f"{module_name} has no {attribute!r}; {suggestion(attribute, known)}",
        ) from None


def _error(reference: FunctionReference, problem: str) -> TaskError:
    path, line = reference.place
    return TaskError(f"!function {reference.name}: {problem}", path=path, line=line)


def _load_module(reference: FunctionReference, name: str) -> ModuleType:
    folder = Path(os.path.abspath(reference.place.path.parent))  # noqa: PTH100 (links stay as they are)
    file = folder.joinpath(*name.split("."))
    if file.with_name(f"{file.name}.py").is_file() or (file / "__init__.py").is_file():
        return _import(reference, f"{_package_of(folder)}.{name}", name)
    top = name.partition(".")[0]
    try:
        is_installed = importlib.util.find_spec(top) is not None
    except ValueError:
        is_installed = False
    if not is_installed:
        beside = [entry.stem for entry in folder.glob("*.py")]
        raise _error(
            reference,
            f"no module {name} beside the file nor installed; "
            f"{suggestion(name, beside)}",
        )
    return _import(reference, name, name)


def _import(reference: FunctionReference, full_name: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(full_name)
    except (Exception, SystemExit) as error:
        # A module of a task may fail in any way; the user must learn which one did.
        problem = f"importing {name} failed: {type(error).__name__}: {error}"
        raise _error(reference, problem) from error


def _package_of(folder: Path) -> str:
    """Name the package that stands for a folder, and its parents; make them exist."""
    name = _ROOT
    _ensure_package(name, [])
    for position, part in enumerate(folder.parts, start=1):
        # A dot would end the name of the package.
        name = f"{name}.{part.replace('%', '%25').replace('.', '%2E')}"
        _ensure_package(name, [str(Path(*folder.parts[:position]))])
    return name


def _ensure_package(name: str, search: list[str]) -> None:
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = search
        sys.modules[name] = package
