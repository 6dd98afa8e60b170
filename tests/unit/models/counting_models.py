"""A model whose tokens can be counted by hand: words, and marks around messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.models.token_counting import Counting, TokenCounter
from pytest_evalkit.values import Counted, Uncounted

MARKS = (
    *("<s>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|end|>"),
    *("<think>", "</think>", "<call>", "</call>"),
)
# Before all: <s>; then the tools, as one message of the system.
TEMPLATE = """\
{{ bos_token }}
{%- if tools %}<|system|>
    {%- for tool in tools %} {{ tool | tojson }} {% endfor %}<|end|>
{% endif %}
{%- for message in messages %}<|{{ message.role }}|>
    {%- if message.reasoning_content %}
        {{- '<think> ' ~ message.reasoning_content ~ ' </think>' }}
    {%- endif %}
    {{- message.content }}
    {%- for call in message.tool_calls or [] %}
        {{- '<call> ' ~ call.function.name ~ ' ' ~ (call.function.arguments | tojson) }}
        {{- '</call>' }}
    {%- endfor %}<|end|>
{% endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}"""


def write_model(folder: Path, template: str | None = TEMPLATE, **config: Any) -> Path:
    """Write a tokenizer of words and marks, and its chat template beside it."""
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")
    made = tokenizers.Tokenizer(words)
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens(list(MARKS))
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", made.token_to_id("<s>"))]
    )
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    said = {"bos_token": "<s>", "eos_token": {"content": "<|end|>"}, **config}
    if template is not None:
        said["chat_template"] = template
    (folder / "tokenizer_config.json").write_text(json.dumps(said), encoding="utf-8")
    return folder


def counter_of(folder: Path, **settings: Any) -> TokenCounter:
    """Load what counts with a tokenizer."""
    counter = Counting(counting_tokenizer=str(folder), **settings).counter()
    assert counter is not None
    return counter


def asked(
    payload: Mapping[str, Any] | None, finish_reason: str = "stop", **message: Any
) -> Uncounted:
    """Ask and answer in a chat; None for a payload with media in it."""
    said = {"role": "assistant", "content": None, **message}
    return Uncounted(
        payload=None if payload is None else json.dumps(payload).encode(),
        choice={"message": said, "finish_reason": finish_reason},
    )


def counts(counted: Counted) -> tuple[int | None, int, str]:
    """Take the tokens of prompt and answer, and who counted."""
    return counted.input_tokens, counted.output_tokens, counted.source
