"""Writes checkpoints with random weights, small enough to be made for a test session.

Each has a real configuration, a byte-level BPE tokenizer trained on the spot, a chat
template and, if it sees, the processor of its family. The same seed gives the same
folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SEED = 20260401
# What the tokenizer learns its merges from; any other text falls into bytes.
CORPUS = (
    "What colour is the square? Answer with a single word or number.",
    "How many circles are there? The quick brown fox jumps over the lazy dog.",
    "red green blue yellow purple orange black yes no one two three four five six seven",
    "You are a helpful assistant. The capital of France is Paris.",
)
SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>"),
    *("<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
)
# Random weights of this spread answer differently to different questions, and the
# likeliest token leads the next by far more than the rounding of float32.
SPREAD = 0.3

TEXT_TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% if enable_thinking is defined and not enable_thinking -%}
<think>

</think>

{% endif -%}
{%- endif -%}
"""
VISION_TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string -%}
{{- message.content -}}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type == "text" -%}
{{- part.text -}}
{%- elif part.type == "image" -%}
<|vision_start|><|image_pad|><|vision_end|>
{%- elif part.type == "video" -%}
VIDEO_MARK
{%- else -%}
{{- raise_exception("this model knows no part of type " + part.type) -}}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
"""
# The processor of Qwen3-VL writes the marks itself, one pair around each moment.
VIDEO_MARKS = {
    "qwen2_5_vl": "<|vision_start|><|video_pad|><|vision_end|>",
    "qwen3_vl": "<|video_pad|>",
}

TEXT_SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": SPREAD,
}
PATCHES = {"patch_size": 8, "temporal_patch_size": 2, "merge_size": 2}
PIXELS = {"shortest_edge": 16 * 16, "longest_edge": 128 * 128}


def write_text(folder: Path) -> Path:
    """Write a language model of Llama's kind that reads 512 tokens; give the folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = make_tokenizer((*CORPUS, TEXT_TEMPLATE))
    tokenizer.chat_template = TEXT_TEMPLATE
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=512,
        **TEXT_SHAPE,
        **_ends(tokenizer),
    )
    torch.manual_seed(SEED)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_qwen2_5_vl(folder: Path) -> Path:
    """Write a Qwen2.5-VL that reads pictures of 16 to 128 pixels; give the folder."""
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLVideoProcessor,
    )

    vision = {
        **_vision_shape(),
        "window_size": 32,
        "fullatt_block_indexes": [1],
        "tokens_per_second": 2,
    }
    return _write_seeing(
        folder,
        processor=_processor("qwen2_5_vl", Qwen2_5_VLProcessor, Qwen2VLVideoProcessor),
        config=lambda text, ids: Qwen2_5_VLConfig(
            text_config=text, vision_config=vision, **ids
        ),
        model=Qwen2_5_VLForConditionalGeneration,
    )


def write_qwen3_vl(folder: Path) -> Path:
    """Write a Qwen3-VL that reads pictures of 16 to 128 pixels; give the folder."""
    from transformers import (
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    vision = {
        **_vision_shape(),
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    return _write_seeing(
        folder,
        processor=_processor("qwen3_vl", Qwen3VLProcessor, Qwen3VLVideoProcessor),
        config=lambda text, ids: Qwen3VLConfig(
            text_config={**text, "head_dim": 8}, vision_config=vision, **ids
        ),
        model=Qwen3VLForConditionalGeneration,
    )


def make_tokenizer(corpus: Sequence[str]) -> Any:
    """Train a byte-level BPE tokenizer with the special tokens of the Qwen family."""
    import json

    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=384,
        special_tokens=list(SPECIAL),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    trained.train_from_iterator(corpus, trainer)
    model = json.loads(trained.to_str())["model"]
    return Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL),
    )


def _ends(tokenizer: Any) -> dict[str, int | None]:
    return {
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _vision_shape() -> dict[str, Any]:
    return {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": TEXT_SHAPE["hidden_size"],
        "patch_size": PATCHES["patch_size"],
        "temporal_patch_size": PATCHES["temporal_patch_size"],
        "spatial_merge_size": PATCHES["merge_size"],
        "initializer_range": SPREAD,
    }


def _processor(family: str, processor: Any, video_processor: Any) -> Any:
    from transformers import Qwen2VLImageProcessor

    template = VISION_TEMPLATE.replace("VIDEO_MARK", VIDEO_MARKS[family])
    tokenizer = make_tokenizer(CORPUS)
    tokenizer.chat_template = template
    return processor(
        image_processor=Qwen2VLImageProcessor(size=PIXELS, **PATCHES),
        tokenizer=tokenizer,
        video_processor=video_processor(size=PIXELS, **PATCHES),
        chat_template=template,
    )


def _write_seeing(
    folder: Path,
    *,
    processor: Any,
    config: Callable[[dict[str, Any], dict[str, int]], Any],
    model: Any,
) -> Path:
    import torch

    tokenizer = processor.tokenizer
    text = {
        **TEXT_SHAPE,
        **_ends(tokenizer),
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 4096,
        # Of the four frequencies of a head: time, height, width.
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [2, 1, 1],
        },
    }
    ids = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"<|{mark}|>")
        for name, mark in {
            "image": "image_pad",
            "video": "video_pad",
            "vision_start": "vision_start",
            "vision_end": "vision_end",
        }.items()
    }
    torch.manual_seed(SEED)
    made = model(config(text, ids))
    made.generation_config.eos_token_id = tokenizer.eos_token_id
    made.generation_config.pad_token_id = tokenizer.pad_token_id
    made.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
