"""One batch of texts written by a model.

Rows are filled up at the left. Then the last tokens of all prompts stand in one column,
and what is written follows them without a gap: the cache of every row ends where the
next token goes, and a window that slides over the last so many places slides over so
many tokens, however long the other prompts are. The filling is masked, and positions
are counted without it, so that each row reads as it does alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytest_evalkit.models.local.choosing_tokens import TokenChoice, TokenLikelihood
from pytest_evalkit.models.local.drawing import Draw
from pytest_evalkit.models.local.ending import EndRule, Row, Written
from pytest_evalkit.models.local.loading import Checkpoint

Signature = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WriteWork:
    """A text to be written.

    Attributes:
        prompt: The tokens to go on from; at least one.
        inputs: What else the model reads, by its own names, for this row alone.
        end: What ends the text.
        draw: How tokens are drawn.
        notes: What the sample should say of the prompt.
    """

    prompt: Sequence[int]
    inputs: Mapping[str, Any]
    end: EndRule
    draw: Draw
    notes: tuple[str, ...] = ()

    @property
    def signature(self) -> Signature:
        """Tell the shapes of the inputs: only rows with the same are put together."""
        return tuple(
            (name, *tensor.shape[2 if self.is_sequence(tensor) else 1 :])
            for name, tensor in sorted(self.inputs.items())
        )

    @property
    def weight(self) -> int:
        """Bytes that the inputs take."""
        return sum(tensor.nbytes for tensor in self.inputs.values())

    def is_sequence(self, tensor: Any) -> bool:
        """Tell whether a tensor has one place for each token of the prompt."""
        return tuple(tensor.shape[:2]) == (1, len(self.prompt))


class Answered(NamedTuple):
    """A text, and how likely its tokens were; nothing where that was not asked."""

    written: Written
    told: Sequence[TokenLikelihood]


def answered(
    checkpoint: Checkpoint, works: Sequence[WriteWork], *, use_cache: bool = True
) -> list[Answered]:
    """Write the texts of one batch.

    Args:
        checkpoint: The model.
        works: Rows of one signature; at least one.
        use_cache: False to read everything again for each token.
    """
    import torch
    from transformers import LogitsProcessorList, StoppingCriteriaList

    def decode(tokens: Sequence[int]) -> str:
        text: str = checkpoint.tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    rows = [Row(rule=work.end, decode=decode) for work in works]
    choice = TokenChoice([work.draw for work in works], [work.prompt for work in works])
    with torch.inference_mode():
        checkpoint.model.generate(
            **_on_device(filled_left(works, checkpoint.pad), checkpoint),
            max_new_tokens=max(work.end.most for work in works),
            pad_token_id=checkpoint.pad,
            use_cache=use_cache,
            logits_processor=LogitsProcessorList([choice]),
            stopping_criteria=StoppingCriteriaList([_EndWatch(rows)]),
        )
    return [
        Answered(row.written(), told[: len(row.tokens)])
        for row, told in zip(rows, choice.told, strict=True)
    ]


class _EndWatch:
    """Tells transformers which rows have ended, as a ``StoppingCriteria``."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __call__(self, input_ids: Any, _scores: Any, **_: Any) -> Any:
        import torch

        for row, token in zip(self._rows, input_ids[:, -1].tolist(), strict=True):
            row.take(token)
        have_ended = [row.reason is not None for row in self._rows]
        return torch.tensor(have_ended, device=input_ids.device)


def filled_left(works: Sequence[WriteWork], pad: int) -> dict[str, Any]:
    """Put rows of one signature together, the shorter filled up at the left.

    Args:
        works: The rows; at least one.
        pad: The token to fill up with.
    """
    import torch

    longest = max(len(work.prompt) for work in works)
    gaps = [longest - len(work.prompt) for work in works]
    pairs = list(zip(works, gaps, strict=True))
    batch: dict[str, Any] = {
        "input_ids": torch.tensor([[pad] * gap + [*w.prompt] for w, gap in pairs]),
        "attention_mask": torch.tensor(
            [[0] * gap + [1] * len(work.prompt) for work, gap in pairs]
        ),
    }
    for name in works[0].inputs:
        tensors = [_with_gap(work, name, gap) for work, gap in pairs]
        batch[name] = torch.cat(tensors, dim=0)
    return batch


def _with_gap(work: WriteWork, name: str, gap: int) -> Any:
    import torch

    tensor = work.inputs[name]
    if not gap or not work.is_sequence(tensor):
        return tensor
    filling = tensor.new_zeros((1, gap, *tensor.shape[2:]))
    return torch.cat([filling, tensor], dim=1)


def _on_device(batch: Mapping[str, Any], checkpoint: Checkpoint) -> dict[str, Any]:
    """Move a batch to the model, pictures in the numbers it computes with."""
    device, dtype = checkpoint.device, checkpoint.model.dtype
    return {
        name: tensor.to(device, dtype if tensor.is_floating_point() else None)
        for name, tensor in batch.items()
    }
