"""What the task files of this folder name by !function, as a user would write it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

Doc = Mapping[str, Any]


def of_subject(dataset: Any, subject: str) -> Any:
    return dataset.filter(lambda doc: doc["subject"] == subject)


only_botany = partial(of_subject, subject="botany")


def with_query(dataset: Any) -> Any:
    return dataset.map(
        lambda doc: {
            "query": doc["question"].upper(),
            "endings": [choice.capitalize() for choice in doc["choices"]],
            "gold": int(doc["digit"]),
        }
    )


def with_letters(dataset: Any) -> Any:
    return dataset.map(lambda _: {"choices": list("abcd")})


def last_three(dataset: Any) -> Any:
    return dataset.select(range(len(dataset) - 3, len(dataset)))


def gap_index(doc: Doc) -> int:
    return {"1": 0, "2": 1}[doc["answer"]]


def gap_rest(doc: Doc) -> str:
    return str(doc["sentence"].split("_")[1]).strip()


def gap_filled(doc: Doc) -> list[str]:
    before = doc["sentence"].split("_")[0]
    return [before + doc["option1"], before + doc["option2"]]


def question_text(doc: Doc) -> str:
    return f"Asked: {doc['question']}\nSaid:"


def labelled_texts(doc: Doc) -> list[str]:
    return [f" {text}" for text in doc["labelled"]["text"]]


def accepted(doc: Doc) -> list[int]:
    return list(doc["accepted"])


def tags(doc: Doc) -> list[str]:
    return list(doc["tags"])


def worked_samples() -> list[dict[str, Any]]:
    return [
        {"question": "One and one?", "answer": "1 + 1 = 2.\n#### 2", "hint": ""},
        {"question": "Two and three?", "answer": "2 + 3 = 5.\n#### 5", "hint": ""},
    ]


def digits_only(resps: Any, docs: Any) -> list[list[str]]:
    assert len(resps) == len(docs)
    return [[re.sub(r"\D", "", text) for text in texts] for texts in resps]


def counted(resps: Any, docs: Any) -> list[list[str]]:
    return [[str(len(resps))] for _ in resps]


def overlap(doc: Doc, results: Sequence[Any]) -> dict[str, Any]:
    """Score an answer by the words it shares with the target, as in reading tasks."""
    given, wanted = results[0].lower().split(), doc["target"].lower().split()
    common = sum((Counter(given) & Counter(wanted)).values())
    return {"em": float(given == wanted), "overlap": common / len(wanted)}


def steps(doc: Doc, results: Sequence[Any]) -> dict[str, Any]:
    """Give values to several aggregations, one of them absent here and there."""
    value = float(len(results[0]))
    values = {"middle": value, "present": value, "longest": value}
    if doc["total"] % 3:
        values["sometimes"] = value
    return values


def all_repeats(doc: Doc, results: Sequence[Any]) -> dict[str, Any]:
    given = [str(doc["total"]) in text for text in results[0]]
    return {"any": float(any(given)), "share": sum(given) / len(given)}


def likelihood_mass(doc: Doc, results: Sequence[Any]) -> dict[str, Any]:
    """Give how much of the likelihood the accepted choices get."""
    from math import exp

    weights = [exp(value) for value, _ in results]
    hit = sum(weights[at] for at in doc["accepted"])
    return {"mass": hit / sum(weights)}


def question_right(doc: Doc, results: Sequence[Any]) -> dict[str, Any]:
    values = [value for value, _ in results]
    return {"acc_all": float(values.index(max(values)) == doc["label"])}


def page_counts(doc: Doc, results: Sequence[Any]) -> dict[str, Any]:
    (value,) = results
    words = len(re.split(r"\s+", doc["page"]))
    n_bytes = len(doc["page"].encode())
    return {
        "word_perplexity": (value, words),
        "byte_perplexity": (value, n_bytes),
        "bits_per_byte": (value, n_bytes),
    }


def tidy_page(doc: Doc) -> str:
    return str(doc["page"]).replace(" @-@ ", "-").strip()


def longest(items: Sequence[float]) -> float:
    return max(items)


def closeness(
    references: Sequence[Any], predictions: Sequence[Any], scale: float
) -> float:
    """Compare lengths: a metric of the task's own, with an argument of its own."""
    gap = abs(len(references[0]) - len(predictions[0]))
    return max(0.0, scale - gap)


def same_length(references: Sequence[Any], predictions: Sequence[Any]) -> float:
    return float(len(references[0]) == len(predictions[0]))


def pair_lengths(items: Sequence[Any]) -> tuple[int, int]:
    gold, given = items
    return len(gold), len(given)


def mean_gap(items: Sequence[tuple[int, int]]) -> float:
    return sum(abs(left - right) for left, right in items) / len(items)


def several(references: Sequence[Any], predictions: Sequence[Any]) -> dict[str, float]:
    gold, given = references[0], predictions[0]
    return {
        "same_start": float(gold[:1] == given[:1]),
        "same_end": float(gold[-1:] == given[-1:]),
    }


def tag_hits(doc: Doc, results: Sequence[Any]) -> dict[str, Any]:
    """Count the words with the right tag, for a share over all sentences."""
    pairs = zip(doc["tags"], results[0][0], strict=False)
    return {"tagged": (sum(gold == given for gold, given in pairs), len(doc["tags"]))}


def overall(items: Sequence[tuple[int, int]]) -> float:
    return sum(hits for hits, _ in items) / sum(size for _, size in items)


def best_likelihood(items: Sequence[tuple[int, Any]]) -> float:
    return float(sum(max(values) for _, values in items) / len(items))
