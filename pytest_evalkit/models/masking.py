"""Keeping secrets out of what is written down, told by the names that they have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MASK = "***"
_SECRET = re.compile(
    "KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|SIGNATURE|AUTHORIZATION|"
    "COOKIE"
)
# Any header may carry what lets somebody in, whatever it is called.
_ALL_SECRET = frozenset({"headers", "header"})
# Names that contain such a word and mean something else.
_HARMLESS = re.compile("KEYWORD|TOKENI[SZ]|TOKENS|(CLUSTER|SCORE|SORT)_KEY")
# What is shorter, or a date as versions of an interface are, lets nobody in.
LEAST_LENGTH = 8
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a mapping with every secret, told by its name, replaced by ``***``.

    Numbers stay: ``max_tokens`` holds no secret. Mappings inside are masked too.
    """
    return {name: _masked_value(name, value) for name, value in values.items()}


def masked_url(url: str) -> str:
    """Write a URL without the user, the password and the secrets in its query.

    In a query, whatever is long enough may be one.
    """
    parts = urlsplit(url)
    if "@" not in parts.netloc and not parts.query:
        return url
    _, at, host = parts.netloc.rpartition("@")
    query = {
        name: MASK if may_let_in(value) else value
        for name, value in masked(
            dict(parse_qsl(parts.query, keep_blank_values=True))
        ).items()
    }
    return urlunsplit(
        parts._replace(
            netloc=f"{MASK}@{host}" if at else host, query=urlencode(query, safe="*")
        )
    )


def names_secret(name: str) -> bool:
    """Tell whether what has this name is a secret.

    >>> [names_secret(name) for name in ("api_key", "max_tokens", "HF_TOKEN")]
    [True, False, True]
    """
    return _SECRET.search(_HARMLESS.sub("", name.upper())) is not None


def names_headers(name: str) -> bool:
    """Tell whether what has this name are headers, of which any may be a secret."""
    return name.lower() in _ALL_SECRET


def may_let_in(value: str) -> bool:
    """Tell whether a text is long enough for a secret, and no date."""
    return len(value) >= LEAST_LENGTH and _DATE.match(value) is None


def _masked_value(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        if names_headers(name):
            return dict.fromkeys(value, MASK)
        return masked(value)
    is_harmless = not value or isinstance(value, int | float)
    return MASK if names_secret(name) and not is_harmless else value
