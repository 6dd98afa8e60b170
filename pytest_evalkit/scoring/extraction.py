"""Filters that find the answer in a response."""

from __future__ import annotations

import re
from typing import Any

from pytest_evalkit.scoring.edits import each
from pytest_evalkit.scoring.parsed import Parsed, ParserFilter, found
from pytest_evalkit.scoring.patterns import check_position, compiled, selected
from pytest_evalkit.scoring.plan import Filter

# The defaults of both filters that extract by a pattern.
AFTER_HASHES = r"#### (\-?[0-9\.\,]+)"
INVALID = "[invalid]"
_TAGGED = re.compile(r"\('([^']*)', '([^']*)'\)")


def regex(
    *,
    regex_pattern: str = AFTER_HASHES,
    group_select: int = 0,
    fallback: Any = INVALID,
) -> Filter:
    """Keep what a pattern matches, without white space around it.

    Args:
        regex_pattern: Of a pattern with several groups, the first group that
            matched something is kept.
        group_select: Which of the pattern's matches; negative ones count from the
            last.
        fallback: What stands for a response without such a match.

    Raises:
        OptionError: The pattern does not compile, or ``group_select`` is no number.
    """
    pattern = compiled(regex_pattern, "filter 'regex'")
    check_position("regex", group_select)

    def read(response: Any, _doc: Any, _choices: Any) -> Parsed:
        match = selected(_found(pattern, response), group_select)
        if match is None:
            return Parsed(value=fallback, status="none")
        return found(match, "pattern")

    return ParserFilter(read=read)


def regex_pos(*, fallback: Any = None) -> Filter:
    """Keep the tags of ``('token', 'tag')`` pairs, as a list for each response.

    Args:
        fallback: What stands for a response without a pair; None for ``["invalid"]``.
    """
    otherwise = ["invalid"] if fallback is None else fallback

    def tags(response: Any) -> Any:
        pairs = _TAGGED.findall(response) if isinstance(response, str) else response
        return [tag for _, tag in pairs] or otherwise

    return each(tags)


def _found(pattern: re.Pattern[str], response: Any) -> list[Any]:
    return pattern.findall(response) if isinstance(response, str) else []
