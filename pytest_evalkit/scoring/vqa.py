"""Accuracy of visual question answering, against the answers of ten people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_UP_TO_TEN = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "ten",
)
_DIGITS = {word: str(value) for value, word in enumerate(_UP_TO_TEN)} | {"none": "0"}
_ARTICLES = frozenset({"a", "an", "the"})
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_COMMA = re.compile(r"(?<=\d),+(?=\d)")
_PERIOD = re.compile(r"\.(?!\d)")

# As the evaluation server has them: written without one of their apostrophes, these
# words get it back. "Somebody'd" loses it there.
_WITH_APOSTROPHES = """
'ow's'at 'twas ain't aren't can't could've couldn't couldn't've didn't doesn't don't
hadn't hadn't've hasn't haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've
it'll ma'am might've mightn't mightn't've must've mustn't needn't not've o'clock oughtn't
shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
someone'd someone'd've someone'll someone's something'd something'd've something'll
that's there'd there'd've there're there's they'd they'd've they'll they're they've wasn't
we'd've we've weren't what'll what're what's what've when's where'd where's where've who'd
who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've y'all
y'all'd've y'all'll you'd you'd've you'll you're you've
"""


def _without_one_apostrophe(word: str) -> list[str]:
    return [
        word[:position] + word[position + 1 :]
        for position, mark in enumerate(word)
        if mark == "'"
    ]


_CONTRACTIONS = {
    short: word
    for word in _WITH_APOSTROPHES.split()
    for short in _without_one_apostrophe(word)
} | {"somebody'd": "somebodyd"}


def vqa_normalised(answer: str) -> str:
    """Write an answer as the evaluation server of VQA compares it.

    In lower case, without punctuation and articles, digits for the words up to ten,
    apostrophes where they belong (Antol et al. 2015; the processing of EvalAI).

    >>> vqa_normalised("The two dogs!")
    '2 dogs'
    """
    text = answer.lower().replace(",", "").replace("?", "").replace("'s", " 's")
    text = text.strip().replace("\n", " ").replace("\t", " ").strip()
    words = [_DIGITS.get(word, word) for word in _without_marks(text).split()]
    return " ".join(
        _CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES
    )


def vqa_accuracy(*, references: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Average over people of how many of the others agree, between 0 and 1.

    Of each person's answer left out in turn, the others that equal the prediction count,
    and three of them are full marks (Antol et al. 2015, "VQA"; ``min(1, n/3)``). Both
    sides are compared as ``vqa_normalised`` writes them.

    Args:
        references: The answers of people, usually ten; at least one. A single one has
            to be met.
        predictions: One answer; None where there is none.

    >>> vqa_accuracy(references=["red"] * 3 + ["blue"] * 7, predictions=["Red."])
    0.9
    """
    if predictions[0] is None:
        return 0.0
    said = vqa_normalised(str(predictions[0]))
    equal = [vqa_normalised(str(answer)) == said for answer in references]
    if len(equal) == 1:
        return float(equal[0])
    agreeing = sum(equal)
    return sum(min(1.0, (agreeing - own) / 3) for own in equal) / len(equal)


def _without_marks(text: str) -> str:
    """Take marks out, or make spaces of those that stand between letters only."""
    has_comma = _COMMA.search(text) is not None
    result = text
    for mark in _PUNCTUATION:
        is_outside = f"{mark} " in text or f" {mark}" in text
        result = result.replace(mark, "" if is_outside or has_comma else " ")
    return _PERIOD.sub("", result)
