"""Checkpoints for the tests of local models, and the packages that these need."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.local import tiny_checkpoints
from tests.local.startup import sitecustomize

PACKAGES = ("torch", "transformers", "torchvision", "accelerate")

sitecustomize.install()


@pytest.fixture(scope="session", autouse=True)
def local_packages() -> None:
    """Skip the whole folder where local models cannot run."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(
            f"local models need {', '.join(missing)}: pip install torch==2.13.0, "
            "then pip install -e '.[hf]'"
        )


@pytest.fixture(scope="session")
def tiny_text(local_packages: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a language model with a chat template that reads 512 tokens."""
    return tiny_checkpoints.write_text(tmp_path_factory.mktemp("tiny") / "text")


@pytest.fixture(scope="session")
def tiny_qwen2_5_vl(
    local_packages: None, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give a Qwen2.5-VL with random weights."""
    folder = tmp_path_factory.mktemp("tiny") / "qwen2_5_vl"
    return tiny_checkpoints.write_qwen2_5_vl(folder)


@pytest.fixture(scope="session")
def tiny_qwen3_vl(
    local_packages: None, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give a Qwen3-VL with random weights."""
    return tiny_checkpoints.write_qwen3_vl(tmp_path_factory.mktemp("tiny") / "qwen3_vl")


@pytest.fixture(scope="session")
def startup_folder() -> Path:
    """Give what PYTHONPATH of a child process must hold for torchvision to load."""
    return Path(sitecustomize.__file__).parent
