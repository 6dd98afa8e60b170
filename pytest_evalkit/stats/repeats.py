"""Documents that were asked several times: how good the answers are, and how alike.

``scores`` has one list for each document, with one score for each of its answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from pytest_evalkit.stats.mean import mean


def mean_at_k(scores: Sequence[Sequence[float]]) -> float:
    """Average the means of the documents, each of which counts once.

    Args:
        scores: At least one document, each with one score at least.

    Raises:
        ZeroDivisionError: There is no document, or one has no score.

    >>> mean_at_k([[1.0, 0.0], [1.0, 1.0]])
    0.75
    """
    return mean([mean(own) for own in scores])


def pass_at_k(right: int, asked: int, k: int) -> float:
    """Estimate how likely one of k answers to a document is right.

    The unbiased estimate of Chen et al. 2021 ("Evaluating large language models trained
    on code", equation 1): 1 - C(n - c, k) / C(n, k), as a product in which nothing
    overflows.

    Args:
        right: How many of its answers are right.
        asked: How many answers there are.
        k: At most as many as there are answers, at least 1.

    Raises:
        ValueError: One of them is out of range.

    >>> pass_at_k(1, 4, 2)
    0.5
    """
    if not 0 <= right <= asked:
        raise ValueError(f"of {asked} answers, {right} cannot be right")
    if not 1 <= k <= asked:
        raise ValueError(f"pass@{k} needs {max(k, 1)} answers or more, not {asked}")
    wrong = asked - right
    if wrong < k:
        return 1.0
    missed = 1.0
    # The factors (1 - k / i) of Chen et al., or as many fewer as k is less.
    if k <= right:
        for i in range(k):
            missed *= (wrong - i) / (asked - i)
    else:
        for i in range(wrong + 1, asked + 1):
            missed *= 1 - k / i
    return 1.0 - missed


def majority_at_k(
    answers: Sequence[Hashable | None], scores: Sequence[float]
) -> float | None:
    """Score the answer that a document was given most often.

    Self-consistency (Wang et al. 2022). Answers in which nothing was found do not vote.
    Of several that were given equally often the first that was given wins, as nothing
    is drawn by lot.

    Args:
        answers: What was found in each answer, or None.
        scores: The score of each.

    Returns:
        The score, 0 where there is no vote; None where there is no answer at all.

    Raises:
        ValueError: There are not as many scores as answers.

    >>> majority_at_k(["a", "b", "b"], [1.0, 0.0, 0.0])
    0.0
    """
    if len(answers) != len(scores):
        raise ValueError(f"{len(answers)} answers have {len(scores)} scores")
    if not answers:
        return None
    votes = Counter(answer for answer in answers if answer is not None)
    if not votes:
        return 0.0
    ((elected, _),) = votes.most_common(1)
    return scores[answers.index(elected)]


def within_variance(scores: Sequence[Sequence[float]]) -> float | None:
    """Average how much the scores of one document vary: unbiased, over documents.

    It is what asking anew changes; the variance between documents is not in it.

    Args:
        scores: Documents; those with one score are left out.

    Returns:
        The variance; None where no document was asked twice.

    >>> within_variance([[1.0, 0.0], [1.0, 1.0]])
    0.25
    """
    variances = []
    for own in scores:
        if len(own) > 1:
            centre = mean(own)
            squares = sum([(score - centre) ** 2 for score in own])
            variances.append(squares / (len(own) - 1))
    return mean(variances) if variances else None


def consistency(answers: Sequence[Sequence[Hashable | None]]) -> float | None:
    """Estimate how likely two answers to one document are the same.

    Over pairs of different answers, which makes it unbiased, averaged over documents.
    Answers in which nothing was found are alike.

    Args:
        answers: Of each document what was found in each answer; documents with one
            answer are left out.

    Returns:
        From 0 to 1; None where no document was asked twice.

    >>> consistency([["a", "a", "b"]])
    0.3333333333333333
    """
    shares = []
    for own in answers:
        pairs = len(own) * (len(own) - 1)
        if pairs:
            same = sum(count * (count - 1) for count in Counter(own).values())
            shares.append(same / pairs)
    return mean(shares) if shares else None
