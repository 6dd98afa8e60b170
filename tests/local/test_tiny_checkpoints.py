from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

QUESTION = "What colour is the square?"


def generate(model: Any, inputs: Any) -> list[int]:
    written = model.generate(**inputs, max_new_tokens=8, do_sample=False)
    tokens: list[int] = written[0, inputs["input_ids"].shape[1] :].tolist()
    return tokens


def test_the_language_model_loads_and_generates(tiny_text: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_text)
    model = AutoModelForCausalLM.from_pretrained(tiny_text)
    inputs = tokenizer.apply_chat_template(
        [{"role": "user", "content": QUESTION}],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
    )

    tokens = generate(model, inputs)

    assert tokenizer.decode(inputs["input_ids"][0]) == (
        f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n"
    )
    assert 1 <= len(tokens) <= 8


def test_the_tokenizer_gives_every_text_back(tiny_text: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_text)
    text = "What colour?\n  na\u00efve \u7b54\u6848 \U0001f600"

    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def asked(processor: Any, colour: str) -> Any:
    from PIL import Image

    parts = [
        {"type": "image", "image": Image.new("RGB", (96, 64), colour)},
        {"type": "text", "text": QUESTION},
    ]
    return processor.apply_chat_template(
        [{"role": "user", "content": parts}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )


@pytest.mark.parametrize("name", ["tiny_qwen2_5_vl", "tiny_qwen3_vl"])
def test_a_seeing_model_loads_and_generates_from_what_it_sees(
    name: str, request: pytest.FixtureRequest
) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    folder = request.getfixturevalue(name)
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder)
    red, blue = asked(processor, "red"), asked(processor, "blue")

    # 96 x 64 pixels, 8 a patch, four patches a token.
    assert red["image_grid_thw"].tolist() == [[1, 8, 12]]
    assert (red["input_ids"] == processor.image_token_id).sum() == 24
    assert generate(model, red) == generate(model, red)
    assert generate(model, red) != generate(model, blue)


@pytest.mark.parametrize("name", ["tiny_qwen2_5_vl", "tiny_qwen3_vl"])
def test_a_seeing_model_reads_a_video(
    name: str, request: pytest.FixtureRequest
) -> None:
    import numpy as np
    from transformers import AutoModelForImageTextToText, AutoProcessor

    folder = request.getfixturevalue(name)
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder)
    prompt = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "video"}]}], add_generation_prompt=True
    )
    times = {"fps": 2.0, "total_num_frames": 4, "frames_indices": [0, 1, 2, 3]}
    inputs = processor(
        text=[prompt],
        videos=[np.zeros((4, 3, 32, 32), dtype=np.uint8)],
        video_metadata=[times],
        do_sample_frames=False,
        return_tensors="pt",
    )

    assert inputs["video_grid_thw"].tolist() == [[2, 4, 4]]
    assert len(generate(model, inputs)) >= 1


def test_a_child_process_loads_torchvision_too(startup_folder: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import torchvision.transforms.v2"],
        env={**os.environ, "PYTHONPATH": str(startup_folder)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr
