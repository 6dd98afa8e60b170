"""Word error rate of a corpus: what is to be edited, per word that was said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pytest_evalkit.scoring.distance import edits

_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"


def basic_words(text: str) -> str:
    """Write a text in lower case, without marks, with single spaces.

    Apostrophes inside words stay; every other mark, symbol or sign makes a space.

    >>> basic_words("Don't  stop, Mr. Poe!")
    "don't stop mr poe"
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace(_APOSTROPHE, "'")
    kept = re.sub(r"(?<!\w)'|'(?!\w)|[^\w\s']|_", " ", folded)
    return " ".join(kept.split())


@lru_cache(maxsize=1)
def _english() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    normaliser: Callable[[str], str] = EnglishTextNormalizer()
    return normaliser


@lru_cache(maxsize=1)
def _any_language() -> Callable[[str], str]:
    from whisper_normalizer.basic import BasicTextNormalizer

    normaliser: Callable[[str], str] = BasicTextNormalizer()
    return normaliser


# How texts are made alike, by name: a function that gives the function.
NORMALISERS: Mapping[str, Callable[[], Callable[[str], str]]] = {
    "basic": lambda: basic_words,
    "none": lambda: str,
    "whisper": _any_language,
    "whisper_english": _english,
}
# The package that some need, by the name it is imported by.
NORMALISER_PACKAGES = {
    "whisper": "whisper_normalizer",
    "whisper_english": "whisper_normalizer",
}


def word_errors(
    *, references: Sequence[Any], predictions: Sequence[Any], normalizer: str = "basic"
) -> list[int]:
    """Count what is wrong with a transcript, for ``error_rate`` to add up.

    Args:
        references: What was said; of several, the one that is nearest.
        predictions: The transcript; None counts as an empty one.
        normalizer: How both are made alike: ``basic`` (lower case, no marks),
            ``whisper_english`` or ``whisper`` (Radford et al. 2022, appendix C), or
            ``none``.

    Returns:
        Words to insert, delete or replace, and words that were said.

    >>> word_errors(references=["The cat sat."], predictions=["the cat sat down"])
    [1, 3]
    """
    plain = NORMALISERS[normalizer]()
    said = plain("" if predictions[0] is None else str(predictions[0])).split()
    counts = [
        [edits(words, said), len(words)]
        for words in (plain(str(reference)).split() for reference in references)
    ]
    return min(counts, key=lambda count: (count[0] / max(1, count[1]), count[0]))


def error_rate(items: Sequence[Sequence[int]]) -> float | None:
    """Errors per word of a whole corpus, in per cent; it may exceed 100.

    Args:
        items: Pairs of the errors and the words of each document.

    Returns:
        None where nothing was said.

    >>> error_rate([[1, 3], [0, 1]])
    25.0
    """
    words = sum(count for _, count in items)
    return 100 * sum(wrong for wrong, _ in items) / words if words else None
