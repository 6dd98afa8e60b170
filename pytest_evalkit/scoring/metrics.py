"""Metrics: what one document's answer is worth."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_NO_DIGITS = str.maketrans("", "", string.digits)


def exact_match(
    *,
    references: Sequence[str],
    predictions: Sequence[str],
    regexes_to_ignore: Sequence[str] = (),
    ignore_case: bool = False,
    ignore_punctuation: bool = False,
    ignore_numbers: bool = False,
) -> float:
    """Share of predictions equal to their reference, between 0 and 1.

    Both sides lose, in this order: what each regex matches, case, ASCII
    punctuation, ASCII digits. White space stays. These are the rules of
    lm-evaluation-harness.

    Args:
        references: The expected answers.
        predictions: The answers, as many; at least one.
        regexes_to_ignore: Patterns whose every match is deleted.
        ignore_case: Compare in lower case.
        ignore_punctuation: Delete ``string.punctuation``.
        ignore_numbers: Delete ``string.digits``.

    Raises:
        ValueError: The two are not equally long.

    >>> exact_match(references=["Paris"], predictions=["paris."], ignore_case=True,
    ...             ignore_punctuation=True)
    1.0
    """

    def normal(text: str) -> str:
        for regex in regexes_to_ignore:
            text = _compiled(regex).sub("", text)
        text = text.lower() if ignore_case else text
        text = text.translate(_NO_PUNCTUATION) if ignore_punctuation else text
        return text.translate(_NO_DIGITS) if ignore_numbers else text

    pairs = list(zip(references, predictions, strict=True))
    equal = sum(normal(reference) == normal(answer) for reference, answer in pairs)
    return equal / len(pairs)


# The cache of the re module is behind a function that costs more than most patterns.
_compiled = lru_cache(maxsize=256)(re.compile)


def bypass(*, references: Sequence[Any], predictions: Sequence[Any]) -> None:
    """Score nothing: the task is asked for its answers only."""
    del references, predictions


METRICS: Mapping[str, Callable[..., Any]] = {
    "exact_match": exact_match,
    "bypass": bypass,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDefaults:
    """What the two systems take for granted of a metric's name.

    Attributes:
        aggregation: Name of the aggregation.
        higher_is_better: Direction, or None where the name says nothing.
    """

    aggregation: str
    higher_is_better: bool | None


_UP = MetricDefaults(aggregation="mean", higher_is_better=True)
UNNAMED_DEFAULTS = MetricDefaults(aggregation="mean", higher_is_better=None)

# ``ter`` is an error rate: lower is better, whatever the reference registers.
METRIC_DEFAULTS: Mapping[str, MetricDefaults] = {
    "acc": _UP,
    "acc_all": MetricDefaults(aggregation="acc_all", higher_is_better=True),
    "acc_bytes": _UP,
    "acc_mutual_info": _UP,
    "acc_norm": _UP,
    "anls": _UP,
    "bits_per_byte": MetricDefaults(
        aggregation="bits_per_byte", higher_is_better=False
    ),
    "bleu": MetricDefaults(aggregation="bleu", higher_is_better=True),
    "brier_score": MetricDefaults(aggregation="brier_score", higher_is_better=False),
    "bypass": MetricDefaults(aggregation="bypass", higher_is_better=True),
    "byte_perplexity": MetricDefaults(
        aggregation="weighted_perplexity", higher_is_better=False
    ),
    "chrf": MetricDefaults(aggregation="chrf", higher_is_better=True),
    "exact_match": _UP,
    "f1": MetricDefaults(aggregation="f1", higher_is_better=True),
    "likelihood": _UP,
    "mcc": MetricDefaults(aggregation="matthews_corrcoef", higher_is_better=True),
    "perplexity": MetricDefaults(aggregation="perplexity", higher_is_better=False),
    "ter": MetricDefaults(aggregation="ter", higher_is_better=False),
    "word_perplexity": MetricDefaults(
        aggregation="weighted_perplexity", higher_is_better=False
    ),
}
