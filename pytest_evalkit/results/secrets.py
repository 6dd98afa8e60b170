"""Options as they may be written down: without the secrets in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.arguments import parse_model_args
from pytest_evalkit.models.masking import masked, masked_url

# ``name=value`` or ``"name": "value"`` within an option such as --model-args.
_ASSIGNMENT = re.compile(
    r"""(?P<name>[\w.-]+)(?P<sign>["']?\s*[=:]\s*["']?)(?P<value>[^\s,"'}]+)"""
)
# Options whose text is a list of arguments.
_ARGUMENTS = frozenset({"model_args", "judge_args", "gen_kwargs"})
# What a bare value may not hold.
_SPECIAL = re.compile(r"""[,"'{}\[\]\s]""")
_URL = re.compile(r"""\w+://[^\s,"'}]+""")


def without_secrets(value: Any) -> Any:
    """Copy a value with every secret in it replaced by ``***``.

    A secret is a text whose name contains KEY, TOKEN, SECRET or PASSWORD: a key of a
    mapping at any depth, or a ``name=value`` within a text. The user, the password
    and the secrets in the query of a URL are secrets too.

    >>> without_secrets({"model_args": "model=m,api_key=sk-1,max_tokens=9"})
    {'model_args': 'model=m,api_key=***,max_tokens=9'}
    """
    if isinstance(value, Mapping):
        plain = masked(value)
        return {name: _named(name, each) for name, each in plain.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(each) for each in value]
    if isinstance(value, str):
        return _ASSIGNMENT.sub(_assignment, _URL.sub(_url, value))
    return value


def _named(name: str, value: Any) -> Any:
    if name in _ARGUMENTS and isinstance(value, str):
        return _arguments(value)
    return without_secrets(value)


def _arguments(text: str) -> str:
    """Write arguments without their secrets, told by their structure.

    A header's value has spaces and signs in it, which no pattern over the text follows.
    """
    try:
        arguments = parse_model_args(text)
    except OptionError:
        return _ASSIGNMENT.sub(_assignment, _URL.sub(_url, text))
    plain = without_secrets(arguments)
    if plain == arguments:
        return text
    return ",".join(f"{name}={_written(value)}" for name, value in plain.items())


def _written(value: Any) -> str:
    if isinstance(value, str) and not _SPECIAL.search(value):
        return value
    return encode(value).decode()


def _url(match: re.Match[str]) -> str:
    try:
        return masked_url(match.group())
    except ValueError:
        # What cannot be taken apart may hold a secret anywhere.
        return "***"


def _assignment(match: re.Match[str]) -> str:
    name, sign, value = match.group("name", "sign", "value")
    is_number = value.replace(".", "", 1).isdigit()
    kept = value if is_number else masked({name: value})[name]
    return f"{name}{sign}{kept}"
