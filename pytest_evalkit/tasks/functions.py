"""``!function module.name``: what a task file takes from Python.

The module lies beside the file, else in a task tree, else anywhere on the path. It is
executed once per process, and so is one that fails.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import partial, wraps
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from pytest_evalkit import compat
from pytest_evalkit.errors import EvalkitError, TaskError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.tasks.credential import wanted_credential
from pytest_evalkit.tasks.import_failure import import_error
from pytest_evalkit.tasks.source import FunctionReference, Place

# By folder and module, what importing it raised.
_failures: dict[tuple[Path, str], BaseException] = {}
# By function of a task, what is called in its place.
_contained: dict[Callable[..., Any], Callable[..., Any]] = {}


def load_functions(value: Any) -> Any:
    """Replace the function references in a value, however deep, by what they name.

    Raises:
        TaskError: A module or a name in it does not exist, or importing it failed.
        MissingPackageError: A module needs a package that is not installed.
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
    """Import what a reference names: a function, a class, or any other value.

    Of ``a.b.c``, the module is as much as there is: ``a/b.py`` and ``c`` in it, else
    ``a.py`` with ``b.c``.

    Raises:
        TaskError: The module or the name does not exist, or importing it failed.
        MissingPackageError: The module needs a package that is not installed.
    """
    names = reference.name.split(".")
    if len(names) == 1:
        raise _error(reference, "names no module; write module.name")
    compat.install()
    for find in (_of_task, _on_path):
        for count in range(len(names) - 1, 0, -1):
            module = _module(reference, ".".join(names[:count]), find)
            if module is not None:
                return _attribute(reference, module, names[:count], names[count:])
    raise _no_module(reference, ".".join(names[:-1]))


def _attribute(
    reference: FunctionReference,
    module: ModuleType,
    names: list[str],
    attributes: list[str],
) -> Any:
    value: Any = module
    for position, attribute in enumerate(attributes):
        try:
            value = getattr(value, attribute)
        except AttributeError:
            owner = ".".join((*names, *attributes[:position]))
            known = [name for name in dir(value) if not name.startswith("_")]
            raise _error(
                reference,
                f"{owner} has no {attribute!r}; {suggestion(attribute, known)}",
            ) from None
    is_function = isinstance(value, FunctionType | partial)
    if not is_function or not compat.is_task_module(module.__name__):
        return value
    if value not in _contained:
        _contained[value] = contained(value, reference.name)
    return _contained[value]


def contained(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Keep a function of a task from ending the process.

    Args:
        function: The function.
        name: What messages call it.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except SystemExit as error:
            raise TaskError(f"{name} called sys.exit: {error}") from error
        except compat.JudgeUnavailableError as error:
            raise TaskError(f"{name} {error}") from error

    return call


def _error(reference: FunctionReference, problem: str) -> TaskError:
    path, line = reference.place
    return TaskError(f"!function {reference.name}: {problem}", path=path, line=line)


def _no_module(reference: FunctionReference, name: str) -> TaskError:
    beside = [entry.stem for entry in reference.place.path.parent.glob("*.py")]
    return _error(
        reference,
        f"no module {name} beside the file nor installed; {suggestion(name, beside)}",
    )


def _module(
    reference: FunctionReference,
    name: str,
    find: Callable[[Path, str], ModuleType | None],
) -> ModuleType | None:
    """Import a module; return None where there is none by that name."""
    folder = Path(os.path.abspath(reference.place.path.parent))  # noqa: PTH100 (links stay as they are)
    failure = _failures.get((folder, name))
    if failure is not None:
        raise import_error(reference, name, failure) from failure
    try:
        return find(folder, name)
    except (Exception, SystemExit, compat.JudgeUnavailableError) as error:
        # A module of a task may fail in any way; the user must learn which one did.
        # A credential can be set by and by; whatever else is wrong stays so.
        if wanted_credential(error) is None:
            _failures[folder, name] = error
        raise import_error(reference, name, error) from error


def _of_task(folder: Path, name: str) -> ModuleType | None:
    return compat.import_from(folder, name)


def _on_path(_folder: Path, name: str) -> ModuleType | None:
    try:
        is_there = find_spec(name) is not None
    except (ValueError, ModuleNotFoundError):
        return None
    return importlib.import_module(name) if is_there else None
