"""The untrained model: tokenizer, processor and configuration of a small Qwen2.5-VL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

PATCH = 8
MERGE = 2
VISION_WIDTH = 64
TEXT_WIDTH = 80
SIDE = 96
VOCABULARY = 560
END = "<|im_end|>"
PADDING = "<|endoftext|>"
SPECIAL = (
    *(PADDING, "<|im_start|>", END, "<|vision_start|>"),
    *("<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
)
TEMPLATE = """\
{%- macro shown(part) -%}
{%- if part.type == "text" -%}
{{- part.text -}}
{%- elif part.type in ("image", "video") -%}
<|vision_start|><|{{ part.type }}_pad|><|vision_end|>
{%- else -%}
{{- raise_exception("this model cannot read a part of type " ~ part.type) -}}
{%- endif -%}
{%- endmacro -%}
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string -%}
{{- message.content -}}
{%- else -%}
{%- for part in message.content -%}{{- shown(part) -}}{%- endfor -%}
{%- endif -%}
<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
"""


def make_processor(corpus: Sequence[str]) -> Any:
    """Make the processor, which sees every picture at 96 x 96 pixels or as many.

    Args:
        corpus: Texts that the tokenizer learns its merges from.
    """
    area = {"shortest_edge": SIDE**2, "longest_edge": SIDE**2}
    patches = {"patch_size": PATCH, "merge_size": MERGE, "temporal_patch_size": 2}
    tokenizer = make_tokenizer(corpus)
    tokenizer.chat_template = TEMPLATE
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=area, **patches),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(size=area, **patches),
        chat_template=TEMPLATE,
    )


def make_tokenizer(corpus: Sequence[str]) -> Any:
    """Train a byte-level BPE tokenizer, which can read and write any text."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    trained.train_from_iterator(corpus, trainer)
    model = json.loads(trained.to_str())["model"]
    merges: list[Any] = [tuple(pair) for pair in model["merges"]]
    return Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=merges,
        eos_token=END,
        pad_token=PADDING,
        additional_special_tokens=list(SPECIAL),
    )


def make_model(tokenizer: Any) -> Any:
    """Make the model with random weights, drawn from torch's own generator."""
    model = Qwen2_5_VLForConditionalGeneration(make_config(tokenizer))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def make_config(tokenizer: Any) -> Any:
    """Say how wide and deep the model is; every layer sees the whole picture."""
    numbers = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": TEXT_WIDTH,
        "intermediate_size": 160,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 4096,
        "initializer_range": 0.05,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        # The ten frequencies of a head, shared out to time, height and width. From the
        # usual base of ten thousand, all six columns of a picture would look the same.
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10.0,
            "mrope_section": [2, 4, 4],
        },
    }
    vision = {
        "depth": 4,
        "hidden_size": VISION_WIDTH,
        "intermediate_size": 128,
        "num_heads": 4,
        "out_hidden_size": TEXT_WIDTH,
        "patch_size": PATCH,
        "spatial_merge_size": MERGE,
        "temporal_patch_size": 2,
        "window_size": SIDE,
        "fullatt_block_indexes": [3],
        "initializer_range": 0.05,
        # Low for the same reason: a picture has only twelve patches a side.
        "rope_parameters": {"rope_type": "axial", "rope_theta": 30.0},
    }
    return Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        tie_word_embeddings=True,
        image_token_id=numbers["<|image_pad|>"],
        video_token_id=numbers["<|video_pad|>"],
        vision_start_token_id=numbers["<|vision_start|>"],
        vision_end_token_id=numbers["<|vision_end|>"],
    )
