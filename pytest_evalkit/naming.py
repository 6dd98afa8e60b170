"""Names: resolving those that users type, and showing those that others made."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pytest_evalkit.errors import OptionError

# What a terminal obeys, what turns the direction of writing, what ends a line and is no
# newline, what nobody sees, and halves of characters.
_COMMANDS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def suggestion(name: str, valid: Iterable[str]) -> str:
    """Point to the nearest valid name, or list them all.

    Returns:
        A clause to end a message with, such as ``did you mean 'mean'?``
    """
    names = sorted(valid)
    close = nearest(name, names)
    if close is not None:
        return f"did you mean {close!r}?"
    return f"valid: {', '.join(names)}" if names else "there is none"


def nearest(name: str, valid: Iterable[str], likeness: float = 0.6) -> str | None:
    """Find the valid name that somebody may have meant; None where none is near.

    Args:
        name: What was written.
        valid: What may be.
        likeness: How near it must be, from 0 for anything to 1 for the same.
    """
    close = get_close_matches(name, sorted(valid), n=1, cutoff=likeness)
    return close[0] if close else None


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


def printable(text: str, *, keep: str = "\n\t") -> str:
    r"""Write a text of a stranger so that a terminal shows it and does nothing else.

    Control characters, and those that turn the direction of writing or cannot be
    encoded, are escaped as in Python.

    Args:
        text: The text.
        keep: Control characters that are meant.

    >>> printable("red: \x1b[31m, back: \u202e")
    'red: \\x1b[31m, back: \\u202e'
    """
    if text.isascii() and text.isprintable():
        return text
    return _COMMANDS.sub(
        lambda match: match[0] if match[0] in keep else _escaped(match[0]), text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
