"""What samples say of the single tokens of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_evalkit.values import Timing, TokenLogprob, Usage


def inter_token_s(timing: Timing | None, usage: Usage | None) -> float | None:
    """Average the seconds between the tokens of a streamed answer.

    From the first fragment to the last, over one less than the tokens that the endpoint
    counts: a fragment may be several tokens.

    Returns:
        Seconds; None where it was not streamed, the endpoint counts no tokens, or there
        are fewer than two tokens or fragments.
    """
    if timing is None or usage is None or not timing.gaps_s:
        return None
    return per_token_s(sum(timing.gaps_s), usage.output_tokens)


def per_token_s(gaps_s: float | None, tokens: int | None) -> float | None:
    """Spread the seconds between the first fragment and the last over tokens.

    Returns:
        Seconds; None where either is not known, or there are fewer than two tokens.
    """
    if gaps_s is None or tokens is None or tokens < 2:  # noqa: PLR2004 - between two
        return None
    return gaps_s / (tokens - 1)


def token_logprobs(tokens: Sequence[TokenLogprob] | None) -> list[Any] | None:
    """Write tokens with their log-probabilities; None where they were not told."""
    if tokens is None:
        return None
    return [
        {"token": one.token, "logprob": one.logprob}
        | ({"top": [list(pair) for pair in one.top]} if one.top else {})
        for one in tokens
    ]


def rounded(seconds: float | None) -> float | None:
    """Cut seconds to microseconds, as samples have them; None stays None.

    By whole microseconds, since rounding decimals goes by way of a text. What is no
    number of them, as backends of users may tell, stays what it is.
    """
    if seconds is None:
        return None
    try:
        return round(seconds * 1e6) / 1e6
    except (ValueError, OverflowError):
        return seconds
