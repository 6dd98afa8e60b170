"""Corpus figures of translations, as sacrebleu computes them with its defaults.

BLEU, chrF and TER are not means of sentences: the counts of all sentences are added up
first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any


def bleu(items: Sequence[Any]) -> float:
    """BLEU of a corpus, from 0 to 100 (Papineni et al. 2002; Post 2018).

    Args:
        items: Pairs of reference and answer; a reference may be a list of texts.
    """
    return _score("bleu", items)


def chrf(items: Sequence[Any]) -> float:
    """ChrF of a corpus, from 0 to 100, without word n-grams (Popović 2015).

    Args:
        items: As of ``bleu``.
    """
    return _score("chrf", items)


def chrf_plus_plus(items: Sequence[Any]) -> float:
    """ChrF++ of a corpus, from 0 to 100: chrF with words and pairs of words.

    Popović 2017, "chrF++: words helping character n-grams".

    Args:
        items: As of ``bleu``.
    """
    return _score("chrf++", items)


def ter(items: Sequence[Any]) -> float:
    """Translation edit rate of a corpus, in per cent (Snover et al. 2006).

    Args:
        items: As of ``bleu``.
    """
    return _score("ter", items)


def resampled(
    name: str, items: Sequence[Any]
) -> Callable[[Iterable[Sequence[int]]], list[float]]:
    """Make a function that tells a figure of documents drawn anew.

    The counts of each sentence are made once, so that a draw only adds them up.

    Args:
        name: ``bleu``, ``chrf``, ``chrf++`` or ``ter``.
        items: As of ``bleu``.

    Returns:
        A function of rows of positions, which tells the figure of each row.
    """
    metric, counts = _metric(name), _counts(name, *_columns(items))

    def figures(rows: Iterable[Sequence[int]]) -> list[float]:
        return [_figure(metric, [counts[i] for i in row]) for row in rows]

    return figures


def _score(name: str, items: Sequence[Any]) -> float:
    return _figure(_metric(name), _counts(name, *_columns(items)))


# The public functions count anew for each draw, and counting is what takes long.
@lru_cache(maxsize=4)
def _counts(name: str, references: tuple[Any, ...], answers: tuple[str, ...]) -> Any:
    return _metric(name)._extract_corpus_statistics(answers, references)  # noqa: SLF001


def _figure(metric: Any, counts: Sequence[Any]) -> float:
    return float(metric._aggregate_and_compute(counts).score)  # noqa: SLF001


def _metric(name: str) -> Any:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER

    made: Mapping[str, Callable[[], Any]] = {
        "bleu": BLEU,
        "chrf": CHRF,
        "chrf++": lambda: CHRF(word_order=2),
        "ter": TER,
    }
    return made[name]()


def _columns(items: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Write pairs as sacrebleu takes them: streams of references, and the answers.

    A sentence with fewer references than another has None in the last streams.
    """
    references = [_texts(reference) for reference, _ in items]
    answers = tuple(_only(answer) for _, answer in items)
    return tuple(zip_longest(*references)), answers


def _texts(reference: Any) -> Sequence[str]:
    return [reference] if isinstance(reference, str) else reference


def _only(answer: Any) -> str:
    if isinstance(answer, str):
        return answer
    (text,) = answer
    return str(text)
