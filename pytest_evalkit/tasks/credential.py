"""Which credential a task's module wants, where it cannot be imported without."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from itertools import chain

from pytest_evalkit.tasks.faulty_code import FaultyCode

# Names of variables that hold one.
_NAME = re.compile(
    r"\b[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*_(?:KEY|TOKEN|SECRET|PASSWORD)\b"
)
# Messages of clients that were given none.
_WORDS = re.compile(r"\bcredentials?\b|\bapi[ _-]?key\b", re.IGNORECASE)
# Faults of the code, whatever they say.
_NEVER = (AttributeError, ImportError, NameError, SyntaxError, TypeError)


def wanted_credential(error: BaseException) -> str | None:
    """Find the credential whose absence made a module fail.

    Args:
        error: What was raised.

    Returns:
        The environment variable that holds it, which is not set; empty where none is
        told; None where the cause is another one.
    """
    message = str(error)
    named = [name for name in _NAME.findall(message) if not os.environ.get(name)]
    if isinstance(error, _NEVER) or not (named or _WORDS.search(message)):
        return None
    code = FaultyCode.of(error)
    read = () if code is None else _variables(code)
    unset = (name for name in read if not os.environ.get(name))
    return next(chain(unset, named), "")


def _variables(code: FaultyCode) -> Iterator[str]:
    """List the environment variables that a statement uses, by itself or by name."""
    statement = code.statement
    if statement is None:
        return
    yield from _reads(statement)
    used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Assign):
            names = {
                target.id for target in node.targets if isinstance(target, ast.Name)
            }
            if names & used and node.lineno < code.line:
                yield from _reads(node.value)


def _reads(node: ast.AST) -> Iterator[str]:
    """List the variables that ``os.getenv`` and ``os.environ`` are asked for."""
    for part in ast.walk(node):
        match part:
            case ast.Call(
                func=ast.Attribute(attr="getenv" | "get", value=owner),
                args=[ast.Constant(value=str(name)), *_],
            ) if _is_environment(owner):
                yield name
            case ast.Subscript(value=owner, slice=ast.Constant(value=str(name))) if (
                _is_environment(owner)
            ):
                yield name


def _is_environment(node: ast.expr) -> bool:
    return ast.unparse(node) in ("os", "os.environ", "environ")
