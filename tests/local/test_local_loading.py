from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.codec import decode, encode
from pytest_evalkit.errors import (
    ModelUnavailableError,
    OptionError,
    RequestRejectedError,
)
from pytest_evalkit.messages import Message
from pytest_evalkit.models import make_backend
from pytest_evalkit.models.local import running, writing
from pytest_evalkit.values import Generate, GenerationParameters
from tests.local.asking import ask, ask_all, made, question, said, texts


def rendered(backend: Any, *messages: Message, **told: Any) -> str:
    try:
        prompter = backend._running.load().preparing.prompter
        text: str = prompter.render(prompter.completed(messages), told).text
        return text
    finally:
        asyncio.run(backend.aclose())


def without_template(folder: Path, copy: Path) -> Path:
    shutil.copytree(folder, copy)
    for name in ("chat_template.jinja", "chat_template.json"):
        (copy / name).unlink(missing_ok=True)
    config = copy / "tokenizer_config.json"
    told = json.loads(config.read_text(encoding="utf-8"))
    told.pop("chat_template", None)
    config.write_text(json.dumps(told), encoding="utf-8")
    return copy


USER = Message.of_text("user", "What colour?")


def test_it_tells_what_it_is_once_loaded(tiny_text: Path) -> None:
    backend = made("huggingface", tiny_text, dtype="float32")
    assert "loaded" not in backend.describe()

    asyncio.run(backend.load())
    told = dict(backend.describe())
    asyncio.run(backend.aclose())

    assert decode(encode(told)) == told
    template = (tiny_text / "chat_template.jinja").read_text(encoding="utf-8")
    assert told["revision"] == "main"
    assert told["loaded"]["class"] == "LlamaForCausalLM"
    assert told["loaded"]["dtype"] == "float32"
    assert told["loaded"]["max_length"] == 512
    digest = hashlib.sha256(template.encode()).hexdigest()
    assert told["loaded"]["chat_template_sha256"] == digest
    assert backend.model_name == tiny_text.name


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "auto"])
def test_it_computes_with_the_numbers_asked_for(tiny_text: Path, dtype: str) -> None:
    backend = made("huggingface", tiny_text, dtype=dtype, device="cpu")

    asyncio.run(backend.load())
    told = backend.describe()["loaded"]["dtype"]
    asyncio.run(backend.aclose())

    assert told == ("float32" if dtype == "auto" else dtype)


def test_eager_attention_answers_as_the_usual_one(tiny_text: Path) -> None:
    eager = made("huggingface", tiny_text, attn_implementation="eager", batch_size=8)

    assert said(ask_all(eager, texts())) == said(
        ask_all(made("huggingface", tiny_text, batch_size=8), texts())
    )


@pytest.mark.parametrize(
    ("pretrained", "words"),
    [
        ("./nowhere", "there is no checkpoint folder"),
        ("a/b/c", "there is no checkpoint folder"),
        ("{tmp}", "holds no checkpoint: no config.json"),
    ],
)
def test_a_folder_without_a_checkpoint_is_told_before_anything_runs(
    tiny_text: Path, tmp_path: Path, pretrained: str, words: str
) -> None:
    with pytest.raises(OptionError, match=words) as told:
        make_backend(
            "huggingface", {"pretrained": pretrained.replace("{tmp}", str(tmp_path))}
        )

    assert "\n" not in str(told.value)


def test_a_checkpoint_that_cannot_be_loaded_stops_the_run_in_one_line(
    tiny_text: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_text, broken)
    (broken / "model.safetensors").write_bytes(b"nothing of the kind")
    backend = made("huggingface", broken)

    with pytest.raises(ModelUnavailableError, match="cannot be loaded") as told:
        ask_all(backend, [question("a"), question("b")])

    assert "\n" not in str(told.value)
    assert str(broken) in str(told.value)


def test_a_checkpoint_of_another_kind_is_told(tiny_text: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"model_type": "vit"}', encoding="utf-8")

    with pytest.raises(ModelUnavailableError, match="'vit' does not continue texts"):
        ask(made("huggingface", other), question("Hi"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"batch_sise": 4}, "'batch_size'"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"batch_size": "many"}, "batch_size"),
        ({"dtype": "float8"}, "dtype"),
        ({"device": "cpu", "device_map": "auto"}, "contradict each other"),
        ({"max_length": 1}, "max_length must be at least 2"),
        ({"max_num_frames": 0}, "max_num_frames must be above 0"),
        ({"video_decoder": "pyavv"}, "'pyav'"),
        ({"temperature": -1}, "temperature must be 0 or more"),
        ({"min_pixels": 5}, "takes no argument 'min_pixels'"),
        ({"apply_chat_template": False, "chat_template": "x"}, "of no use"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    tiny_text: Path, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        made("huggingface", tiny_text, **arguments)


def test_bounds_the_wrong_way_round_are_refused(tiny_qwen2_5_vl: Path) -> None:
    with pytest.raises(OptionError, match="min_pixels must not be above max_pixels"):
        made("qwen2_5_vl", tiny_qwen2_5_vl, min_pixels=10, max_pixels=9)


def test_the_usual_settings_are_those_of_the_family(tiny_qwen2_5_vl: Path) -> None:
    two, three = (
        make_backend(name, {"pretrained": str(tiny_qwen2_5_vl)}).describe()
        for name in ("qwen2_5_vl", "qwen3_vl")
    )

    assert (two["min_pixels"], two["max_pixels"]) == (None, None)
    assert (two["max_num_frames"], two["fps"]) == (32, None)
    assert two["max_new_tokens"] == 128
    assert "total_pixels" not in two
    assert three["total_pixels"] is None


def test_a_conversation_goes_through_the_checkpoints_own_template(
    tiny_text: Path,
) -> None:
    text = rendered(made("huggingface", tiny_text), USER)

    assert text == ("<|im_start|>user\nWhat colour?<|im_end|>\n<|im_start|>assistant\n")


def test_a_template_may_be_given_as_text_or_file(
    tiny_text: Path, tmp_path: Path
) -> None:
    template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %} ->"
    file = tmp_path / "template.jinja"
    file.write_text(template, encoding="utf-8")

    by_text = rendered(made("huggingface", tiny_text, chat_template=template), USER)
    by_file = rendered(made("huggingface", tiny_text, chat_template=str(file)), USER)

    assert by_text == by_file == "[user] What colour? ->"


def test_thinking_is_what_the_template_makes_of_it(tiny_text: Path) -> None:
    plain = rendered(made("huggingface", tiny_text), USER)
    without = rendered(made("huggingface", tiny_text, enable_thinking=False), USER)
    asked = rendered(made("huggingface", tiny_text), USER, enable_thinking=False)

    assert "<think>" not in plain
    assert without.endswith("<think>\n\n</think>\n\n")
    assert asked == without


def test_a_system_prompt_takes_the_place_of_the_systems(
    tiny_text: Path, tmp_path: Path
) -> None:
    file = tmp_path / "system.txt"
    file.write_text("Be brief.", encoding="utf-8")
    own = Message.of_text("system", "Be long.")
    backend = made("huggingface", tiny_text, system_prompt=str(file))

    text = rendered(backend, own, USER)

    assert text.startswith("<|im_start|>system\nBe brief.<|im_end|>")
    assert "Be long." not in text


def test_qwen_begins_with_its_usual_system_message_where_nobody_says_other(
    tiny_qwen3_vl: Path,
) -> None:
    usual = rendered(made("qwen3_vl", tiny_qwen3_vl), USER)
    own = rendered(
        made("qwen3_vl", tiny_qwen3_vl), Message.of_text("system", "Mine."), USER
    )
    none = rendered(made("qwen3_vl", tiny_qwen3_vl, system_prompt=""), USER)

    assert usual.startswith("<|im_start|>system\nYou are a helpful assistant.")
    assert own.startswith("<|im_start|>system\nMine.")
    assert none.startswith("<|im_start|>user")


def test_a_reasoning_prompt_follows_what_the_user_said_last(tiny_text: Path) -> None:
    backend = made("huggingface", tiny_text, reasoning_prompt=r"\nThink first.")

    text = rendered(backend, USER)

    assert "What colour?\nThink first.<|im_end|>" in text


def test_without_a_template_texts_are_joined_and_the_sample_says_so(
    tiny_text: Path, tmp_path: Path
) -> None:
    folder = without_template(tiny_text, tmp_path / "plain")

    answer = ask(made("huggingface", folder), question("What colour?"))
    wanted = ask(
        made("huggingface", folder, apply_chat_template=False),
        question("What colour?"),
    )

    assert any("no chat template" in note for note in answer.notes)
    assert answer.text == wanted.text
    assert wanted.notes == ()


def test_a_template_that_must_be_and_is_not_stops_the_run(
    tiny_text: Path, tmp_path: Path
) -> None:
    folder = without_template(tiny_text, tmp_path / "plain")

    with pytest.raises(ModelUnavailableError, match="has no chat template"):
        ask(made("huggingface", folder, apply_chat_template=True), question("Hi"))


def test_a_template_that_refuses_is_told_in_its_words(tiny_text: Path) -> None:
    template = "{{ raise_exception('no system messages here') }}"
    backend = made("huggingface", tiny_text, chat_template=template)

    with pytest.raises(RequestRejectedError, match="no system messages here"):
        ask(backend, question("Hi"))


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_an_adapter_changes_the_answers(tiny_text: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="needs peft")
    import torch
    from transformers import AutoModelForCausalLM

    adapter = tmp_path / "adapter"
    torch.manual_seed(3)
    config = peft.LoraConfig(
        r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False
    )
    model = AutoModelForCausalLM.from_pretrained(tiny_text)
    peft.get_peft_model(model, config).save_pretrained(adapter)

    plain = said(ask_all(made("huggingface", tiny_text, batch_size=4), texts()))
    changed, again = (
        said(
            ask_all(
                made("huggingface", tiny_text, peft=str(adapter), batch_size=size),
                texts(),
            )
        )
        for size in (1, 8)
    )

    assert changed != plain
    assert changed == again


def test_a_batch_that_does_not_fit_is_halved_and_no_request_is_lost(
    tiny_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    sizes: list[int] = []
    whole = writing.answered

    def small(checkpoint: Any, works: Sequence[Any], **settings: Any) -> Any:
        sizes.append(len(works))
        if len(works) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")
        return whole(checkpoint, works, **settings)

    plain = said(ask_all(made("huggingface", tiny_text), texts()))
    monkeypatch.setattr(running, "answered", small)

    answers = said(ask_all(made("huggingface", tiny_text, batch_size="auto"), texts()))

    assert answers == plain
    # Lengths fall into two powers of two, and each is halved twice at most.
    assert 1 <= sum(size > 3 for size in sizes) <= 4
    assert 3 in sizes


def test_another_event_loop_finds_the_model_loaded(tiny_text: Path) -> None:
    backend = made("huggingface", tiny_text)

    first = asyncio.run(backend.generate(question("Hi")))
    model = backend._running.loaded.checkpoint.model
    second = asyncio.run(backend.generate(question("Hi")))

    assert first.text == second.text
    assert backend._running.loaded.checkpoint.model is model
    asyncio.run(backend.aclose())
    assert backend._running.loaded is None


def test_plain_texts_are_continued_as_they_are(tiny_text: Path) -> None:
    backend = made("huggingface", tiny_text, apply_chat_template=False)
    request = Generate(
        messages=(USER,), parameters=GenerationParameters(max_tokens=5, temperature=0)
    )

    answer = ask(backend, request)

    assert answer.usage.input_tokens < 8
