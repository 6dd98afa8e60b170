"""Which number an answer says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pytest_evalkit.scoring.final_answer import last_boxed, last_tagged
from pytest_evalkit.scoring.parsed import NOT_FOUND, Parsed, ambiguous, found

_NUMBER = re.compile(
    r"(?<![A-Za-z\d.])(?P<sign>(?<![\d)\]])[-\u2212])?[$€£¥]?\s?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?P<power>[eE][+-]?\d+(?![A-Za-z\d]))?\s?(?P<percent>[%\uff05])?"
)
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
    *("seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SMALL = {word: value for value, word in enumerate(_ONES)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_SCALES = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_HUNDRED = 100
_WORD = "|".join((*_SMALL, "hundred", *_SCALES))
_WORDS = re.compile(
    rf"\b(?:{_WORD})(?:(?:[\s-]+(?:and\s+)?)(?:{_WORD}))*\b", re.IGNORECASE
)
WHICH = ("last", "first", "only")


def read_number(
    text: str, *, which: str = "last", words: bool = True, percent: str = "ignore"
) -> Parsed:
    r"""Find the number that an answer says; never guess.

    It is looked for in the last ``<answer>``, else in the last ``\boxed{}``, else in
    the whole text. Commas between groups of three digits go, signs of currency and units
    do not count, and a minus after a digit is a dash. A digit after a letter ("H2O") is
    part of a name.

    Args:
        text: The answer, without thought.
        which: Of several numbers the ``last`` or the ``first``; ``only`` finds none
            where different ones are said.
        words: Whether English words count ("twenty-one") where there are no digits.
        percent: ``ignore`` reads "50%" as 50, ``fraction`` as 0.5.

    Returns:
        A whole number as int, any other as float.

    >>> read_number("There are 1,200 of them, not 900.", which="first").value
    1200
    >>> read_number("about twenty-one").value
    21
    """
    part, prefix = _final(text)
    numbers, rule = _numbers(part, percent), "digits"
    if not numbers and words:
        numbers, rule = _in_words(part), "words"
    if not numbers:
        return NOT_FOUND
    if which == "only" and len(set(numbers)) > 1:
        return ambiguous(prefix + rule)
    return found(numbers[0 if which == "first" else -1], prefix + rule)


def as_number(text: str) -> float | None:
    """Read a text that is nothing but a number, as ``read_number`` reads it.

    >>> as_number(" $1,000.50 ")
    1000.5
    >>> as_number("12 years") is None
    True
    """
    match = _NUMBER.fullmatch(text.strip())
    return None if match is None else _value(match, "ignore")


def number_match(
    *, references: Sequence[Any], predictions: Sequence[Any], tolerance: float = 0.0
) -> float:
    """Say 1 where the answer's last number is that of a reference, else 0.

    Args:
        references: The expected numbers, or texts that say one each.
        predictions: One answer.
        tolerance: How far it may be off.
    """
    said = read_number(_text(predictions[0]))
    golds = [read_number(_text(reference)) for reference in references]
    if not said.is_found:
        return 0.0
    return float(
        any(g.is_found and abs(g.value - said.value) <= tolerance for g in golds)
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _final(text: str) -> tuple[str, str]:
    tagged = last_tagged(text, "answer")
    if tagged is not None:
        return tagged, "answer_tag."
    boxed = last_boxed(text)
    return (text, "") if boxed is None else (boxed, "boxed.")


def _numbers(text: str, percent: str) -> list[float]:
    return [_value(match, percent) for match in _NUMBER.finditer(text)]


def _value(match: re.Match[str], percent: str) -> float:
    digits = match["digits"].replace(",", "") + (match["power"] or "")
    value = -float(digits) if match["sign"] else float(digits)
    if match["percent"] and percent == "fraction":
        value /= 100
    return int(value) if value.is_integer() else value


def _in_words(text: str) -> list[float]:
    return [_spelt(match.group().lower()) for match in _WORDS.finditer(text)]


def _spelt(words: str) -> int:
    total = group = 0
    for word in re.findall(r"[a-z]+", words):
        if word in _SCALES:
            total += (group or 1) * _SCALES[word]
            group = 0
        elif word == "hundred":
            group = (group or 1) * _HUNDRED
        else:
            group += _SMALL.get(word, 0)
    return total + group
