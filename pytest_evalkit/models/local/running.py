"""A loaded checkpoint that answers: what is loaded, prepared, batched and given back."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, NamedTuple, TypeVar

from pytest_evalkit.errors import ModelError, ModelUnavailableError, OptionError
from pytest_evalkit.models.identity import checkpoint_facts
from pytest_evalkit.models.local.batcher import Batcher, Prepared
from pytest_evalkit.models.local.likelihood import Likelihood, ReadWork, likelihoods
from pytest_evalkit.models.local.loading import Checkpoint, LoadRule, release
from pytest_evalkit.models.local.preparing import Preparing, Work
from pytest_evalkit.models.local.sizing import BatchSizes
from pytest_evalkit.models.local.writing import Answered, WriteWork, answered

T = TypeVar("T")

# Pictures are decoded and scaled in them; more take turns at the interpreter.
_MOST_THREADS = 8
# What of the facts has a part in the answers; numbers of another device differ.
_DECIDING = frozenset(
    {
        *("class", "commit", "dtype", "device_name", "attn_implementation"),
        *("max_length", "repetition_penalty", "chat_template_sha256", "transformers"),
    }
)
_HAS_AFFINITY = hasattr(os, "sched_getaffinity")


class Answer(NamedTuple):
    """What the model gave for one request, and what it was given."""

    work: Work
    result: Answered | Likelihood


class Loaded(NamedTuple):
    """A checkpoint in memory, and how requests are made ready for it."""

    checkpoint: Checkpoint
    preparing: Preparing


class Once(Generic[T]):
    """Makes a thing when it is first needed, in whatever thread needs it.

    Where it cannot be made, everybody is told so without another try.

    Args:
        make: Makes it.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: T | None = None
        self._failure: ModelError | None = None

    @property
    def made(self) -> T | None:
        """The thing, or None where it is not there yet."""
        return self._made

    def get(self) -> T:
        """Give the thing.

        Raises:
            ModelError: It cannot be made.
        """
        with self._lock:
            if self._failure is not None:
                raise copy.copy(self._failure)
            if self._made is None:
                try:
                    self._made = self._make()
                except (ModelError, OptionError) as error:
                    self._failure = ModelUnavailableError(str(error))
                    raise self._failure from error
            return self._made

    def forget(self) -> None:
        """Let the thing go; it is made anew when it is needed again."""
        with self._lock:
            self._made = self._failure = None


class Running:
    """Answers requests with one checkpoint, in batches.

    Args:
        load: Loads it.
        batch_size: How many rows go together; None to find the most that fit.
        max_batch_size: The most rows where that is to be found.
        use_cache: Whether a model keeps what it has read while it writes.

    Raises:
        OptionError: A size is below one.
    """

    def __init__(
        self,
        load: Callable[[], Loaded],
        *,
        batch_size: int | None,
        max_batch_size: int,
        use_cache: bool,
    ) -> None:
        self._loaded = Once(load)
        self._use_cache = use_cache
        self._batch_size = batch_size
        self._max_batch_size = max_batch_size
        self._sizes: dict[Hashable, BatchSizes] = {}
        self.most_rows = self._new_sizes().most
        self._batcher: Batcher[Work, Answer] = Batcher(
            self._answer,
            sizes=self._sizes_of,
            release=release,
            threads=suitable_threads(),
        )

    @property
    def loaded(self) -> Loaded | None:
        """What is in memory, or None where nothing is yet."""
        return self._loaded.made

    def load(self) -> Loaded:
        """Load the checkpoint, unless it is there.

        Raises:
            ModelUnavailableError: It cannot be loaded.
        """
        return self._loaded.get()

    def submit(self, prepare: Callable[[Preparing], Prepared[Work]]) -> Future[Answer]:
        """Have a request answered; it is prepared in a thread of its own."""
        return self._batcher.submit(lambda: prepare(self.load().preparing))

    def close(self) -> None:
        """End the threads and give the memory back."""
        self._batcher.close()
        if self._loaded.made is not None:
            self._loaded.forget()
            release()

    def _answer(self, works: Sequence[Work]) -> list[Answer | ModelError]:
        checkpoint = self.load().checkpoint
        texts = [work for work in works if isinstance(work, WriteWork)]
        readings = [work for work in works if isinstance(work, ReadWork)]
        results: Sequence[Answered | Likelihood] = (
            answered(checkpoint, texts, use_cache=self._use_cache)
            if texts
            else likelihoods(checkpoint, readings)
        )
        return [
            Answer(work, result) for work, result in zip(works, results, strict=True)
        ]

    def _sizes_of(self, kind: Hashable) -> BatchSizes:
        """Give what is known of a kind: pictures take other memory than words."""
        return self._sizes.setdefault(kind, self._new_sizes())

    def _new_sizes(self) -> BatchSizes:
        return BatchSizes(self._batch_size, most=self._max_batch_size)


def suitable_threads() -> int:
    """Tell how many threads should prepare requests on this machine."""
    cores = len(os.sched_getaffinity(0)) if _HAS_AFFINITY else os.cpu_count() or 1
    return max(1, min(_MOST_THREADS, cores - 1))


def facts(loaded: Loaded) -> dict[str, Any]:
    """Tell what is loaded, as plain JSON values."""
    import torch
    import transformers

    model, checkpoint = loaded.checkpoint.model, loaded.checkpoint
    return {
        "class": type(model).__name__,
        "commit": checkpoint.commit,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": str(model.device),
        "device_name": _device_name(model.device),
        "attn_implementation": getattr(model.config, "_attn_implementation", None),
        "max_length": checkpoint.max_length,
        "repetition_penalty": checkpoint.repetition_penalty,
        "chat_template_sha256": loaded.preparing.prompter.template_hash,
        # Torch's is a class of its own, which is no JSON.
        "torch": str(torch.__version__),
        "transformers": str(transformers.__version__),
    }


def deciding_facts(loaded: Loaded, pretrained: str, rule: LoadRule) -> dict[str, Any]:
    """Tell what of it decides the answers, as plain JSON values without places.

    Args:
        loaded: What is loaded.
        pretrained: The folder or the name on the hub that it comes from.
        rule: How it was loaded.

    Raises:
        ModelUnavailableError: The folder cannot be read.
    """
    told = {name: value for name, value in facts(loaded).items() if name in _DECIDING}
    place = checkpoint_facts(pretrained, rule.revision, "config.json")
    adapter = rule.peft
    return {
        **told,
        "checkpoint": place | ({"commit": told["commit"]} if "name" in place else {}),
        "device": loaded.checkpoint.model.device.type,
        "system_prompt": loaded.preparing.prompter.system,
        "peft": adapter and checkpoint_facts(adapter, None, "adapter_config.json"),
    }


def _device_name(device: Any) -> str | None:
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else None
