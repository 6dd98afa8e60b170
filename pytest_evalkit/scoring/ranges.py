"""Between which numbers the values of a metric lie, as far as that is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pytest_evalkit.errors import OptionError

_SHARES = frozenset(
    {
        *("acc", "acc_bytes", "acc_mutual_info", "acc_norm", "accuracy", "anls"),
        *("exact_match", "number_match", "relaxed_accuracy", "span_f1"),
        *("span_match", "vqa_accuracy"),
    }
)
_ENDS = 2


def range_of(entry: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """Tell between which numbers each document's value of a metric lies.

    Args:
        entry: Of a metric list; ``range`` says it where the name does not.
        name: The metric's name.

    Returns:
        The least and the highest value there can be; None where that is not known.

    Raises:
        OptionError: ``range`` is not two numbers, the lower first.

    >>> range_of({"metric": "exact_match"}, "exact_match")
    (0.0, 1.0)
    """
    given = entry.get("range")
    if given is None:
        is_named = not callable(entry.get("metric"))
        return (0.0, 1.0) if is_named and name in _SHARES else None
    ends = given if isinstance(given, list | tuple) else ()
    if len(ends) != _ENDS or not all(map(_is_number, ends)) or not ends[0] < ends[1]:
        raise OptionError(
            f"range of metric {name!r} is the least and the highest value of a document, "
            f"such as [0, 1], not {given!r}"
        )
    return float(ends[0]), float(ends[1])


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and math.isfinite(value)
