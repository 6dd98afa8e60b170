"""Why a Python module of a task could not be imported, in one line."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from pytest_evalkit import compat
from pytest_evalkit.errors import MissingPackageError, TaskError
from pytest_evalkit.tasks.source import FunctionReference

# What to install where it is called otherwise than the module.
_DISTRIBUTIONS: Mapping[str, str] = {
    "Levenshtein": "levenshtein",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "fitz": "pymupdf",
    "google": "google-genai",
    "lm_eval": "lm-eval",
    "lmms_eval": "lmms-eval",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}

_MAX_CHARACTERS = 300
_TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def import_error(
    reference: FunctionReference, name: str, error: BaseException
) -> TaskError | MissingPackageError:
    """Make the error that says which module failed, where in it, and why.

    Args:
        reference: What the task file names.
        name: The module, as it names it.
        error: What importing it raised.
    """
    path, line = reference.place
    where = _where(error)
    package = _missing_package(error)
    if package is not None:
        task = TaskError(f"!function {reference.name}", path=path, line=line)
        return MissingPackageError(
            _DISTRIBUTIONS.get(package, package), wanted_by=f"{task}{where}"
        )
    problem = f"{type(error).__name__}: {_one_line(str(error))}{where}"
    return TaskError(
        f"!function {reference.name}: importing {name} failed: {problem}",
        path=path,
        line=line,
    )


def _where(error: BaseException) -> str:
    """Find the last line of the task's own code that was reached."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if compat.is_task_code(frame.filename):
            return f" ({Path(frame.filename).name}:{frame.lineno}: {frame.line})"
    return ""


def _missing_package(error: BaseException) -> str | None:
    """Find the package that is not installed, where that is the cause."""
    for cause in _causes(error):
        if not isinstance(cause, ImportError) or not cause.name:
            continue
        package = cause.name.partition(".")[0]
        if compat.is_stand_in(package):
            return package
        if isinstance(cause, ModuleNotFoundError) and not _is_there(package):
            return None if compat.is_task_module(cause.name) else package
    return None


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _one_line(message: str) -> str:
    plain = " ".join(compat.readable(_TERMINAL_COLOUR.sub("", message)).split())
    # Rules of asterisks around a message.
    plain = plain.strip("* ")
    if len(plain) <= _MAX_CHARACTERS:
        return plain
    return f"{plain[:_MAX_CHARACTERS]} ..."
