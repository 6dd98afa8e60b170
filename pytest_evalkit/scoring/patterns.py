"""Regular expressions of task files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pytest_evalkit.errors import OptionError


def compiled(pattern: Any, owner: str) -> re.Pattern[str]:
    """Compile a pattern of a task file.

    Args:
        pattern: The pattern.
        owner: What it belongs to, to begin the message with.

    Raises:
        OptionError: It is not a regular expression.
    """
    try:
        return re.compile(pattern)
    except (re.error, TypeError) as error:
        raise OptionError(
            f"{owner}: {pattern!r} is not a regular expression: {error}"
        ) from error


def compiled_each(patterns: Any, owner: str) -> list[re.Pattern[str]]:
    """Compile a list of patterns; None stands for an empty one.

    Raises:
        OptionError: It is no list of regular expressions.
    """
    if patterns is None:
        return []
    if not isinstance(patterns, list | tuple):
        raise OptionError(f"{owner} must be a list of patterns, not {patterns!r}")
    return [compiled(pattern, owner) for pattern in patterns]


def selected(matches: Sequence[Any], position: int) -> Any:
    """Choose one of the matches that ``findall`` gave.

    Args:
        matches: A text each, or the texts of the groups.
        position: Which match; negative ones count from the last.

    Returns:
        Of several groups the first that matched something, else the whole match,
        without white space around it; None where there is no such match or group.
    """
    if not -len(matches) <= position < len(matches):
        return None
    match = matches[position]
    if isinstance(match, tuple):
        match = next(filter(None, match), None)
    return None if match is None else match.strip()


def check_position(name: str, value: Any) -> None:
    """Check what says which match a filter takes.

    Args:
        name: The filter.
        value: Its ``group_select``.

    Raises:
        OptionError: It is no whole number.
    """
    if type(value) is not int:
        raise OptionError(
            f"filter {name!r} needs a whole number as group_select, not {value!r}"
        )
