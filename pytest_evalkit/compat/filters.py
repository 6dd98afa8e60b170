"""The filter classes of the two projects, on top of our filters.

Tasks derive their own from them. ``apply`` takes the responses of several documents,
a list for each, and the documents.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from pytest_evalkit.compat.texts import strip_reasoning_tags
from pytest_evalkit.scoring.filters import filter_of
from pytest_evalkit.scoring.reasoning import THINKING_TAGS

_INVALID = "[invalid]"
_NUMBER = r"#### (\-?[0-9\.\,]+)"


class Filter:
    """What all filters derive from; it leaves the responses as they are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def apply(self, resps: Any, docs: Any) -> Any:
        """Return what becomes of the responses, document by document."""
        del docs
        return resps


class _NamedFilter(Filter):
    """One of our filters, as a class.

    Attributes:
        name: What task files call it.
    """

    name: ClassVar[str]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        self._filter = filter_of(self.name, kwargs)

    def apply(self, resps: Iterable[Any], docs: Iterable[Any]) -> list[Any]:
        """Filter the responses of each document."""
        return [
            self._filter(list(responses), doc)
            for responses, doc in zip(resps, docs, strict=True)
        ]


class WhitespaceFilter(_NamedFilter):
    """Strips white space."""

    name = "remove_whitespace"


class LowercaseFilter(_NamedFilter):
    """Writes responses in lower case."""

    name = "lowercase"


class UppercaseFilter(_NamedFilter):
    """Writes responses in upper case."""

    name = "uppercase"


class TakeFirstFilter(_NamedFilter):
    """Keeps the first response."""

    name = "take_first"


class TakeKFilter(_NamedFilter):
    """Keeps the first ``k`` responses."""

    name = "take_first_k"


class MajorityVoteFilter(_NamedFilter):
    """Keeps the most common response."""

    name = "majority_vote"


class MapFilter(_NamedFilter):
    """Looks responses up in a table.

    Attributes:
        mapping_dict: The table.
        default_value: What stands for a response that is not in it.
    """

    name = "map"

    def __init__(
        self, mapping_dict: Mapping[Any, Any] | None = None, default_value: Any = None
    ) -> None:
        super().__init__(mapping_dict=mapping_dict, default_value=default_value)
        self.mapping_dict = dict(mapping_dict or {})
        self.default_value = default_value


class RegexFilter(_NamedFilter):
    """Keeps what a pattern matches.

    Attributes:
        regex_pattern: The pattern.
        regex: The pattern, compiled.
        group_select: Which of the matches is kept.
        fallback: What stands for a response without a match.
    """

    name = "regex"

    def __init__(
        self,
        regex_pattern: str = _NUMBER,
        group_select: int = 0,
        fallback: Any = _INVALID,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            regex_pattern=regex_pattern,
            group_select=group_select,
            fallback=fallback,
            **kwargs,
        )
        self.regex_pattern = regex_pattern
        self.regex = re.compile(regex_pattern)
        self.group_select = group_select
        self.fallback = fallback


class MultiChoiceRegexFilter(RegexFilter):
    """Finds the letter of a choice, or the choice itself."""

    name = "multi_choice_regex"


class ExtendedRegexFilter(RegexFilter):
    """A pattern, and steps that tasks make their own filters of.

    Attributes:
        ignore_case: Whether ``filter_ignores`` writes in lower case.
        ignore_punctuation: Whether it takes punctuation out.
        regexes_to_ignore: Patterns that it takes out before.
    """

    def __init__(
        self,
        regex_pattern: str = _NUMBER,
        group_select: int = 0,
        fallback: Any = _INVALID,
        ignore_case: bool = False,
        ignore_punctuation: bool = False,
        regexes_to_ignore: Sequence[str] | None = None,
    ) -> None:
        super().__init__(regex_pattern, group_select, fallback)
        self.ignore_case = ignore_case
        self.ignore_punctuation = ignore_punctuation
        self.regexes_to_ignore = regexes_to_ignore

    @property
    def punct_tbl(self) -> dict[int, None]:
        """A table for ``str.translate`` that takes punctuation out."""
        return _punctuation()

    def filter_ignores(self, st: str) -> str:
        """Take out what does not count."""
        for pattern in self.regexes_to_ignore or ():
            st = re.sub(pattern, "", st)
        if self.ignore_case:
            st = st.lower()
        return st.translate(self.punct_tbl) if self.ignore_punctuation else st

    def find_match(
        self,
        regex: re.Pattern[str],
        resp: str,
        convert_dict: Mapping[str, str] | None = None,
    ) -> str | None:
        """Find what a pattern matches.

        Args:
            regex: Of a pattern with several groups, the first that matched counts.
            resp: The response.
            convert_dict: What matches stand for; one that is not in it stays.

        Returns:
            The match without white space around it, or None.
        """
        matches = regex.findall(resp)
        if not -len(matches) <= self.group_select < len(matches):
            return None
        match = matches[self.group_select]
        if isinstance(match, tuple):
            match = next(filter(None, match), "")
        stripped: str = match.strip()
        return (convert_dict or {}).get(stripped, stripped)


class StripThinkingFilter(Filter):
    """Takes thoughts out of responses.

    Attributes:
        tag_pairs: Pairs of an opening and a closing tag.
    """

    def __init__(self, tag_pairs: Sequence[Sequence[str]] | None = None) -> None:
        super().__init__()
        self.tag_pairs = tag_pairs or THINKING_TAGS

    def apply(self, resps: Iterable[Any], docs: Any) -> list[Any]:
        """Strip each response that is a text."""
        del docs
        return [
            [
                strip_reasoning_tags(text, self.tag_pairs)
                if isinstance(text, str)
                else text
                for text in responses
            ]
            for responses in resps
        ]


@cache
def _punctuation() -> dict[int, None]:
    return {
        point: None
        for point in range(sys.maxunicode)
        if unicodedata.category(chr(point)).startswith("P")
    }
