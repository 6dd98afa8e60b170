"""Which package is not installed, where that is why a task's module failed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from importlib.util import find_spec
from itertools import chain

from pytest_evalkit import compat
from pytest_evalkit.tasks.faulty_code import FaultyCode

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

# How messages name what to install, with the version where one is wanted.
_REQUIREMENTS = (
    re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[\d.]*\d)"),
    re.compile(
        r"provided by pip \((?P<name>[\w.-]+)\)(?:.*?version (?P<version>[\d.]*\d))?",
        re.DOTALL,
    ),
    re.compile(r"pip install (?P<name>[A-Za-z0-9][\w.-]*\w)(?P<version>)(?![\w\[+])"),
)
_GUARDS = frozenset({"ImportError", "ModuleNotFoundError", "Exception"})


def missing_package(error: BaseException) -> str | None:
    """Find the package whose absence made a module fail.

    It is one that cannot be imported; one that a message asks for; or one whose names
    a module uses although importing them failed.

    Args:
        error: What was raised.

    Returns:
        The package as it is installed, with a version where only some do; None where
        the cause is another one.
    """
    for cause in _causes(error):
        if not isinstance(cause, ImportError) or not cause.name:
            continue
        package = cause.name.partition(".")[0]
        if compat.is_stand_in(package):
            return _DISTRIBUTIONS.get(package, package)
        if isinstance(cause, ModuleNotFoundError) and not _is_there(package):
            if compat.is_task_module(cause.name):
                return None
            return _DISTRIBUTIONS.get(package, package)
    # Only now: what a message says of an import names more than what failed.
    found = (_asked_for(cause) or _never_imported(cause) for cause in _causes(error))
    return next(filter(None, found), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _asked_for(error: BaseException) -> str | None:
    """Read from a message what to install, where that is not there."""
    message = str(error)
    if "install" not in message and "pip" not in message:
        return None
    matches = chain.from_iterable(rule.finditer(message) for rule in _REQUIREMENTS)
    for match in matches:
        name, version = match["name"], match["version"] or ""
        if not _is_installed(name, version):
            return f"{name}=={version}" if version else name
    return None


def _is_installed(name: str, version: str) -> bool:
    """Tell whether a distribution is there, in a version or one that refines it."""
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return not version and _is_there(name)
    return not version or f"{found}.".startswith(f"{version}.")


def _never_imported(error: BaseException) -> str | None:
    """Find the package of a name that is not defined since importing it failed."""
    if not isinstance(error, NameError):
        return None
    code = FaultyCode.of(error)
    if code is None or not error.name:
        return None
    for module in _attempted(code.tree, error.name):
        package = module.partition(".")[0]
        if not _is_there(package):
            return _DISTRIBUTIONS.get(package, package)
    return None


def _attempted(tree: ast.AST, name: str) -> Iterator[str]:
    """List the modules that a name is imported from where that may fail."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(map(_forgives, node.handlers)):
            yield from _origins(node.body, name)


def _forgives(handler: ast.ExceptHandler) -> bool:
    """Tell whether an absent package is caught."""
    if handler.type is None:
        return True
    names = (node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name))
    return not _GUARDS.isdisjoint(names)


def _origins(statements: Iterable[ast.stmt], name: str) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, ast.ImportFrom) and not statement.level:
            if any(name == (item.asname or item.name) for item in statement.names):
                yield statement.module or ""
        elif isinstance(statement, ast.Import):
            for item in statement.names:
                if name == (item.asname or item.name.partition(".")[0]):
                    yield item.name
