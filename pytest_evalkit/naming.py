"""Names that users type: resolving them, and helping when they are misspelt."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pytest_evalkit.errors import OptionError


def suggestion(name: str, valid: Iterable[str]) -> str:
    """Point to the nearest valid name, or list them all.

    Returns:
        A clause to end a message with, such as ``did you mean 'mean'?``
    """
    names = sorted(valid)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"valid: {', '.join(names)}" if names else "there is none"


def import_object(reference: str) -> Any:
    """Import ``package.module:name``.

    Raises:
        OptionError: The module or the name in it does not exist.
    """
    module_name, _, attribute = reference.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise OptionError(f"cannot import {reference!r}: {error}") from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        known = [name for name in vars(module) if not name.startswith("_")]
        raise OptionError(
            f"module {module_name!r} has no {attribute!r}; "
            f"{suggestion(attribute, known)}"
        ) from None
