"""How likely a model finds texts: one batch of windows.

Rows are filled up at the right. A token reads only what stands before it, so what
follows changes nothing, and neither a mask nor other positions are needed.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

from pytest_evalkit.models.local.loading import Checkpoint
from pytest_evalkit.models.windows import Window


class Likelihood(NamedTuple):
    """How likely the tokens asked about were.

    Attributes:
        logprob: Sum of the natural logarithms of their probabilities.
        is_greedy: Whether each was the likeliest in its place.
    """

    logprob: float
    is_greedy: bool


def likelihoods(checkpoint: Checkpoint, windows: Sequence[Window]) -> list[Likelihood]:
    """Find out how likely the ends of some windows are.

    Windows that differ in their last token alone are read once.

    Args:
        checkpoint: The model.
        windows: At least one.
    """
    import torch

    rows = list(dict.fromkeys(window.tokens[:-1] for window in windows))
    longest = max(map(len, rows))
    first = min(len(window.tokens) - 1 - window.asked for window in windows)
    padded = [[*row, *[checkpoint.pad] * (longest - len(row))] for row in rows]
    with torch.inference_mode():
        logits = _logits(
            checkpoint.model, torch.tensor(padded).to(checkpoint.device), first
        )
        return [
            _likelihood(logits[rows.index(window.tokens[:-1])], window, first)
            for window in windows
        ]


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


def _likelihood(logits: Any, window: Window, first: int) -> Likelihood:
    end = len(window.tokens) - 1 - first
    asked = logits[end - window.asked : end].float().log_softmax(-1)
    wanted = asked.new_tensor(window.continuation, dtype=int)
    own = asked.gather(1, wanted[:, None])[:, 0]
    is_greedy = bool((asked.argmax(-1) == wanted).all())
    return Likelihood(float(own.double().sum()), is_greedy)
