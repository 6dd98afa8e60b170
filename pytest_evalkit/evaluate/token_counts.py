"""Tokens as samples and turns tell them."""

from __future__ import annotations

from typing import TypedDict

from pytest_evalkit.codec import Count
from pytest_evalkit.values import Usage


class TokenCounts(TypedDict):
    """Tokens of an answer, or of all answers of a document; None where not told."""

    input_tokens: Count | None
    output_tokens: Count | None
    reasoning_tokens: Count | None
    cached_tokens: Count | None


def token_counts(usage: Usage | None) -> TokenCounts | None:
    """Write the tokens of one answer; None where the endpoint told nothing of them."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cached_tokens": usage.cached_tokens,
    }
