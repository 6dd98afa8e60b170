"""Tiny local models for tests in other folders, or the reason to skip."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.models import make_backend

PACKAGES = ("torch", "transformers", "torchvision", "accelerate")
# Name of the backend, and what writes its checkpoint.
LOCAL = {
    "huggingface (text)": ("huggingface", "write_text"),
    "huggingface (vision)": ("huggingface", "write_qwen2_5_vl"),
    "qwen2_5_vl": ("qwen2_5_vl", "write_qwen2_5_vl"),
    "qwen3_vl": ("qwen3_vl", "write_qwen3_vl"),
}
SEEING = frozenset(LOCAL) - {"huggingface (text)"}


def local_backend(label: str, folder: Path, **arguments: Any) -> Any:
    """Make a backend of a tiny checkpoint, written where it is not there yet.

    Args:
        label: A key of ``LOCAL``.
        folder: Where checkpoints are kept.
        arguments: Of the backend.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"local models need {', '.join(missing)}, not installed here")
    from tests.local import tiny_checkpoints
    from tests.local.startup import sitecustomize

    sitecustomize.install()
    name, writer = LOCAL[label]
    place = folder / f"tiny-{writer}"
    if not place.is_dir():
        getattr(tiny_checkpoints, writer)(place)
    return make_backend(
        name, {"pretrained": str(place), "max_new_tokens": 8, **arguments}
    )
