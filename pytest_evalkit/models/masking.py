"""Keeping secrets out of what is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_MASK = "***"
_SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD|AUTHORIZATION|COOKIE")
# Any header may carry what lets somebody in, whatever it is called.
_ALL_SECRET = frozenset({"headers", "header"})
# Names that contain such a word and mean something else.
_HARMLESS = re.compile("KEYWORD|TOKENI[SZ]|TOKENS|(CLUSTER|SCORE|SORT)_KEY")


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a mapping with every secret, told by its name, replaced by ``***``.

    Numbers stay: ``max_tokens`` holds no secret. Mappings inside are masked too.
    """
    return {name: _masked_value(name, value) for name, value in values.items()}


def masked_url(url: str) -> str:
    """Write a URL without the user, the password and the secrets in its query."""
    parts = urlsplit(url)
    if "@" not in parts.netloc and not parts.query:
        return url
    _, at, host = parts.netloc.rpartition("@")
    query = masked(dict(parse_qsl(parts.query, keep_blank_values=True)))
    return urlunsplit(
        parts._replace(
            netloc=f"{_MASK}@{host}" if at else host, query=urlencode(query, safe="*")
        )
    )


def _masked_value(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        if name.lower() in _ALL_SECRET:
            return dict.fromkeys(value, _MASK)
        return masked(value)
    is_secret = _SECRET.search(_HARMLESS.sub("", name.upper())) is not None
    is_harmless = not value or isinstance(value, int | float)
    return _MASK if is_secret and not is_harmless else value
