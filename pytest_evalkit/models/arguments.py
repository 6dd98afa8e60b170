"""Arguments written as text: ``k=v,k2=v2``, for a model or for generation."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.masking import MASK, names_secret

_LITERALS = {
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_JSON = json.JSONDecoder()


class _Value(NamedTuple):
    """A value that was read, and the position after it."""

    value: Any
    end: int


def parse_model_args(text: str) -> dict[str, Any]:
    """Read arguments such as ``model=gpt-5,seed=1,headers={"X-Team": "a"}``.

    A value may be a bare word, a number, ``true``, ``false`` or ``null``, a JSON object
    or list, or quoted: in single quotes it is taken as it is, in double quotes it is a
    JSON string. The whole text may also be one JSON object.

    Raises:
        OptionError: The text is malformed, or names an argument twice.

    >>> parse_model_args("model=gpt-5,max_tokens=64,join='a,b'")
    {'model': 'gpt-5', 'max_tokens': 64, 'join': 'a,b'}
    """
    text = text.strip()
    if text.startswith("{"):
        return _whole_object(text)
    arguments: dict[str, Any] = {}
    position = 0
    while position < len(text):
        name, start = _name_at(text, position)
        if name in arguments:
            raise OptionError(f"argument {name!r} is given twice in {_shown(text)}")
        arguments[name], end = _value_at(text, start)
        position = _next_piece(text, start, end)
    return arguments


def _whole_object(text: str) -> dict[str, Any]:
    try:
        arguments: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise OptionError(f"arguments {_shown(text)} are not JSON: {error}") from error
    return arguments


def _name_at(text: str, position: int) -> tuple[str, int]:
    """Read ``name=``; say the name and where its value starts."""
    name, equals, _ = text[position:].partition("=")
    if not equals or not _NAME.fullmatch(name.strip()):
        piece = text[position:].partition(",")[0]
        if names_secret(text):
            piece = MASK
        raise OptionError(f"expected name=value, got {piece!r} in {_shown(text)}")
    start = position + len(name) + 1
    while text[start : start + 1].isspace():
        start += 1
    return name.strip(), start


def _value_at(text: str, start: int) -> _Value:
    first = text[start : start + 1]
    if first == "'":
        return _single_quoted(text, start)
    if first and first in '"{[':
        return _json_at(text, start)
    end = text.find(",", start)
    end = len(text) if end < 0 else end
    return _Value(_bare(text[start:end].strip()), end)


def _single_quoted(text: str, start: int) -> _Value:
    end = text.find("'", start + 1)
    if end < 0:
        raise OptionError(f"the quote is never closed: {_shown(text, start)}")
    return _Value(text[start + 1 : end], end + 1)


def _json_at(text: str, start: int) -> _Value:
    try:
        value, end = _JSON.raw_decode(text, start)
    except ValueError as error:
        raise OptionError(
            f"value {_shown(text, start)} is not JSON: {error}; "
            "to mean it as text, put it in single quotes"
        ) from error
    return _Value(value, end)


def _bare(word: str) -> Any:
    if word in _LITERALS:
        return _LITERALS[word]
    if _NUMBER.fullmatch(word):
        return json.loads(word)
    return word


def _next_piece(text: str, start: int, end: int) -> int:
    """Step over the comma after a value; what follows must be another argument."""
    rest = text[end:].lstrip()
    if not rest:
        return len(text)
    if not rest.startswith(","):
        raise OptionError(
            f"expected a comma after the value that starts {_shown(text, start)}"
        )
    if not rest[1:].strip():
        raise OptionError(f"expected name=value after the last comma of {_shown(text)}")
    return len(text) - len(rest) + 1


def _shown(text: str, start: int = 0) -> str:
    """Quote arguments that could not be read, unless a secret may be among them.

    Where a value ends is just what is not known of them.
    """
    if names_secret(text) or "@" in text:
        return f"{MASK} (not shown: there may be a secret in it)"
    return repr(text[start:].strip() if start else text)
