"""The fields of rows: what each may hold, for the reader and for the schema."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "whole", "number", "flag", "texts", "mapping"]

_LONGEST = 80

_WORDS: Mapping[Kind, str] = {
    "text": "a text",
    "whole": "a whole number",
    "number": "a number",
    "flag": "true or false",
    "texts": "a text or a list of texts",
    "mapping": "an object",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a field may hold.

    Attributes:
        kind: The kind of value.
        low: The least number, or None.
        high: The largest number, or None.
        is_above: Whether ``low`` itself is too little.
    """

    kind: Kind
    low: float | None = None
    high: float | None = None
    is_above: bool = False

    @property
    def meaning(self) -> str:
        """What it may hold, in words."""
        is_bounded = self.low is not None
        return _WORDS[self.kind] + (f", {self._range()}" if is_bounded else "")

    def fault(self, value: Any) -> str | None:
        """Say what a value must be, where it is something else; else None."""
        if not _is_kind(value, self.kind):
            return f"must be {_WORDS[self.kind]}"
        if self.kind in {"whole", "number"} and not self._is_within(value):
            return f"must be {self._range()}"
        return None

    def _is_within(self, value: float) -> bool:
        if self.low is not None and (
            value < self.low or (self.is_above and value == self.low)
        ):
            return False
        return self.high is None or value <= self.high

    def _range(self) -> str:
        low = f"{'above' if self.is_above else 'at least'} {self.low:g}"
        if self.high is None:
            return low
        return f"{low} and at most {self.high:g}"


MAX_TOKENS_NAMES = ("max_completion_tokens", "max_new_tokens", "max_tokens")
"""Names of one setting, the most tokens to generate."""

SETTINGS: Mapping[str, Field] = {
    "model": Field(kind="text"),
    **dict.fromkeys(MAX_TOKENS_NAMES, Field(kind="whole", low=1)),
    "stream": Field(kind="flag"),
    "temperature": Field(kind="number", low=0, high=2),
    "top_p": Field(kind="number", low=0, high=1, is_above=True),
    "top_k": Field(kind="whole", low=-1),
    "seed": Field(kind="whole"),
    "repetition_penalty": Field(kind="number", low=0, is_above=True),
    "frequency_penalty": Field(kind="number", low=-2, high=2),
    "presence_penalty": Field(kind="number", low=-2, high=2),
    "stop": Field(kind="texts"),
    "n": Field(kind="whole", low=1),
    "logit_bias": Field(kind="mapping"),
    "user": Field(kind="text"),
    "chat_template": Field(kind="text"),
}
"""What a row may say of how its turn is asked."""

PARAMETERS = frozenset({"temperature", "top_p", "top_k", "seed"})
"""Those that are generation parameters of their own names."""

EXTRA = (
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
    "n",
    "logit_bias",
    "user",
    "chat_template",
)
"""Those that are sent to an endpoint as they are."""


def is_missing(value: Any) -> bool:
    """Whether a value stands for none: null, or the NaN that data frames make of it."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def setting_faults(row: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with the settings of a row without missing values."""
    for name, rule in SETTINGS.items():
        if name in row and (fault := rule.fault(row[name])):
            yield f"{name} {fault}, got {shown(row[name])}"
    given = {name: row[name] for name in MAX_TOKENS_NAMES if name in row}
    if len({str(value) for value in given.values()}) > 1:
        named = ", ".join(f"{name}={shown(value)}" for name, value in given.items())
        yield f"{named} are one setting and differ; keep one of them"


def has_nan(value: Any) -> bool:
    """Whether a NaN or an infinity, which JSON has not, is anywhere in a value."""
    # A file may nest deeper than calls can.
    left = [value]
    while left:
        match left.pop():
            case float(number) if not math.isfinite(number):
                return True
            case dict(inner):
                left += inner.values()
            case list(inner):
                left += inner
    return False


def shown(value: Any) -> str:
    """Write a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def whole(value: Any) -> int | None:
    """Take a whole number, however JSON writes it; None for anything else.

    >>> whole(2.0), whole(2.5), whole(True)
    (2, None, None)
    """
    if isinstance(value, int):
        return None if isinstance(value, bool) else value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def _is_kind(value: Any, kind: Kind) -> bool:
    match kind:
        case "text":
            return isinstance(value, str) and bool(value)
        case "whole":
            return whole(value) is not None
        case "number":
            is_finite = isinstance(value, float) and math.isfinite(value)
            return is_finite or whole(value) is not None
        case "flag":
            return isinstance(value, bool)
        case "texts":
            listed = value if isinstance(value, list) else [value]
            return bool(listed) and all(isinstance(one, str) and one for one in listed)
        case "mapping":
            return isinstance(value, dict) and not has_nan(value)
