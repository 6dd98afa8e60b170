"""What samples say of the single tokens of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_evalkit.values import Response, Timing, TokenLogprob


def stream_times(responses: Sequence[Response]) -> dict[str, Any]:
    """Write when the tokens of a document's answers came.

    Returns:
        Fields of ``SampleTiming``; empty where no answer was streamed.
    """
    timings = [_streamed(response.timing) for response in responses]
    if not any(timings):
        return {}
    each: dict[str, list[Any]] = {
        "ttft_s": [timing and _rounded(timing.ttft_s) for timing in timings],
        "ttfo_s": [timing and _rounded(timing.ttfo_s) for timing in timings],
        "inter_token_s": [_rounded(inter_token_s(response)) for response in responses],
        "n_chunks": [timing and timing.n_chunks for timing in timings],
        "bad_frames": [timing and timing.bad_frames for timing in timings],
    }
    if len(responses) == 1:
        return {name: values[0] for name, values in each.items()}
    return each


def inter_token_s(response: Response) -> float | None:
    """Average the seconds between the tokens of a streamed answer.

    From the first fragment to the last, over one less than the tokens that the endpoint
    counts: a fragment may be several tokens.

    Returns:
        Seconds; None where it was not streamed, the endpoint counts no tokens, or there
        are fewer than two tokens or fragments.
    """
    timing, usage = response.timing, response.usage
    tokens = None if usage is None else usage.output_tokens
    if timing is None or not timing.gaps_s or tokens is None or tokens < 2:  # noqa: PLR2004 - between two
        return None
    return sum(timing.gaps_s) / (tokens - 1)


def token_logprobs(tokens: Sequence[TokenLogprob] | None) -> list[Any] | None:
    """Write tokens with their log-probabilities; None where they were not told."""
    if tokens is None:
        return None
    return [
        {"token": one.token, "logprob": one.logprob}
        | ({"top": [list(pair) for pair in one.top]} if one.top else {})
        for one in tokens
    ]


def _streamed(timing: Timing | None) -> Timing | None:
    return timing if timing is not None and timing.n_chunks is not None else None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
