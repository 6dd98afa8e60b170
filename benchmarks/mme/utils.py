"""Ask and score MME: yes-or-no questions that come in pairs, two for each image.

Parsing and scores follow the task ``mme`` of lmms-eval; the pairs and their scores are
those of Fu et al., "MME: A Comprehensive Evaluation Benchmark for Multimodal Large
Language Models", 2023, arXiv 2306.13394, section 2.2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

PERCEPTION = (
    *("existence", "count", "position", "color", "posters", "celebrity", "scene"),
    *("landmark", "artwork", "OCR"),
)
COGNITION = (
    *("commonsense_reasoning", "numerical_calculation", "text_translation"),
    "code_reasoning",
)
METRICS = dict.fromkeys(PERCEPTION, "mme_perception_score") | dict.fromkeys(
    COGNITION, "mme_cognition_score"
)

_INSTRUCTION = " Please answer yes or no."
_PAIR = 2


def text(doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, str]) -> str:
    """Put the question in the words of a prompt variant.

    Args:
        doc: A row of the data set.
        lmms_eval_specific_kwargs: ``pre_prompt`` and ``post_prompt``, which take the
            place of the data set's own instruction; where both are empty it stays.
    """
    before = lmms_eval_specific_kwargs["pre_prompt"]
    after = lmms_eval_specific_kwargs["post_prompt"]
    question = str(doc["question"]).strip()
    if before or after:
        question = question.replace(_INSTRUCTION, "")
    return f"{before}{question}{after}"


def parse_answer(answer: str) -> str:
    """Read an answer as ``yes``, ``no`` or ``other``.

    A single letter must be y or n. In anything longer the word may stand anywhere in
    the first four characters, so that "not sure" is ``no``: the benchmark's own rule.
    """
    plain = answer.lower().strip().replace(".", "")
    if len(plain) == 1:
        return {"y": "yes", "n": "no"}.get(plain, "other")
    start = plain[:4]
    if "yes" in start:
        return "yes"
    return "no" if "no" in start else "other"


def process_results(
    doc: Mapping[str, Any], results: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Score one answer, as one half of its pair.

    Args:
        doc: A row of the data set.
        results: The answer, as a list of one.

    Returns:
        Question id, category and a score of 1 or 0, under the metric that the category
        belongs to.

    Raises:
        ValueError: The category is unknown, or the data set's answer is neither yes
            nor no.
    """
    expected = doc["answer"].lower().strip().replace(".", "")
    if expected not in {"yes", "no"}:
        raise ValueError(
            f"answer {doc['answer']!r} of {doc['question_id']!r} is neither yes nor no"
        )
    half = {
        "question_id": doc["question_id"],
        "category": doc["category"],
        "score": float(parse_answer(results[0]) == expected),
    }
    return {_metric(doc["category"]): half}


def total_score(halves: Iterable[Mapping[str, Any]]) -> float | None:
    """Add up the scores of the categories.

    A pair is worth the percentage of its right answers, and 100 more where both are
    right; a category is the mean of its pairs, from 0 to 200. Pairs of which only one
    half was scored are left out.

    Args:
        halves: What ``process_results`` gave for one metric.

    Returns:
        The sum over the categories that have a whole pair; None where none has.

    Raises:
        ValueError: A category is unknown, or a question id has more than two answers.
    """
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for (category, question_id), pair in _pairs(halves).items():
        if len(pair) > _PAIR:
            raise ValueError(
                f"{len(pair)} answers for {question_id!r} in {category!r}; "
                "MME asks two questions an image"
            )
        if len(pair) == _PAIR:
            scores[category].append(_pair_score(pair))
    if not scores:
        return None
    return sum(sum(values) / len(values) for values in scores.values())


def _pairs(
    halves: Iterable[Mapping[str, Any]],
) -> dict[tuple[str, str], list[float]]:
    pairs: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for half in halves:
        _metric(half["category"])
        pairs[half["category"], half["question_id"]].append(half["score"])
    return pairs


def _pair_score(pair: Sequence[float]) -> float:
    accuracy = 100.0 * sum(pair) / _PAIR
    accuracy_plus = 100.0 if sum(pair) == _PAIR else 0.0
    return accuracy + accuracy_plus


def _metric(category: str) -> str:
    if category not in METRICS:
        raise ValueError(
            f"unknown MME category {category!r}; valid: {', '.join(METRICS)}"
        )
    return METRICS[category]
