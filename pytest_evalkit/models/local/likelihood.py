"""How likely a model finds texts: one batch of windows.

Rows are filled up at the right. A token reads only what stands before it, so what
follows changes nothing, and neither a mask nor other positions are needed.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

from pytest_evalkit.models.local.choosing_tokens import (
    TokenLikelihood,
    token_likelihoods,
)
from pytest_evalkit.models.local.loading import Checkpoint
from pytest_evalkit.models.windows import Tokens, Window


class ReadWork(NamedTuple):
    """A text to be read.

    Attributes:
        window: Its tokens, and how many at its end are asked about.
        n_top: How many of the likeliest tokens are told in each of these places; None
            where only their sum is asked.
    """

    window: Window
    n_top: int | None = None

    @property
    def row(self) -> Tokens:
        """What the model reads: the last token is only asked about."""
        return self.window.tokens[:-1]


class Likelihood(NamedTuple):
    """How likely the tokens asked about were.

    Attributes:
        logprob: Sum of the natural logarithms of their probabilities.
        is_greedy: Whether each was the likeliest in its place.
        told: The same of each token, where that is asked.
    """

    logprob: float
    is_greedy: bool
    told: Sequence[TokenLikelihood] = ()


def likelihoods(checkpoint: Checkpoint, works: Sequence[ReadWork]) -> list[Likelihood]:
    """Find out how likely the ends of some texts are.

    Texts that differ in their last token alone are read once.

    Args:
        checkpoint: The model.
        works: At least one.
    """
    import torch

    rows = list(dict.fromkeys(work.row for work in works))
    longest = max(map(len, rows))
    first = min(len(work.row) - work.window.asked for work in works)
    padded = [[*row, *[checkpoint.pad] * (longest - len(row))] for row in rows]
    with torch.inference_mode():
        tokens = torch.tensor(padded).to(checkpoint.device)
        logits = _logits(checkpoint.model, tokens, first)
        places = {row: place for place, row in enumerate(rows)}
        return [_likelihood(logits[places[work.row]], work, first) for work in works]


def _logits(model: Any, tokens: Any, first: int) -> Any:
    """Read rows; give the scores after each place from the first on that matters."""
    import torch

    told: dict[str, Any] = {}
    is_partial = "logits_to_keep" in inspect.signature(model.forward).parameters
    if is_partial:
        # All scores of a long text would take more memory than the model.
        told["logits_to_keep"] = torch.arange(
            first, tokens.shape[1], device=tokens.device
        )
    logits = model(input_ids=tokens, use_cache=False, **told).logits
    return logits if is_partial else logits[:, first:]


def _likelihood(logits: Any, work: ReadWork, first: int) -> Likelihood:
    window = work.window
    end = len(work.row) - first
    likely = logits[end - window.asked : end].float().log_softmax(-1)
    wanted = likely.new_tensor(window.continuation, dtype=int)
    own = likely.gather(1, wanted[:, None])[:, 0]
    is_greedy = bool((likely.argmax(-1) == wanted).all())
    told = () if work.n_top is None else token_likelihoods(likely, wanted, work.n_top)
    return Likelihood(float(own.double().sum()), is_greedy, told)
