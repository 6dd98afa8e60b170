"""A checkpoint that sorts texts, as a judge: how likely a text has a label."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from pytest_evalkit.errors import ModelError, ModelUnavailableError, OptionError
from pytest_evalkit.models.batching import Batching
from pytest_evalkit.models.local.loading import (
    LoadRule,
    check_place,
    load_classifier,
    need_packages,
)
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.naming import suggestion
from pytest_evalkit.values import Generate, Response

# A forward pass cannot be broken off, and loading counts: giving up gains nothing.
_TIMEOUT_S = 24 * 3600.0
# One batch in the model, and one that gathers.
_BATCHES_IN_FLIGHT = 2


class _Rating(NamedTuple):
    value: float
    is_cut: bool


@dataclass(kw_only=True, eq=False)
class Classifier:
    """Rates texts by a checkpoint of transformers for sequence classification.

    The rating is the probability of one label: by a sigmoid where the checkpoint gives a
    text several labels, or has one, else by a softmax. Texts that are too long for the
    checkpoint lose their end, and the sample says so.

    Attributes:
        pretrained: A folder, or a name on the Hugging Face hub.
        label: The label whose probability is the rating, as the checkpoint writes it;
            None where it has only one.
        batch_size: How many texts go through the model together.
        revision: Which state of a checkpoint on the hub: a branch, a tag or a commit.
        device: Where the model is, such as ``cuda`` or ``cpu``; None for the first GPU,
            and without one for the CPU.
        max_length: The most tokens of a text; None for what the checkpoint says.
    """

    argument_aliases: ClassVar[Mapping[str, str]] = {"model": "pretrained"}
    rates_texts: ClassVar[bool] = True
    is_local: ClassVar[bool] = True

    pretrained: str
    label: str | None = None
    batch_size: int = 16
    revision: str = "main"
    device: str | None = None
    max_length: int | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without loading anything.

        Raises:
            MissingPackageError: Torch or transformers is not installed.
            OptionError: There is no such folder, or a number is below 1.
        """
        need_packages("classifier", role="judge")
        check_place(self.pretrained)
        if self.batch_size < 1 or (self.max_length or 1) < 1:
            raise OptionError("batch_size and max_length must be at least 1")
        self.pacing = Pacing(
            num_concurrent=_BATCHES_IN_FLIGHT * self.batch_size, timeout=_TIMEOUT_S
        )
        self._batching: Batching[str, _Rating] = Batching(
            self._rate, size=self.batch_size
        )
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def model_name(self) -> str:
        """What records call it."""
        return self.pretrained

    def describe(self) -> Mapping[str, Any]:
        """Tell what rates; once it is loaded, which commit of it and which label."""
        described = {"pretrained": self.pretrained, "revision": self.revision}
        loaded = self._loaded
        if loaded is None:
            return {**described, "label": self.label}
        return {**described, "label": loaded.label, "commit": loaded.commit}

    async def generate(self, request: Generate) -> Response:
        """Rate the text of the last message.

        Raises:
            ModelUnavailableError: The checkpoint cannot be loaded, or has no such label.
        """
        rating = await self._batching.ask(b"", request.messages[-1].text)
        notes = ("the text was cut for the classifier",) if rating.is_cut else ()
        return Response(text=repr(rating.value), notes=notes)

    async def aclose(self) -> None:
        """Let go of the model."""
        self._loaded = None

    async def _rate(
        self, settings: bytes, texts: Sequence[str]
    ) -> Sequence[_Rating | ModelError]:
        del settings
        return await asyncio.to_thread(self._rated, texts)

    def _rated(self, texts: Sequence[str]) -> list[_Rating]:
        with self._lock:
            if self._loaded is None:
                self._loaded = _Loaded(self)
            return self._loaded.rate(texts)


class _Loaded:
    """The model in memory.

    Args:
        rule: Which one, and how it rates.

    Raises:
        ModelUnavailableError: It cannot be loaded, or has no such label.
    """

    def __init__(self, rule: Classifier) -> None:
        load_rule = LoadRule(revision=rule.revision, device=rule.device)
        self._model, self._tokenizer = load_classifier(rule.pretrained, load_rule)
        config = self._model.config
        labels = {str(name): int(index) for index, name in config.id2label.items()}
        self.label = _label_of(rule, labels)
        self.commit = getattr(config, "_commit_hash", None)
        self._index = labels[self.label]
        is_several = config.problem_type == "multi_label_classification"
        self._is_independent = is_several or len(labels) == 1
        self._max_length = rule.max_length or _most_tokens(config, self._tokenizer)

    def rate(self, texts: Sequence[str]) -> list[_Rating]:
        """Tell how likely each text has the label."""
        import torch

        tokenizer = self._tokenizer
        whole = [len(ids) for ids in tokenizer(list(texts))["input_ids"]]
        batch = tokenizer(
            list(texts),
            truncation=True,
            max_length=self._max_length,
            padding=len(texts) > 1,
            return_tensors="pt",
        ).to(self._model.device)
        with torch.inference_mode():
            logits = self._model(**batch).logits.float()
        scores = logits.sigmoid() if self._is_independent else logits.softmax(-1)
        values = scores[:, self._index].tolist()
        return [
            _Rating(value, length > self._max_length)
            for value, length in zip(values, whole, strict=True)
        ]


def _label_of(rule: Classifier, labels: Mapping[str, int]) -> str:
    if rule.label is None:
        if len(labels) == 1:
            return next(iter(labels))
        raise ModelUnavailableError(
            f"the classifier {rule.pretrained!r} has {len(labels)} labels, "
            f"{', '.join(labels)}; say label=NAME of the one to rate by"
        )
    if rule.label not in labels:
        raise ModelUnavailableError(
            f"the classifier {rule.pretrained!r} has no label {rule.label!r}; "
            f"{suggestion(rule.label, labels)}"
        )
    return rule.label


def _most_tokens(config: Any, tokenizer: Any) -> int:
    """Tell how long a text may be: by its tokenizer, or by the model's positions."""
    positions = getattr(config, "max_position_embeddings", None)
    known = [tokenizer.model_max_length, *([positions] if positions else [])]
    return int(min(known))
