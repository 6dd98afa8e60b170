"""Short answers compared word by word, as SQuAD does.

Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text", 2016,
arXiv 1606.05250, section 6.1, and the authors' script.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def span_words(text: str) -> list[str]:
    """Split an answer into words, in lower case, without ASCII punctuation or articles.

    >>> span_words("The Beatles' hit.")
    ['beatles', 'hit']
    """
    plain = text.lower().translate(_NO_PUNCTUATION)
    return _ARTICLES.sub(" ", plain).split()


def span_match(
    *, references: Sequence[str], predictions: Sequence[str | None]
) -> float:
    """Tell whether the first answer has the words of a reference: 1 or 0.

    Args:
        references: The expected answers; at least one.
        predictions: The answers; at least one. None is never right.
    """
    (prediction, *_) = predictions
    if prediction is None:
        return 0.0
    words = span_words(prediction)
    return float(any(words == span_words(text) for text in references))


def span_f1(*, references: Sequence[str], predictions: Sequence[str | None]) -> float:
    """Tell how many words the first answer shares with the nearest reference, 0 to 1.

    The harmonic mean of precision and recall of words, each counted as often as it is
    there. A text without words is like another such text, and nothing else.

    Args:
        references: The expected answers; at least one.
        predictions: The answers; at least one. None shares nothing.

    >>> span_f1(references=["red fox"], predictions=["a fox"])
    0.6666666666666666
    """
    (prediction, *_) = predictions
    if prediction is None:
        return 0.0
    words = span_words(prediction)
    return max(_shared(words, span_words(text)) for text in references)


def _shared(one: Sequence[str], other: Sequence[str]) -> float:
    if not one or not other:
        return float(one == other)
    same = (Counter(one) & Counter(other)).total()
    return 2 * same / (len(one) + len(other))
