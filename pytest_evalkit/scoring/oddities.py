"""Keys of metric entries that files of the two systems have and that change nothing."""

from __future__ import annotations

from collections.abc import Mapping

_NO_TEXTS = "it is for metrics that compare texts, and this one compares none"

# By key, why it is accepted wherever it cannot have an effect.
WITHOUT_EFFECT: Mapping[str, str] = {
    "average": "the aggregation decides how labels are averaged",
    "high_is_better": "higher_is_better is meant; the metric's own direction stands",
    "ignore_case": _NO_TEXTS,
    "ignore_numbers": _NO_TEXTS,
    "ignore_punctuation": _NO_TEXTS,
    "regexes_to_ignore": _NO_TEXTS,
    "weight_by_size": "a key of groups; a task has one size",
}

# Texts that a flag cannot mean as the two systems take them: every text is true there.
FALSE_WORDS = frozenset({"false", "no", "off", "0", "none", "null", "n"})
