"""Metrics: what one generated answer is worth."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pytest_evalkit.scoring.distance import edits
from pytest_evalkit.scoring.number_answer import number_match
from pytest_evalkit.scoring.relaxed import relaxed_accuracy
from pytest_evalkit.scoring.spans import span_f1, span_match
from pytest_evalkit.scoring.vqa import vqa_accuracy
from pytest_evalkit.scoring.whole_groups import group_match
from pytest_evalkit.scoring.word_errors import word_errors

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
    equal = 0
    for one, other in zip(references, predictions, strict=True):
        reference, answer = one, other
        for regex in regexes_to_ignore:
            pattern = _compiled(regex)
            reference, answer = pattern.sub("", reference), pattern.sub("", answer)
        if ignore_case:
            reference, answer = reference.lower(), answer.lower()
        if ignore_punctuation:
            reference = reference.translate(_NO_PUNCTUATION)
            answer = answer.translate(_NO_PUNCTUATION)
        if ignore_numbers:
            reference = reference.translate(_NO_DIGITS)
            answer = answer.translate(_NO_DIGITS)
        equal += reference == answer
    return equal / len(references)


# The cache of the re module is behind a function that costs more than most patterns.
_compiled = lru_cache(maxsize=256)(re.compile)


def anls(
    *,
    references: Sequence[str],
    predictions: Sequence[str],
    thresh_hold: float = 0.5,
    raw_lengths: bool = False,
) -> float:
    """Average normalised Levenshtein similarity of the first answer, from 0 to 1.

    One less the share of the longer text that has to be edited, for the reference that
    is nearest (Biten et al. 2019, "Scene text visual question answering"). Texts are
    compared in lower case, with white space as single spaces. At the threshold itself
    they count, as on the evaluation server; the paper has them at nothing.

    Args:
        references: The expected answers; at least one.
        predictions: The answers; at least one.
        thresh_hold: Similarities below it count as 0.
        raw_lengths: Take the length of the longer text before white space is reduced,
            as both systems do, so that an answer gains by spaces around it. What is
            edited is counted after that in any case.

    >>> anls(references=["paris", "Paris, France"], predictions=["Pari"])
    0.8
    """
    prediction = predictions[0]
    similarity = 1 - min(
        _distance(text, prediction, raw_lengths) for text in references
    )
    return similarity if similarity >= thresh_hold else 0.0


def _distance(reference: str, prediction: str, raw_lengths: bool) -> float:
    one, other = _plain(reference), _plain(prediction)
    lengths = [len(one), len(other)]
    if raw_lengths:
        lengths = [len(reference.upper()), len(prediction.upper())]
    return edits(one, other) / max(lengths) if max(lengths) else 0.0


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def bypass(*, references: Sequence[Any], predictions: Sequence[Any]) -> None:
    """Score nothing: the task is asked for its answers only."""
    del references, predictions


def pair(items: Sequence[Any]) -> Sequence[Any]:
    """Hand reference and answer on to the aggregation."""
    return items


METRICS: Mapping[str, Callable[..., Any]] = {
    "anls": anls,
    "bypass": bypass,
    "exact_match": exact_match,
    "group_match": group_match,
    "number_match": number_match,
    "relaxed_accuracy": relaxed_accuracy,
    "span_f1": span_f1,
    "span_match": span_match,
    "vqa_accuracy": vqa_accuracy,
    "word_error_rate": word_errors,
}

# These compare one answer with all targets of a document at a time.
OF_ALL_TARGETS = frozenset(
    {
        group_match,
        number_match,
        relaxed_accuracy,
        span_f1,
        span_match,
        vqa_accuracy,
        word_errors,
    }
)

# Of these a document of generated text has no value of its own: the pair of reference
# and answer goes to the aggregation.
PAIR_METRICS = (
    "acc",
    "acc_all",
    "acc_bytes",
    "acc_mutual_info",
    "acc_norm",
    "bits_per_byte",
    "bleu",
    "brier_score",
    "byte_perplexity",
    "chrf",
    "chrf++",
    "f1",
    "likelihood",
    "mcc",
    "perplexity",
    "ter",
    "word_perplexity",
    "yes_f1",
    "yes_precision",
    "yes_ratio",
    "yes_recall",
)

# What is scored where a task lists no metric, by output type.
DEFAULT_METRICS: Mapping[str, tuple[str, ...]] = {
    "conversation": ("answered_turns",),
    "loglikelihood": ("perplexity", "acc"),
    "loglikelihood_rolling": ("word_perplexity", "byte_perplexity", "bits_per_byte"),
    "multiple_choice": ("acc", "acc_norm"),
}
GENERATION_METRICS = ("exact_match",)


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
_DOWN = MetricDefaults(aggregation="mean", higher_is_better=False)
UNNAMED_DEFAULTS = MetricDefaults(aggregation="mean", higher_is_better=None)

# ``ter``, ``wer`` and ``cer`` are error rates: lower is better.
METRIC_DEFAULTS: Mapping[str, MetricDefaults] = {
    "acc": _UP,
    "acc_all": MetricDefaults(aggregation="acc_all", higher_is_better=True),
    "acc_bytes": _UP,
    "acc_mutual_info": _UP,
    "acc_norm": _UP,
    "action_overlap": _UP,
    "anls": _UP,
    "answered_turns": _UP,
    "bits_per_byte": MetricDefaults(
        aggregation="bits_per_byte", higher_is_better=False
    ),
    "bleu": MetricDefaults(aggregation="bleu", higher_is_better=True),
    "brier_score": MetricDefaults(aggregation="brier_score", higher_is_better=False),
    "bypass": MetricDefaults(aggregation="bypass", higher_is_better=True),
    "byte_perplexity": MetricDefaults(
        aggregation="weighted_perplexity", higher_is_better=False
    ),
    "accuracy": _UP,
    "cer": _DOWN,
    "chrf": MetricDefaults(aggregation="chrf", higher_is_better=True),
    "chrf++": MetricDefaults(aggregation="chrf++", higher_is_better=True),
    "exact_match": _UP,
    "f1": MetricDefaults(aggregation="f1", higher_is_better=True),
    "group_match": MetricDefaults(aggregation="all_right", higher_is_better=True),
    "last_turn_match": _UP,
    "likelihood": _UP,
    "mcc": MetricDefaults(aggregation="matthews_corrcoef", higher_is_better=True),
    "number_match": _UP,
    "per_turn_match": _UP,
    "perplexity": MetricDefaults(aggregation="perplexity", higher_is_better=False),
    "precision": _UP,
    "recall": _UP,
    "relaxed_accuracy": _UP,
    "rouge": _UP,
    "rouge1": _UP,
    "rouge2": _UP,
    "rougeL": _UP,
    "rougeLsum": _UP,
    "span_f1": _UP,
    "span_match": _UP,
    "ter": MetricDefaults(aggregation="ter", higher_is_better=False),
    "tool_call_match": _UP,
    "vqa_accuracy": _UP,
    "wer": _DOWN,
    "word_error_rate": MetricDefaults(aggregation="error_rate", higher_is_better=False),
    "word_perplexity": MetricDefaults(
        aggregation="weighted_perplexity", higher_is_better=False
    ),
    "yes_f1": MetricDefaults(aggregation="yes_f1", higher_is_better=True),
    "yes_precision": MetricDefaults(aggregation="yes_precision", higher_is_better=True),
    "yes_ratio": MetricDefaults(aggregation="yes_ratio", higher_is_better=None),
    "yes_recall": MetricDefaults(aggregation="yes_recall", higher_is_better=True),
}
