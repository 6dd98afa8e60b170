"""Checkpoints: which class of transformers a configuration asks for, and loading it."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pytest_evalkit.errors import (
    MissingPackageError,
    ModelUnavailableError,
    OptionError,
)

DType = Literal["auto", "float32", "bfloat16", "float16"]

# Each handles what the next does and more: a configuration that is known to two of them
# gets the class that also sees and hears.
_CLASSES = (
    "AutoModelForMultimodalLM",
    "AutoModelForImageTextToText",
    "AutoModelForCausalLM",
)
_LENGTH_NAMES = ("n_positions", "max_position_embeddings", "n_ctx")
_USUAL_LENGTH = 2048
# What tokenizers say that know no limit is far above it.
_LARGEST_LENGTH = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRule:
    """How a checkpoint is loaded.

    Attributes:
        revision: Which state of a checkpoint on the hub: a branch, a tag or a commit.
        dtype: The numbers the model computes with; ``auto`` for those of the
            checkpoint, and on a CPU ``float32``.
        device: Where the model is, such as ``cuda``, ``cuda:1``, ``mps`` or ``cpu``;
            None for the first GPU, and without one for the CPU.
        device_map: How a model that is too large for one device is spread over
            several, such as ``auto``; None for one device.
        attn_implementation: ``sdpa``, ``eager``, ``flash_attention_2`` or another that
            transformers knows; None leaves it to transformers.
        trust_remote_code: True to run code that comes with the checkpoint.
        peft: A folder or name on the hub of an adapter of the ``peft`` package, laid
            over the model; None for none.
    """

    revision: str = "main"
    dtype: DType = "auto"
    device: str | None = None
    device_map: str | None = None
    attn_implementation: str | None = None
    trust_remote_code: bool = False
    peft: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without loading anything.

        Raises:
            OptionError: Two settings contradict each other, or a package is missing.
        """
        if self.device is not None and self.device_map is not None:
            raise OptionError(
                f"device={self.device!r} and device_map={self.device_map!r} contradict "
                "each other; give one of them"
            )
        if self.peft is not None and find_spec("peft") is None:
            raise MissingPackageError("peft", wanted_by=f"peft={self.peft}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A model that is loaded, with what makes its input.

    Attributes:
        model: The model of transformers, ready to answer.
        tokenizer: Its tokenizer.
        processor: What makes input of texts and media, or None where it takes texts
            alone.
        max_length: The most tokens that it reads and writes together.
        ends: Tokens that end a text.
        pad: A token to fill rows up with; what it is changes no answer.
        repetition_penalty: What the checkpoint itself asks for; 1 for none.
        commit: The commit of the hub, or None for a folder.
    """

    model: Any
    tokenizer: Any
    processor: Any | None
    max_length: int
    ends: frozenset[int]
    pad: int
    repetition_penalty: float
    commit: str | None

    @property
    def device(self) -> Any:
        """Where the input goes."""
        return self.model.device


def need_packages(name: str, *, role: str = "model") -> None:
    """Make sure that local models can run.

    Args:
        name: What is to run.
        role: What it is to be, ``model`` or ``judge``.

    Raises:
        MissingPackageError: Torch or transformers is not installed.
    """
    for package in ("torch", "transformers"):
        if find_spec(package) is None:
            raise MissingPackageError(package, "hf", wanted_by=f"{role} {name!r}")


def check_place(pretrained: str) -> None:
    """Make sure that what reads like a folder is one that holds a checkpoint.

    Raises:
        OptionError: It is not.
    """
    path = Path(pretrained).expanduser()
    is_path = path.is_absolute() or pretrained.startswith((".", "~"))
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise OptionError(f"the folder {path} holds no checkpoint: no config.json")
    elif is_path or len(path.parts) > len(("owner", "name")) or path.suffix == ".json":
        raise OptionError(f"there is no checkpoint folder {path}")


def load(pretrained: str, rule: LoadRule, max_length: int | None) -> Checkpoint:
    """Load a checkpoint from a folder, the cache of the hub, or the hub.

    Args:
        pretrained: The folder or the name on the hub.
        rule: How.
        max_length: The most tokens it may read and write; None for what it says.

    Raises:
        ModelUnavailableError: It cannot be loaded.
    """
    path = Path(pretrained).expanduser()
    source = str(path) if path.is_dir() else pretrained
    try:
        return _load(source, rule, max_length)
    except ModelUnavailableError:
        raise
    except Exception as error:
        # A name that is not there, a file that is broken, a class or a package that is
        # missing: each library below has errors of its own, without a common base.
        raise _unloadable(pretrained, error) from error


def load_classifier(pretrained: str, rule: LoadRule) -> tuple[Any, Any]:
    """Load a checkpoint for sequence classification, and its tokenizer.

    Args:
        pretrained: The folder or the name on the hub.
        rule: How.

    Raises:
        ModelUnavailableError: It cannot be loaded.
    """
    import transformers

    path = Path(pretrained).expanduser()
    source = str(path) if path.is_dir() else pretrained
    shared = {"revision": rule.revision, "trust_remote_code": rule.trust_remote_code}
    factory = transformers.AutoModelForSequenceClassification
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **shared)
        return _model(factory, source, shared, rule), tokenizer
    except Exception as error:
        # As where models are loaded: the libraries below have no common base of errors.
        raise _unloadable(pretrained, error) from error


def _unloadable(pretrained: str, error: Exception) -> ModelUnavailableError:
    said = f"{type(error).__name__}: {error}".strip().partition("\n")[0]
    return ModelUnavailableError(
        f"the checkpoint {pretrained!r} cannot be loaded: {said}"
    )


def release() -> None:
    """Give memory of devices back that nothing refers to any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _load(source: str, rule: LoadRule, max_length: int | None) -> Checkpoint:
    from transformers import AutoConfig, AutoTokenizer

    shared = {"revision": rule.revision, "trust_remote_code": rule.trust_remote_code}
    config = AutoConfig.from_pretrained(source, **shared)
    factory, sees = _class_of(config)
    processor = _processor(source, shared) if sees else None
    tokenizer = getattr(processor, "tokenizer", None)
    if tokenizer is None:
        tokenizer = AutoTokenizer.from_pretrained(source, **shared)
    model = _model(factory, source, shared, rule)
    usual = model.generation_config
    ends = _ends(usual, tokenizer)
    penalty = usual.repetition_penalty
    _neutralise(usual)
    return Checkpoint(
        model=model,
        tokenizer=tokenizer,
        processor=processor,
        max_length=max_length or _max_length(config, tokenizer),
        ends=ends,
        pad=_pad(tokenizer, ends),
        repetition_penalty=1.0 if penalty is None else penalty,
        commit=getattr(config, "_commit_hash", None),
    )


def _class_of(config: Any) -> tuple[Any, bool]:
    """Find the class that loads a configuration, and whether it takes media."""
    import transformers
    from transformers.models.auto import modeling_auto

    maps = {
        "AutoModelForMultimodalLM": "MODEL_FOR_MULTIMODAL_LM_MAPPING",
        "AutoModelForImageTextToText": "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING",
        "AutoModelForCausalLM": "MODEL_FOR_CAUSAL_LM_MAPPING",
    }
    auto_map = getattr(config, "auto_map", None) or {}
    for name in _CLASSES:
        known = getattr(modeling_auto, maps[name], None)
        if (known is not None and type(config) in known) or name in auto_map:
            return getattr(transformers, name), name != "AutoModelForCausalLM"
    raise ModelUnavailableError(
        f"a checkpoint of type {config.model_type!r} does not continue texts; wanted is "
        "one for causal language modelling or image-text-to-text"
    )


def _processor(source: str, shared: dict[str, Any]) -> Any:
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(source, **shared)
    # Without the files of a processor, transformers gives the tokenizer alone.
    return processor if hasattr(processor, "tokenizer") else None


def _model(factory: Any, source: str, shared: dict[str, Any], rule: LoadRule) -> Any:
    settings: dict[str, Any] = {"dtype": _dtype(rule)}
    if rule.attn_implementation is not None:
        settings["attn_implementation"] = rule.attn_implementation
    if rule.device_map is not None:
        settings["device_map"] = rule.device_map
    model = factory.from_pretrained(source, **shared, **settings)
    if rule.device_map is None:
        model = model.to(_device(rule))
    if rule.peft is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, rule.peft)
    return model.eval()


def _device(rule: LoadRule) -> str:
    import torch

    if rule.device is not None:
        return rule.device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(rule: LoadRule) -> Any:
    import torch

    if rule.dtype != "auto":
        return getattr(torch, rule.dtype)
    is_on_cpu = rule.device_map is None and _device(rule).startswith("cpu")
    # Half precision is slower there, and less exact.
    return torch.float32 if is_on_cpu else "auto"


def _ends(usual: Any, tokenizer: Any) -> frozenset[int]:
    said = usual.eos_token_id
    listed = [] if said is None else [said] if isinstance(said, int) else list(said)
    if tokenizer.eos_token_id is not None:
        listed.append(tokenizer.eos_token_id)
    return frozenset(listed)


def _pad(tokenizer: Any, ends: frozenset[int]) -> int:
    if tokenizer.pad_token_id is not None:
        return int(tokenizer.pad_token_id)
    return min(ends, default=0)


def _neutralise(usual: Any) -> None:
    """Take out of a checkpoint's own settings what is done here, row by row."""
    usual.do_sample = False
    usual.temperature = usual.top_p = usual.top_k = None
    usual.min_p = usual.typical_p = None
    usual.num_beams = 1
    usual.repetition_penalty = 1.0
    usual.max_length = None
    usual.max_new_tokens = None


def _max_length(config: Any, tokenizer: Any) -> int:
    """Find the most tokens a model takes, as lm-evaluation-harness does."""
    text_config = getattr(config, "text_config", None) or config
    for name in _LENGTH_NAMES:
        said = getattr(text_config, name, None)
        if said is not None:
            return int(said)
    said = getattr(tokenizer, "model_max_length", None)
    if said is not None and said < _LARGEST_LENGTH:
        return int(said)
    return _USUAL_LENGTH
