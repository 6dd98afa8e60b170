"""Score answers to SQuAD 2.0, where a question may have none.

Rajpurkar, Jia and Liang, "Know What You Don't Know: Unanswerable Questions for SQuAD",
2018, arXiv 1806.03822, and the authors' script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_evalkit.scoring import span_f1, span_match, span_words

_NONE = "unanswerable"


def answers(doc: Mapping[str, Any]) -> list[str]:
    """List the answers that people gave; one empty text where there is none.

    Answers without a word, such as an article alone, are none, as in the script.
    """
    return [text for text in doc["answers"]["text"] if span_words(text)] or [""]


def ideal(doc: Mapping[str, Any]) -> str:
    """Write what a perfect model says."""
    return answers(doc)[0] or _NONE


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Compare an answer with those of people.

    Args:
        doc: A row of the data set.
        results: The answer, as a list of one.

    Returns:
        ``exact`` and ``f1``, from 0 to 1, and once more by whether the question has an
        answer.
    """
    expected = answers(doc)
    said = _said(results[0])
    scores = {
        "f1": span_f1(references=expected, predictions=[said]),
        "exact": span_match(references=expected, predictions=[said]),
    }
    kind = "HasAns" if expected != [""] else "NoAns"
    return {**scores, **{f"{kind}_{name}": score for name, score in scores.items()}}


def _said(answer: str) -> str | None:
    """Read an answer: empty where it says that there is none, None without a word."""
    words = span_words(answer)
    if words == [_NONE]:
        return ""
    return answer if words else None
