"""How fast ``qwen2_5_vl`` answers questions about images, by the size of its batches.

A model with random weights of the size of Qwen2.5-VL-3B, in bfloat16, writes 16 tokens
about each of a number of photograph-like JPEG files of 1024 by 768 pixels. For each size
of batches the script prints documents a second, the share of time in which the GPU ran
a kernel (as ``nvidia-smi`` samples it), and the share of time in which a batch was in the
model, which is all of it where preparing the next batch keeps up.

    python tests/performance/local_model.py [--images 500] [--sizes 1,8,32]
    python tests/performance/local_model.py --tiny       # on a CPU, in half a minute
"""

from __future__ import annotations

import argparse
import asyncio
import io
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[2]))

from pytest_evalkit.messages import ImagePart, ImageSource, Message, TextPart
from pytest_evalkit.models.local import running, writing
from pytest_evalkit.models.local.loading import Checkpoint
from pytest_evalkit.models.local.preparing import Preparing, Rules
from pytest_evalkit.models.local.qwen2_5_vl import Qwen2_5_VL
from pytest_evalkit.models.local.qwen_showing import QwenShowRule
from pytest_evalkit.values import Generate, GenerationParameters
from tests.local import tiny_checkpoints
from tests.local.startup import sitecustomize

_SIDES = (1024, 768)
_TINY_SIDES = (128, 96)
_NEW_TOKENS = 16
_DIFFERENT_IMAGES = 50
_SAMPLE_MS = 100
# Of the published configuration of Qwen2.5-VL-3B-Instruct.
_TEXT = {
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "max_position_embeddings": 128000,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 1000000.0,
        "mrope_section": [16, 24, 24],
    },
}
_VISION = {
    "depth": 32,
    "hidden_size": 1280,
    "intermediate_size": 3420,
    "num_heads": 16,
    "out_hidden_size": 2048,
    "patch_size": 14,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
    "window_size": 112,
    "fullatt_block_indexes": [7, 15, 23, 31],
    "tokens_per_second": 2,
}
_SMALLER_TEXT = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_section": [2, 3, 3],
    },
}
_SMALLER_VISION = {
    "depth": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_heads": 2,
    "out_hidden_size": 64,
    "fullatt_block_indexes": [1],
}


class Measured(NamedTuple):
    """What a run with one size of batches took."""

    docs_per_s: float
    gpu_share: float | None
    model_share: float


class RandomModel(Qwen2_5_VL):
    """A Qwen2.5-VL whose weights are drawn where it runs, and never on a disk."""

    is_tiny = False

    def _load(self) -> running.Loaded:
        checkpoint = _checkpoint(is_tiny=self.is_tiny)
        rules = Rules(prompt=self.prompting, write=self.writing, show=self.showing)
        return running.Loaded(
            checkpoint, Preparing(checkpoint, rules, self.usual_system)
        )


class TinyModel(RandomModel):
    """The same, small enough for a CPU."""

    is_tiny = True


def _checkpoint(*, is_tiny: bool) -> Checkpoint:
    import torch
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    tokenizer = tiny_checkpoints.make_tokenizer(tiny_checkpoints.CORPUS)
    template = tiny_checkpoints.VISION_TEMPLATE.replace("VIDEO_MARK", "<|video_pad|>")
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=template,
    )
    marks = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"<|{mark}|>")
        for name, mark in {"image": "image_pad", "video": "video_pad"}.items()
    }
    config = Qwen2_5_VLConfig(
        text_config=_TEXT | (_SMALLER_TEXT if is_tiny else {}),
        vision_config=_VISION | (_SMALLER_VISION if is_tiny else {}),
        **marks,
    )
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float32 if is_tiny else torch.bfloat16)
    with torch.device("cpu" if is_tiny else "cuda"):
        model = Qwen2_5_VLForConditionalGeneration(config).eval()
    torch.set_default_dtype(torch.float32)
    return Checkpoint(
        model=model,
        tokenizer=tokenizer,
        processor=processor,
        max_length=config.text_config.max_position_embeddings,
        ends=frozenset(),
        pad=tokenizer.pad_token_id,
        repetition_penalty=1.0,
        commit=None,
    )


def questions(count: int, sides: tuple[int, int]) -> list[Generate]:
    """Ask about so many images, each a file of its own."""
    files = [_jpeg(number, sides) for number in range(min(count, _DIFFERENT_IMAGES))]
    parameters = GenerationParameters(max_tokens=_NEW_TOKENS, temperature=0.0)
    return [
        Generate(
            messages=(
                Message(
                    "user",
                    (
                        ImagePart(ImageSource.of_bytes(files[n % len(files)])),
                        TextPart(f"{n}: what is in the image? " * (1 + n % 7)),
                    ),
                ),
            ),
            parameters=parameters,
        )
        for n in range(count)
    ]


def _jpeg(seed: int, sides: tuple[int, int]) -> bytes:
    import numpy as np
    from PIL import Image

    coarse = np.random.default_rng(seed).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize(sides, Image.Resampling.BICUBIC).save(
        stream, format="JPEG", quality=90
    )
    return stream.getvalue()


@contextmanager
def time_in_model() -> Iterator[list[float]]:
    """Add up how long batches are in the model."""
    spent: list[float] = []
    whole = writing.answered

    def timed(*args: Any, **settings: Any) -> Any:
        started_at = time.perf_counter()
        try:
            return whole(*args, **settings)
        finally:
            spent.append(time.perf_counter() - started_at)

    with patch.object(running, "answered", timed):
        yield spent


@contextmanager
def gpu_samples() -> Iterator[list[float]]:
    """Sample the share of time in which the GPU runs a kernel; nothing without one."""
    samples: list[float] = []
    if shutil.which("nvidia-smi") is None:
        yield samples
        return
    command = [
        "nvidia-smi",
        "--query-gpu=utilization.gpu",
        "--format=csv,noheader,nounits",
        f"--loop-ms={_SAMPLE_MS}",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield samples
        finally:
            process.terminate()
            said = process.communicate()[0].split()
            samples += [float(share) / 100 for share in said if share.isdecimal()]


async def measure(backend: Any, requests: Sequence[Generate]) -> Measured:
    """Answer all questions, as many at once as the backend wants."""
    await backend.load()
    # What is done once, such as choosing kernels, is not the batches'.
    await asyncio.gather(*map(backend.generate, requests[: 2 * backend.batch_size]))
    at_once = asyncio.Semaphore(backend.pacing.num_concurrent)

    async def answer(request: Generate) -> None:
        async with at_once:
            await backend.generate(request)

    with time_in_model() as spent, gpu_samples() as samples:
        started_at = time.perf_counter()
        await asyncio.gather(*map(answer, requests))
        elapsed_s = time.perf_counter() - started_at
    share = sum(samples) / len(samples) if samples else None
    return Measured(len(requests) / elapsed_s, share, sum(spent) / elapsed_s)


async def run(sizes: Sequence[int], images: int, *, is_tiny: bool) -> None:
    """Measure each size with a model of its own, and print a row for it."""
    factory = TinyModel if is_tiny else RandomModel
    requests = questions(images, _TINY_SIDES if is_tiny else _SIDES)
    show = QwenShowRule(min_pixels=28 * 28) if is_tiny else QwenShowRule()
    print("| batch size | documents/s | GPU busy | in the model |")
    print("| ---: | ---: | ---: | ---: |")
    for size in sizes:
        backend = factory(pretrained="random/weights", batch_size=size, showing=show)
        measured = await measure(backend, requests)
        await backend.aclose()
        gpu = "-" if measured.gpu_share is None else f"{measured.gpu_share:.0%}"
        print(
            f"| {size} | {measured.docs_per_s:.2f} | {gpu} | "
            f"{measured.model_share:.0%} |",
            flush=True,
        )


def main() -> int:
    """Measure on a GPU, or a tiny model on a CPU where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=None, help="default 500 or 64")
    parser.add_argument("--sizes", default="1,8,32")
    parser.add_argument("--tiny", action="store_true", help="a small model, on a CPU")
    options = parser.parse_args()
    sitecustomize.install()
    import torch

    if not options.tiny and not torch.cuda.is_available():
        print(
            "no GPU is at hand, and a model of 3B would take hours on a CPU; "
            "--tiny measures a small one there",
            file=sys.stderr,
        )
        return 2
    where = "the CPU" if options.tiny else torch.cuda.get_device_name()
    print(f"{where}; torch {torch.__version__}")
    images = options.images or (64 if options.tiny else 500)
    sizes = [int(size) for size in options.sizes.split(",")]
    asyncio.run(run(sizes, images, is_tiny=options.tiny))
    return 0


if __name__ == "__main__":
    sys.exit(main())
