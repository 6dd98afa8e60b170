"""Options as they may be written down: without the secrets in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_evalkit.models.masking import masked, masked_url

# ``name=value`` or ``"name": "value"`` within an option such as --model-args.
_ASSIGNMENT = re.compile(
    r"""(?P<name>[\w.-]+)(?P<sign>["']?\s*[=:]\s*["']?)(?P<value>[^\s,"'}]+)"""
)
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
        return {name: without_secrets(each) for name, each in plain.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(each) for each in value]
    if isinstance(value, str):
        return _ASSIGNMENT.sub(_assignment, _URL.sub(_url, value))
    return value


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
