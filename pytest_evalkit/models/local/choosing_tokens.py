"""Choosing the next token of each row: by its own settings and its own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from pytest_evalkit.models.local.drawing import Draw


class TokenLikelihood(NamedTuple):
    """How likely a token was in its place.

    Attributes:
        token: The token.
        logprob: Natural logarithm of its probability.
        top: The likeliest tokens there with theirs, the likeliest first.
    """

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...]


class TokenChoice:
    """Chooses for every row of a batch, as a ``LogitsProcessor`` of transformers.

    Greedy rows keep their scores, of which transformers takes the largest; of a row
    that draws, only the drawn token is left. Penalties count the tokens of the row
    alone, not what it is filled up with, so that no other row changes them.

    Args:
        draws: How each row is drawn.
        prompts: The prompt of each row.

    Attributes:
        told: For each row the likelihood of each token chosen, before penalties and
            draws; empty for rows that do not want to know.
    """

    def __init__(self, draws: Sequence[Draw], prompts: Sequence[Sequence[int]]) -> None:
        self.told: list[list[TokenLikelihood]] = [[] for _ in draws]
        self._draws = draws
        self._prompts = prompts
        self._drawing = [n for n, draw in enumerate(draws) if not draw.is_greedy]
        self._streams = [draws[n].stream(prompts[n]) for n in self._drawing]
        self._has_penalty = any(draw.repetition_penalty != 1 for draw in draws)
        self._seen: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Change the scores of the next token.

        Args:
            input_ids: What has been read and written, rows by tokens.
            scores: Rows by vocabulary.
        """
        raw = scores
        if self._has_penalty:
            scores = self._penalised(input_ids, scores)
        if self._drawing:
            scores = self._drawn(scores)
        for row, draw in enumerate(self._draws):
            if draw.n_top is not None:
                likely = raw[row : row + 1].float().log_softmax(-1)
                chosen = scores[row : row + 1].argmax(-1)
                self.told[row] += token_likelihoods(likely, chosen, draw.n_top)
        return scores

    def _penalised(self, input_ids: Any, scores: Any) -> Any:
        """Lower tokens that were there before (Keskar et al., 2019, section 4.1)."""
        import torch

        if self._seen is None:
            self._seen = torch.zeros_like(scores, dtype=torch.bool)
            for row, prompt in enumerate(self._prompts):
                self._seen[row, torch.tensor(prompt, device=scores.device)] = True
        else:
            self._seen.scatter_(1, input_ids[:, -1:], value=True)
        penalty = scores.new_tensor([[d.repetition_penalty] for d in self._draws])
        lower = torch.where(scores < 0, scores * penalty, scores / penalty)
        return torch.where(self._seen, lower, scores)

    def _drawn(self, scores: Any) -> Any:
        tokens = drawn_tokens(
            scores[self._drawing],
            [self._draws[n] for n in self._drawing],
            self._streams,
        )
        chosen = scores.clone()
        chosen[self._drawing] = -float("inf")
        chosen[self._drawing, tokens] = 0.0
        return chosen


def drawn_tokens(
    scores: Any, draws: Sequence[Draw], streams: Sequence[Random]
) -> list[int]:
    """Draw one token for each row.

    What may be drawn is what temperature, ``top_k``, ``top_p`` and ``min_p`` leave, in
    that order. One number decides, over the vocabulary in its own order: so a rounding
    error of the scores moves the border of a token by as much, and seldom changes it.

    Args:
        scores: Rows by vocabulary.
        draws: How each row is drawn; none is greedy.
        streams: The numbers of each row.
    """
    import torch

    if scores.device.type == "mps":
        # It has no numbers of 64 bits.
        scores = scores.cpu()
    scores = scores / scores.new_tensor([[draw.temperature] for draw in draws])
    probabilities = _kept(scores, draws)
    reached = probabilities.double().cumsum(-1)
    numbers = [stream.random() for stream in streams]
    wanted = reached.new_tensor(numbers)[:, None] * reached[:, -1:]
    tokens: list[int] = torch.searchsorted(reached, wanted, right=True)[:, 0].tolist()
    return tokens


def token_likelihoods(likely: Any, tokens: Any, n_top: int) -> list[TokenLikelihood]:
    """Tell how likely tokens were, each in its place.

    Args:
        likely: Logarithms of probabilities, places by vocabulary.
        tokens: The token in each place.
        n_top: How many of the likeliest to tell.
    """
    own = likely.gather(1, tokens[:, None])[:, 0].tolist()
    values, ids = likely.topk(min(n_top, likely.shape[-1]), dim=-1)
    tops = [
        tuple(zip(*pair, strict=True))
        for pair in zip(ids.tolist(), values.tolist(), strict=True)
    ]
    triples = zip(tokens.tolist(), own, tops, strict=True)
    return [TokenLikelihood(*triple) for triple in triples]


def _kept(scores: Any, draws: Sequence[Draw]) -> Any:
    """Give the probabilities of what may be drawn, and zero to the rest."""
    import torch

    size = scores.shape[-1]
    ordered, order = scores.sort(descending=True, stable=True)
    counts = [min(draw.top_k or size, size) - 1 for draw in draws]
    least = ordered.gather(1, torch.tensor(counts, device=scores.device)[:, None])
    ordered = ordered.masked_fill(ordered < least, -float("inf"))
    likely = ordered.softmax(-1)
    before = likely.cumsum(-1) - likely
    top_p = scores.new_tensor([[draw.top_p] for draw in draws])
    min_p = scores.new_tensor([[draw.min_p] for draw in draws])
    # The likeliest stays whatever the settings are.
    is_in = ((before < top_p) & (likely >= min_p * likely[:, :1])) | (before == 0)
    return torch.zeros_like(likely).scatter(1, order, likely * is_in)
