"""Whether an answer says yes or no."""

from __future__ import annotations

import re

from msgspec.structs import replace

from pytest_evalkit.scoring.final_answer import last_boxed, last_tagged
from pytest_evalkit.scoring.parsed import NOT_FOUND, Parsed, ambiguous, found

_ALONE = re.compile(r"\W*(yes|no|y|n)\W*", re.IGNORECASE)
_EASTERN = {"是": "yes", "是的": "yes", "有": "yes", "对": "yes"} | {
    "否": "no",
    "不": "no",
    "不是": "no",
    "没有": "no",
}
_STATEMENT = re.compile(
    r"\banswer\b\s*+(?:is|was|would\s+be|should\s+be|:|=|-)*+[\s:\"'*(]*+\b(yes|no)\b",
    re.IGNORECASE,
)
_BEGINNING = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)
_BOTH = re.compile(
    r"\W*(?:yes|no)\s*(?:/|\band\b|\bor\b)\s*(?:yes|no)\b", re.IGNORECASE
)
_WORD = re.compile(r"\b(yes|no)\b", re.IGNORECASE)


def read_yes_no(text: str) -> Parsed:
    r"""Find whether an answer says yes or no; never guess.

    Looked at are the last ``<answer>``, else the last ``\boxed{}``, else the whole text.
    The first rule that finds something decides: nothing but the word or its letter (also
    in Chinese); the last "the answer is yes"; the word at the beginning; the only one of
    the two words that there is. "Not" and "none" are neither.

    Args:
        text: The answer, without thought.

    Returns:
        ``yes`` or ``no``; ambiguous where the two are said on a par.

    >>> read_yes_no("Yes, there is no doubt.").value
    'yes'
    >>> read_yes_no("Not sure").status
    'none'
    """
    tagged = last_tagged(text, "answer")
    if tagged is not None:
        return _read(tagged, "answer_tag.")
    boxed = last_boxed(text)
    return _read(text, "") if boxed is None else _read(boxed, "boxed.")


def _read(text: str, place: str) -> Parsed:
    for rule in (_alone, _both, _stated, _first, _only):
        parsed = rule(text)
        if parsed.status != "none":
            return replace(parsed, rule=f"{place}{parsed.rule}")
    return NOT_FOUND


def _alone(text: str) -> Parsed:
    alone = _ALONE.fullmatch(text)
    if alone is not None:
        return found(_word(alone), "word")
    eastern = _EASTERN.get(text.strip(" \n.。"))
    return NOT_FOUND if eastern is None else found(eastern, "word")


def _both(text: str) -> Parsed:
    return ambiguous("first") if _BOTH.match(text) else NOT_FOUND


def _stated(text: str) -> Parsed:
    stated = list(_STATEMENT.finditer(text))
    return found(_word(stated[-1]), "statement") if stated else NOT_FOUND


def _first(text: str) -> Parsed:
    first = _BEGINNING.match(text)
    return NOT_FOUND if first is None else found(_word(first), "first")


def _only(text: str) -> Parsed:
    words = {_word(match) for match in _WORD.finditer(text)}
    if len(words) > 1:
        return ambiguous("only")
    return found(words.pop(), "only") if words else NOT_FOUND


def _word(match: re.Match[str]) -> str:
    return "yes" if match[1].lower().startswith("y") else "no"
