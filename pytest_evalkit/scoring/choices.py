"""The filter that finds which of a document's choices a response names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.errors import ScoringError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.extraction import AFTER_HASHES, INVALID
from pytest_evalkit.scoring.parsed import Parsed, ParserFilter, found
from pytest_evalkit.scoring.patterns import (
    check_position,
    compiled,
    compiled_each,
    selected,
)
from pytest_evalkit.scoring.plan import Filter


# The arguments are those of the filter in task files, and what the task says.
def multi_choice_regex(  # noqa: PLR0913
    *,
    regex_pattern: str = AFTER_HASHES,
    group_select: int = 0,
    fallback: Any = INVALID,
    ignore_case: bool = False,
    ignore_punctuation: bool = False,
    regexes_to_ignore: Sequence[str] | None = None,
    compat: str = "fixed",
) -> Filter:
    """Find which of the document's ``choices`` a response names.

    In three steps, of which the first that finds something counts: what the pattern
    matches, as it is; the text of a choice, as its letter in parentheses; a letter
    after a colon, in parentheses.

    Args:
        regex_pattern: For the first step.
        group_select: Which of the matches, in each step; negative ones count from the
            last.
        fallback: What stands for a response in which nothing is found.
        ignore_case: Compare with the choices' texts in lower case.
        ignore_punctuation: Compare with them without punctuation of any script.
        regexes_to_ignore: Patterns whose matches are deleted before that comparison.
        compat: Unless ``strict``, a choice of one letter or digit has to stand alone.

    Raises:
        OptionError: A pattern does not compile, or ``group_select`` is no number.
    """
    owner = "filter 'multi_choice_regex'"
    check_position("multi_choice_regex", group_select)
    normal = _Normal(
        ignored=tuple(compiled_each(regexes_to_ignore, owner)),
        is_case_ignored=bool(ignore_case),
        is_punctuation_ignored=bool(ignore_punctuation),
    )
    finder = _Finder(
        pattern=compiled(regex_pattern, owner),
        position=group_select,
        fallback=fallback,
        normal=normal,
        is_letter_alone=compat != "strict",
    )
    return ParserFilter(read=finder.read)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Normal:
    """Makes texts alike that differ in what is to be ignored."""

    ignored: tuple[re.Pattern[str], ...]
    is_case_ignored: bool
    is_punctuation_ignored: bool

    def __call__(self, text: str) -> str:
        for pattern in self.ignored:
            text = pattern.sub("", text)
        if self.is_case_ignored:
            text = text.lower()
        if self.is_punctuation_ignored:
            text = "".join(
                mark for mark in text if not unicodedata.category(mark).startswith("P")
            )
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finder:
    """Finds a document's choice in a response."""

    pattern: re.Pattern[str]
    position: int
    fallback: Any
    normal: _Normal
    is_letter_alone: bool

    def read(self, response: Any, doc: Mapping[str, Any], _choices: Any) -> Parsed:
        """Read one response; the choices are those of the document's column."""
        if "choices" not in doc:
            raise ScoringError(
                "filter 'multi_choice_regex' needs a column 'choices'; "
                f"{suggestion('choices', map(str, doc))}"
            )
        text = response if isinstance(response, str) else ""
        choices = doc["choices"]
        for rule, match in (
            ("pattern", self._selected(self.pattern, text)),
            ("text", self._named(self.normal(text), choices)),
            ("colon", self._after_colon(text, len(choices))),
        ):
            if match:
                return found(match, rule)
        return Parsed(value=self.fallback, status="none")

    def _selected(self, pattern: re.Pattern[str], text: str) -> str | None:
        match: str | None = selected(pattern.findall(text), self.position)
        return match

    def _named(self, text: str, choices: Sequence[str]) -> str | None:
        letters = _letters(choices, self.normal)
        pattern = _either(letters, is_letter_alone=self.is_letter_alone)
        match = self._selected(pattern, text)
        return None if match is None else letters.get(match, match)

    def _after_colon(self, text: str, count: int) -> str | None:
        letters = "|".join(re.escape(_letter(choice)) for choice in range(count))
        match = self._selected(re.compile(rf":\s*({letters})"), text)
        return f"({match})" if match else None


def _letters(choices: Sequence[str], normal: _Normal) -> dict[str, str]:
    """Tell each choice's letter, in parentheses, by the choice's text made normal."""
    return {
        normal(choice.strip()): f"({_letter(position)})"
        for position, choice in enumerate(choices)
    }


def _letter(position: int) -> str:
    return chr(ord("A") + position)


def _either(texts: Iterable[str], *, is_letter_alone: bool) -> re.Pattern[str]:
    """Match any of the texts; the longest first, of which another may be a part."""
    ordered = sorted(texts, key=lambda text: len(re.escape(text)), reverse=True)
    return re.compile("|".join(_escaped(text, is_letter_alone) for text in ordered))


def _escaped(text: str, is_letter_alone: bool) -> str:
    if is_letter_alone and len(text) == 1 and text.isalnum():
        return rf"(?<!\w){text}(?!\w)"
    return re.escape(text)
