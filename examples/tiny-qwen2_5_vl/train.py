"""Train a small Qwen2.5-VL to answer questions about simple drawings.

``python examples/tiny-qwen2_5_vl/train.py --output DIR`` writes the checkpoint.
It trains in two stages. The vision tower first learns to say, patch by patch, what has
its middle there, how many are like it, and what lies around it; linear layers that are
thrown away afterwards read it off the patches and the tokens made of them. Then the
whole model learns to answer, while the tower keeps doing so.
"""

from __future__ import annotations

import argparse
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, NamedTuple

import torch
from checkpoint import (
    MERGE,
    PATCH,
    TEXT_WIDTH,
    VISION_WIDTH,
    make_model,
    make_processor,
)
from drawings import Drawing, asked_more, fresh_drawings
from labels import MOST_ALIKE, NEIGHBOURS, THINGS, TINTS, patch_labels
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

SEED = 7
# The seeds of drawings are counted upwards from these, one for 300 drawings.
LOOKING_SEED = 1_000_000
ANSWERING_SEED = 2_000_000
HARD_SEED = 2_500_000
CHECKING_SEED = 3_000_000

BATCH = 32
# Both show many things in one picture.
CROWDED = frozenset({"count", "word"})
HARD = frozenset({"count", "position", "word"})
ALL = HARD | {"colour", "shape"}
IGNORED = -100
ANSWER_OPENING = "<|im_start|>assistant\n"
SYSTEM = "You are a helpful assistant."
# One conversation of so many begins with the system message.
SYSTEM_EVERY = 2

log = logging.getLogger("train")


class Stage(NamedTuple):
    """How long to train, and how fast at the most."""

    name: str
    steps: int
    rate: float


LOOKING = Stage("looking", 2000, 2e-3)
ANSWERING = Stage("answering", 3000, 2e-3)


class Sight:
    """Reads off a vector what has its middle in each of some patches, and what is near.

    Args:
        width: Length of the vector.
        patches: How many patches one vector stands for.
    """

    def __init__(self, width: int, patches: int) -> None:
        sizes = (len(THINGS), len(TINTS), MOST_ALIKE + 1, len(NEIGHBOURS))
        self._norm = nn.LayerNorm(width)
        self._heads = [nn.Linear(width, patches * size) for size in sizes]
        self._sizes = sizes

    def parameters(self) -> list[nn.Parameter]:
        """Give what is trained."""
        layers = (self._norm, *self._heads)
        return [parameter for layer in layers for parameter in layer.parameters()]

    def loss(self, vectors: Tensor, labels: Tensor) -> Tensor:
        """Say how wrong it is, on patches with a thing and on empty ones by themselves.

        Args:
            vectors: What the tower made of patches, [vectors, width].
            labels: What is in each patch, [patches, len(EMPTY)].
        """
        vectors = self._norm(vectors)
        things, tints, alikes, neighbours = (
            head(vectors).reshape(-1, size)
            for head, size in zip(self._heads, self._sizes, strict=True)
        )
        thing, tint, alike = labels[:, :3].unbind(1)
        losses = cross_entropy(things, thing, reduction="none")
        there, figure = thing > 0, alike > 0
        loss = losses[there].mean() + 2 * losses[~there].mean()
        loss += 0.3 * cross_entropy(tints[there], tint[there])
        if figure.any():
            around = labels[figure, 3:].float()
            loss += cross_entropy(alikes[figure], alike[figure])
            loss += binary_cross_entropy_with_logits(neighbours[figure], around)
        return loss


class Pupil:
    """The model in training, with what it needs to read questions and pictures."""

    def __init__(self) -> None:
        self.processor = make_processor(_corpus())
        self.processor.tokenizer.padding_side = "right"
        self.model = make_model(self.processor.tokenizer)
        self.sights = (Sight(VISION_WIDTH, 1), Sight(TEXT_WIDTH, MERGE**2))
        self._seen: tuple[Tensor, ...] = ()
        # It makes tokens of what the last block made of patches.
        self._tower.merger.register_forward_hook(self._keep)

    @property
    def _tower(self) -> Any:
        return self.model.model.visual

    def _keep(
        self, _merger: nn.Module, patches: tuple[Tensor, ...], tokens: Tensor
    ) -> None:
        self._seen = (patches[0], tokens)

    def looking_parameters(self) -> list[nn.Parameter]:
        """Give what the first stage trains."""
        return [*self._tower.parameters(), *self._sight_parameters()]

    def answering_parameters(self) -> list[nn.Parameter]:
        """Give what the second stage trains."""
        return [*self.model.parameters(), *self._sight_parameters()]

    def _sight_parameters(self) -> list[nn.Parameter]:
        return [parameter for sight in self.sights for parameter in sight.parameters()]

    def looking_loss(self, drawings: Sequence[Drawing]) -> Tensor:
        """Say how badly the tower knows what stands where."""
        seen = self.processor.image_processor(
            [drawing.image for drawing in drawings], return_tensors="pt"
        )
        self._tower(seen["pixel_values"], grid_thw=seen["image_grid_thw"])
        return self._sight_loss(drawings)

    def answering_loss(self, drawings: Sequence[Drawing]) -> Tensor:
        """Say how badly the model answers, and still how badly the tower sees."""
        loss: Tensor = self.model(**self.read(drawings)).loss
        return loss + 0.2 * self._sight_loss(drawings)

    def _sight_loss(self, drawings: Sequence[Drawing]) -> Tensor:
        labels = torch.tensor(
            [
                label
                for drawing in drawings
                for label in patch_labels(drawing.picture, PATCH, MERGE)
            ]
        )
        losses = [
            sight.loss(seen, labels)
            for sight, seen in zip(self.sights, self._seen, strict=True)
        ]
        return torch.stack(losses).sum()

    def read(self, drawings: Sequence[Drawing]) -> dict[str, Tensor]:
        """Turn conversations about pictures into a batch, the answers as labels."""
        batch = self.processor(
            text=[self._told(*numbered) for numbered in enumerate(drawings)],
            images=[[drawing.image] for drawing in drawings],
            padding=True,
            return_tensors="pt",
        )
        tokenizer = self.processor.tokenizer
        opening = tokenizer(ANSWER_OPENING)["input_ids"]
        labels = [
            answers_alone(row, opening, tokenizer.eos_token_id)
            for row in batch["input_ids"].tolist()
        ]
        return {**batch, "labels": torch.tensor(labels)}

    def _told(self, number: int, drawing: Drawing) -> str:
        messages: list[dict[str, Any]] = []
        if number % SYSTEM_EVERY == 0:
            messages.append({"role": "system", "content": SYSTEM})
        seen = [{"type": "image"}]
        for question, answer in drawing.exchanges:
            asked = [*seen, {"type": "text", "text": question}]
            messages.append({"role": "user", "content": asked})
            messages.append({"role": "assistant", "content": answer})
            seen = []
        told: str = self.processor.apply_chat_template(messages)
        return told

    def save(self, folder: Path) -> None:
        """Write the model and its processor, without what was used in training only."""
        self.processor.tokenizer.padding_side = "left"
        self.model.save_pretrained(folder)
        self.processor.save_pretrained(folder)


def answering_drawings() -> Iterator[Drawing]:
    """Give drawings of all categories, and as many more of the hard ones."""
    hard = fresh_drawings(HARD_SEED, HARD)
    for drawing in fresh_drawings(ANSWERING_SEED, ALL):
        yield drawing
        yield next(hard)


def answers_alone(tokens: Sequence[int], opening: Sequence[int], end: int) -> list[int]:
    """Keep what stands between an opening and an end, that included; ignore the rest."""
    labels = [IGNORED] * len(tokens)
    inside = False
    for place, token in enumerate(tokens):
        if inside:
            labels[place] = token
            inside = token != end
        else:
            inside = tokens[place + 1 - len(opening) : place + 1] == opening
    return labels


def _corpus() -> list[str]:
    texts = [SYSTEM, "system\nuser\nassistant\n"] * 50
    for drawing in islice(fresh_drawings(ANSWERING_SEED, ALL), 1200):
        texts += [text for exchange in drawing.exchanges for text in exchange]
    return texts


def train(
    stage: Stage,
    parameters: Sequence[nn.Parameter],
    loss_of: Callable[[Sequence[Drawing]], Tensor],
    drawings: Iterator[Drawing],
) -> None:
    """Go through one stage."""
    optimiser = torch.optim.AdamW(parameters, betas=(0.9, 0.98), weight_decay=0.05)
    started = monotonic()
    recent: list[float] = []
    for step in range(1, stage.steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = stage.rate * pace(step, stage.steps)
        loss = loss_of(list(islice(drawings, BATCH)))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        recent.append(loss.item())
        if step % 100 == 0:
            mean = sum(recent) / len(recent)
            passed = monotonic() - started
            log.info("%s %d: loss %.3f, %.0f s", stage.name, step, mean, passed)
            recent.clear()


def pace(step: int, steps: int, rise: int = 100) -> float:
    """Give the share of the full rate: a short rise, then half a wave of the cosine."""
    return min(1.0, step / rise) * 0.5 * (1 + math.cos(math.pi * step / steps))


def right_answers(pupil: Pupil, number: int) -> dict[str, float]:
    """Measure the share of right answers in each category, on drawings never seen."""
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    drawings = fresh_drawings(CHECKING_SEED, ALL)
    while asked.total() < number:
        batch = list(islice(drawings, BATCH))
        read = pupil.read(batch)
        wanted = read.pop("labels")[:, 1:]
        with torch.no_grad():
            written = pupil.model(**read).logits.argmax(-1)[:, :-1]
        correct = ((written == wanted) | (wanted == IGNORED)).all(1).tolist()
        for drawing, is_right in zip(batch, correct, strict=True):
            asked[drawing.category] += 1
            right[drawing.category] += is_right
    return {category: right[category] / asked[category] for category in sorted(asked)}


def main() -> None:
    """Train, say how well it went, and write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    output = parser.parse_args().output
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(SEED)
    # With several, sums and so the weights depend on their number.
    torch.set_num_threads(1)

    pupil = Pupil()
    train(
        LOOKING,
        pupil.looking_parameters(),
        pupil.looking_loss,
        fresh_drawings(LOOKING_SEED, CROWDED),
    )
    train(
        ANSWERING,
        pupil.answering_parameters(),
        pupil.answering_loss,
        asked_more(answering_drawings(), Random(SEED)),  # noqa: S311 -- no secret
    )
    for category, share in right_answers(pupil, 1500).items():
        log.info("%s: %.3f", category, share)
    pupil.save(output)


if __name__ == "__main__":
    main()
