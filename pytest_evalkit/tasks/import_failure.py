"""Why a Python module of a task could not be imported, in one line."""

from __future__ import annotations

import re

from pytest_evalkit import compat
from pytest_evalkit.errors import (
    MissingCredentialError,
    MissingPackageError,
    TaskError,
)
from pytest_evalkit.tasks.credential import wanted_credential
from pytest_evalkit.tasks.faulty_code import FaultyCode
from pytest_evalkit.tasks.missing_package import missing_package
from pytest_evalkit.tasks.source import FunctionReference, Place

_MAX_CHARACTERS = 300
_TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

Failure = TaskError | MissingPackageError | MissingCredentialError


def import_error(
    reference: FunctionReference, name: str, error: BaseException
) -> Failure:
    """Make the error that says which module failed, where in it, and why.

    Args:
        reference: What the task file names.
        name: The module, as it names it.
        error: What importing it raised.
    """
    what = f"!function {reference.name}"
    return code_error(what, f"importing {name} failed", error, reference.place)


def code_error(what: str, problem: str, error: BaseException, place: Place) -> Failure:
    """Make the error that says where Python of a task failed, and why.

    Args:
        what: What the task file asks for.
        problem: What did not work.
        error: What was raised.
        place: Where the task file asks for it.
    """
    path, line = place
    code = FaultyCode.of(error)
    where = "" if code is None else f" ({code})"
    wanted_by = f"{TaskError(what, path=path, line=line)}{where}"
    package = missing_package(error)
    if package is not None:
        return MissingPackageError(package, wanted_by=wanted_by)
    variable = wanted_credential(error)
    if variable is not None:
        return MissingCredentialError(
            variable, wanted_by=wanted_by, reason=_one_line(str(error))
        )
    reason = f"{type(error).__name__}: {_one_line(str(error))}{where}"
    return TaskError(f"{what}: {problem}: {reason}", path=path, line=line)


def _one_line(message: str) -> str:
    plain = " ".join(compat.readable(_TERMINAL_COLOUR.sub("", message)).split())
    # Rules of asterisks around a message.
    plain = plain.strip("* ")
    if len(plain) <= _MAX_CHARACTERS:
        return plain
    return f"{plain[:_MAX_CHARACTERS]} ..."
