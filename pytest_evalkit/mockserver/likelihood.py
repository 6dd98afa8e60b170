"""How likely the mock model finds a token: a fixed function of the two before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from pytest_evalkit.mockserver.tokenizing import VOCABULARY_SIZE

_STATES = 61
_LEVELS = 1009
_LEVELS_PER_UNIT = 126
# What stands for the token before the first.
_NOTHING = VOCABULARY_SIZE


def logprobs_at(tokens: Sequence[int], position: int) -> tuple[float, ...]:
    """Tell the natural log-probability of every token in a place.

    Args:
        tokens: A text.
        position: The place, from one: nothing is known of the first.
    """
    return _row(_state(tokens, position))


def likeliest(tokens: Sequence[int], position: int) -> tuple[int, ...]:
    """Rank all tokens for a place, the likeliest first, of equals the lower id."""
    return _ranking(_state(tokens, position))


def _state(tokens: Sequence[int], position: int) -> int:
    before = tokens[position - 2] if position > 1 else _NOTHING
    return (31 * before + tokens[position - 1]) % _STATES


def _logit(state: int, token: int) -> float:
    """Tell how much a token is favoured, from 0 to 8; no two rows are alike."""
    level = (7919 * state + 1013 * token + 17 * state * token) % _LEVELS
    return level / _LEVELS_PER_UNIT


@lru_cache(maxsize=_STATES)
def _row(state: int) -> tuple[float, ...]:
    logits = [_logit(state, token) for token in range(VOCABULARY_SIZE)]
    norm = math.log(math.fsum(map(math.exp, logits)))
    return tuple(value - norm for value in logits)


@lru_cache(maxsize=_STATES)
def _ranking(state: int) -> tuple[int, ...]:
    row = _row(state)
    return tuple(sorted(range(len(row)), key=lambda token: (-row[token], token)))
