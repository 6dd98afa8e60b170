"""Metrics that come from other packages, by the names of Hugging Face ``evaluate``.

Nothing is downloaded: scikit-learn, jiwer and rouge-score compute them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

_ROUGE_TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def accuracy(*, references: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Share of labels that are right, between 0 and 1."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(references, predictions))


def _over_labels(function: str) -> Callable[..., float]:
    def score(
        *,
        references: Sequence[Any],
        predictions: Sequence[Any],
        labels: Sequence[Any] | None = None,
        pos_label: Any = 1,
        average: str = "binary",
    ) -> float:
        from sklearn import metrics

        compute = getattr(metrics, function)
        kwargs = {"labels": labels, "pos_label": pos_label, "average": average}
        return float(compute(references, predictions, zero_division=0.0, **kwargs))

    return score


def wer(*, references: Sequence[str], predictions: Sequence[str]) -> float:
    """Word error rate: words to edit per word of the reference; it may exceed 1.

    Raises:
        ValueError: A reference has no word.
    """
    import jiwer

    return float(jiwer.wer(list(references), list(predictions)))


def cer(*, references: Sequence[str], predictions: Sequence[str]) -> float:
    """Character error rate: characters to edit per character of the reference.

    Raises:
        ValueError: A reference has no character.
    """
    import jiwer

    return float(jiwer.cer(list(references), list(predictions)))


def rouge(
    *,
    references: Sequence[Any],
    predictions: Sequence[str],
    rouge_types: Sequence[str] = _ROUGE_TYPES,
    use_stemmer: bool = False,
) -> dict[str, float]:
    """F-measures of n-grams in common, between 0 and 1 (Lin 2004).

    Args:
        references: The expected texts; of a list of texts the nearest counts.
        predictions: The answers, as many.
        rouge_types: Which: ``rouge1``, ``rouge2``, ... for n-grams, ``rougeL`` for the
            longest common subsequence, ``rougeLsum`` for that of the lines.
        use_stemmer: Compare the stems of English words.

    Returns:
        The mean of each.
    """
    scorer = _rouge_scorer(tuple(rouge_types), use_stemmer)
    scores = [
        scorer.score_multi([texts] if isinstance(texts, str) else texts, answer)
        for texts, answer in zip(references, predictions, strict=True)
    ]
    return {
        name: sum(score[name].fmeasure for score in scores) / len(scores)
        for name in rouge_types
    }


@lru_cache(maxsize=8)
def _rouge_scorer(rouge_types: tuple[str, ...], use_stemmer: bool) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(rouge_types), use_stemmer=use_stemmer)


def _one_rouge(name: str) -> Callable[..., float]:
    def score(
        *,
        references: Sequence[Any],
        predictions: Sequence[str],
        use_stemmer: bool = False,
    ) -> float:
        given = {"references": references, "predictions": predictions}
        return rouge(**given, rouge_types=[name], use_stemmer=use_stemmer)[name]

    return score


LIBRARY_METRICS: Mapping[str, Callable[..., Any]] = {
    "accuracy": accuracy,
    "cer": cer,
    "f1": _over_labels("f1_score"),
    "precision": _over_labels("precision_score"),
    "recall": _over_labels("recall_score"),
    "rouge": rouge,
    **{name: _one_rouge(name) for name in _ROUGE_TYPES},
    "wer": wer,
}

# The package that each needs, by the name it is imported by.
PACKAGES: Mapping[str, str] = {
    "accuracy": "sklearn",
    "cer": "jiwer",
    "f1": "sklearn",
    "precision": "sklearn",
    "recall": "sklearn",
    "rouge": "rouge_score",
    **dict.fromkeys(_ROUGE_TYPES, "rouge_score"),
    "wer": "jiwer",
}
