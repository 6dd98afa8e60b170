"""Score RealWorldQA, whose questions ask for a letter, a number or a word."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_evalkit.scoring import (
    Parsed,
    read_choice,
    read_number,
    read_yes_no,
)

_OPTION = re.compile(r"^\s*([A-H])[.)]\s*(\S.*?)\s*$", re.MULTILINE)


def letters(doc: Mapping[str, Any]) -> list[str]:
    """Name the options that the question lists; none where it is open."""
    return [letter for letter, _ in _options(doc)]


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """Compare what an answer says with what is right.

    Where the right answer is a letter, a number, or yes or no, that is looked for in the
    answer; else all of it has to be the word, whatever case and marks.

    Args:
        doc: A row of the data set.
        results: The answer, as a list of one.

    Returns:
        1 or 0 as ``exact_match``, and how the answer was read.
    """
    expected, parsed = _read(doc, results[0])
    score = float(parsed.is_found and parsed.value == expected)
    return {"exact_match": score, "parsed": parsed}


def _read(doc: Mapping[str, Any], answer: str) -> tuple[Any, Parsed]:
    """Give the right answer, and what was read of the given one, of one kind."""
    expected = str(doc["answer"]).strip()
    options = _options(doc)
    if expected in [letter for letter, _ in options]:
        names = [letter for letter, _ in options]
        texts = [option for _, option in options]
        return expected, read_choice(answer, texts, letters=names)
    if _folded(expected) in {"yes", "no"}:
        return _folded(expected), read_yes_no(answer)
    number = read_number(expected, which="only")
    if number.is_found:
        return number.value, read_number(answer, which="only")
    said = _folded(answer)
    return _folded(expected), Parsed(value=said, status="found" if said else "none")


def _options(doc: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Read the lines "A. a text" of the question, as long as their letters go on."""
    found = _OPTION.findall(doc["question"])
    pairs = zip(string.ascii_uppercase, found, strict=False)
    return [own for letter, own in pairs if own[0] == letter]


def _folded(text: str) -> str:
    return text.strip(string.punctuation + string.whitespace).casefold()
