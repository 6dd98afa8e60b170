"""Filters that choose among the responses to one request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.scoring.plan import Filter


def take_first() -> Filter:
    """Keep the first response, as a value of its own."""

    def apply(responses: Any, _doc: Mapping[str, Any]) -> Any:
        return responses[0] if isinstance(responses, list) else responses

    return apply


def take_first_k(*, k: int) -> Filter:
    """Keep the first ``k`` responses.

    The filter raises ScoringError where there are fewer.

    Raises:
        OptionError: ``k`` is not a whole number from one.
    """
    if type(k) is not int or k < 1:
        raise OptionError(f"filter 'take_first_k' needs k >= 1, not {k!r}")

    def apply(responses: Any, _doc: Mapping[str, Any]) -> Any:
        if len(responses) < k:
            raise ScoringError(
                f"filter 'take_first_k' wants {k} responses of each document; "
                f"there are {len(responses)}: ask more often with repeats"
            )
        return list(responses[:k])

    return apply


def majority_vote() -> Filter:
    """Keep the most common response, in a list; of equals, the first seen.

    Answers in which nothing was found do not vote.
    """

    def apply(responses: Any, _doc: Mapping[str, Any]) -> Any:
        votes = [response for response in responses if response is not None]
        return [Counter(votes).most_common(1)[0][0] if votes else None]

    return apply
