from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.messages import Message
from pytest_evalkit.values import Generate, GenerationParameters, Origin
from tests.local.asking import ask, ask_all, made, question, said, sights, texts

MODELS = {
    "huggingface (text)": ("huggingface", "tiny_text", texts),
    "huggingface (vision)": ("huggingface", "tiny_qwen2_5_vl", sights),
    "qwen2_5_vl": ("qwen2_5_vl", "tiny_qwen2_5_vl", sights),
    "qwen3_vl": ("qwen3_vl", "tiny_qwen3_vl", sights),
}


def reference(folder: Path, text: str, n: int) -> list[int]:
    """Write greedily with a loop of one forward pass per token, and no cache."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
    )
    tokens = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    written: list[int] = []
    with torch.no_grad():
        for _ in range(n):
            logits = model(torch.tensor([tokens + written])).logits[0, -1]
            written.append(int(logits.argmax()))
    return written


# In float32 the rounding errors of differently shaped batches are about 1e-6 of a
# score; the likeliest tokens of these models are farther apart, so that the answers are
# equal, and no tolerance is needed.
@pytest.mark.parametrize("label", MODELS)
def test_answers_do_not_depend_on_the_size_of_batches(
    label: str, request: pytest.FixtureRequest
) -> None:
    name, fixture, questions = MODELS[label]
    folder = request.getfixturevalue(fixture)

    by_size = {
        size: said(ask_all(made(name, folder, batch_size=size), questions()))
        for size in (1, 4, 16, "auto")
    }

    assert len({text for text, _, _ in by_size[1]}) > 8
    assert by_size[4] == by_size[1]
    assert by_size[16] == by_size[1]
    assert by_size["auto"] == by_size[1]


@pytest.mark.parametrize("label", MODELS)
def test_draws_do_not_depend_on_batches_or_order(
    label: str, request: pytest.FixtureRequest
) -> None:
    name, fixture, questions = MODELS[label]
    folder = request.getfixturevalue(fixture)
    drawn = {"temperature": 1.3, "top_p": 0.9, "top_k": 40, "seed": 7}

    alone = said(ask_all(made(name, folder, batch_size=1), questions(**drawn)))
    together = said(
        ask_all(made(name, folder, batch_size=16), questions(**drawn)[::-1])
    )

    assert together[::-1] == alone
    greedy = said(ask_all(made(name, folder, batch_size=16), questions()))
    assert sum(one != two for one, two in zip(alone, greedy, strict=True)) > 8


def test_an_answer_is_that_of_a_plain_loop_without_a_cache(tiny_text: Path) -> None:
    from transformers import AutoTokenizer

    expected = reference(tiny_text, "What colour is the square?", 10)
    backend = made("huggingface", tiny_text, batch_size=4)
    others = texts()[:3]

    answers = ask_all(
        backend, [question("What colour is the square?", max_tokens=10), *others]
    )

    tokenizer = AutoTokenizer.from_pretrained(tiny_text)
    assert answers[0].text == tokenizer.decode(expected, skip_special_tokens=True)
    assert answers[0].usage.output_tokens == 10
    assert answers[0].finish_reason == "length"


def test_a_model_without_a_cache_answers_the_same(tiny_qwen2_5_vl: Path) -> None:
    slow = made("qwen2_5_vl", tiny_qwen2_5_vl, batch_size=4, use_cache=False)
    fast = made("qwen2_5_vl", tiny_qwen2_5_vl, batch_size=4)

    assert said(ask_all(slow, sights())) == said(ask_all(fast, sights()))


def test_a_stop_text_ends_the_answer_exactly(tiny_text: Path) -> None:
    whole = ask(made("huggingface", tiny_text), question("Hi", max_tokens=40))
    stop = next(c for c in whole.text[5:] if c.isalpha())
    place = whole.text.index(stop)

    cut = ask(
        made("huggingface", tiny_text),
        question("Hi", max_tokens=40, stop=("never there", stop)),
    )

    assert cut.text == whole.text[:place]
    assert cut.finish_reason == "stop"
    assert 0 < cut.usage.output_tokens < whole.usage.output_tokens


def test_rows_of_one_batch_stop_each_for_itself(tiny_text: Path) -> None:
    backend = made("huggingface", tiny_text, batch_size=16)
    requests = [
        question(f"{n}: what?", max_tokens=1 + n, stop=("e",) if n % 2 else ())
        for n in range(16)
    ]

    together = said(ask_all(backend, requests))

    alone = [said([ask(made("huggingface", tiny_text), one)])[0] for one in requests]
    assert together == alone
    assert {usage.output_tokens for _, reason, usage in together} > {1, 5, 9}


def test_repeats_of_a_question_draw_differently(tiny_text: Path) -> None:
    asked = question("What?", temperature=1.0, seed=3)
    repeats = [
        structs.replace(asked, origin=Origin(task="t", doc_id=0, doc={}, repeat=repeat))
        for repeat in range(6)
    ]

    answers = ask_all(made("huggingface", tiny_text, batch_size=4), repeats)

    assert len({answer.text for answer in answers}) == 6
    third = question("What?", temperature=1.0, seed=5)
    assert ask(made("huggingface", tiny_text), third).text == answers[2].text


def test_what_is_drawn_follows_the_probabilities(tiny_text: Path) -> None:
    import torch

    from pytest_evalkit.models.local.choosing_tokens import drawn_tokens
    from pytest_evalkit.models.local.drawing import Draw

    scores = torch.tensor([[2.0, 1.0, 0.0, -1.0, -30.0]])
    plain = Draw(
        temperature=0.5, top_p=1.0, top_k=0, min_p=0.0, repetition_penalty=1.0, seed=1
    )
    stream = plain.stream([1, 2, 3])
    counts = torch.zeros(5)
    for _ in range(4000):
        counts[drawn_tokens(scores, [plain], [stream])[0]] += 1

    expected = (scores[0] / 0.5).softmax(-1)
    # Four standard errors of a share are at most 0.032.
    assert (counts / 4000 - expected).abs().max() < 0.032


@pytest.mark.parametrize(
    ("settings", "possible"),
    [
        ({"top_k": 2}, {0, 1}),
        ({"top_p": 0.6}, {0}),
        ({"top_p": 0.7}, {0, 1}),
        ({"min_p": 0.3}, {0, 1}),
        ({"min_p": 0.1}, {0, 1, 2}),
    ],
)
def test_only_what_the_settings_leave_is_drawn(
    tiny_text: Path, settings: dict[str, Any], possible: set[int]
) -> None:
    import torch

    from pytest_evalkit.models.local.choosing_tokens import drawn_tokens
    from pytest_evalkit.models.local.drawing import Draw

    # Shares of 0.644, 0.237, 0.087 and 0.032.
    scores = torch.tensor([[3.0, 2.0, 1.0, 0.0]])
    usual = {"top_p": 1.0, "top_k": 0, "min_p": 0.0}
    draw = Draw(
        temperature=1.0, repetition_penalty=1.0, seed=1, **{**usual, **settings}
    )
    stream = draw.stream([])

    drawn = {drawn_tokens(scores, [draw], [stream])[0] for _ in range(400)}

    assert drawn == possible


def test_a_repetition_penalty_is_that_of_transformers(tiny_text: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_text)
    model = AutoModelForCausalLM.from_pretrained(tiny_text).eval()
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What colour?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    with torch.no_grad():
        tokens = model.generate(
            **prompt, max_new_tokens=60, do_sample=False, repetition_penalty=3.0
        )[0, prompt["input_ids"].shape[1] :]
    penalised = question(
        "What colour?", max_tokens=60, extra={"repetition_penalty": 3.0}
    )
    requests = [penalised, *texts()[:3]]

    answers = ask_all(made("huggingface", tiny_text, batch_size=4), requests)

    assert answers[0].text == tokenizer.decode(tokens, skip_special_tokens=True)
    plain = ask(made("huggingface", tiny_text), question("What colour?", max_tokens=60))
    assert plain.text != answers[0].text


def test_likelihoods_of_written_tokens_are_told_where_asked(tiny_text: Path) -> None:
    extra = {"logprobs": True, "top_logprobs": 3}
    backend = made("huggingface", tiny_text, batch_size=2)

    told, silent = ask_all(
        backend, [question("What colour?", extra=extra), question("What colour?")]
    )

    assert silent.logprobs is None
    assert len(told.logprobs) == told.usage.output_tokens == 12
    for token in told.logprobs:
        assert len(token.top) == 3
        assert token.logprob == token.top[0][1] <= 0
    assert told.text == silent.text


def test_a_prompt_that_is_too_long_is_cut_from_the_left_and_says_so(
    tiny_text: Path,
) -> None:
    long = question("word " * 600, max_tokens=20)

    answer = ask(made("huggingface", tiny_text), long)

    assert answer.usage.input_tokens == 512 - 20
    assert any("tokens of the prompt were left out" in note for note in answer.notes)


def test_an_answer_nobody_set_a_length_for_takes_the_room_there_is(
    tiny_text: Path,
) -> None:
    # Ends are ignored, lest the answer end by itself.
    asked = question("Hi", max_tokens=None, extra={"ignore_eos": True})

    answer = ask(made("huggingface", tiny_text), asked)

    assert answer.usage.input_tokens + answer.usage.output_tokens == 512
    assert answer.finish_reason == "length"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"max_tokens": 512}, "leave no room for a prompt"),
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
        ({"temperature": -1.0}, "temperature must be 0 or more"),
        ({"top_p": 0.0}, "top_p must be above 0"),
        ({"extra": {"num_beams": 4}}, "takes no generation parameter 'num_beams'"),
        ({"extra": {"repetition_penalti": 1.1}}, "repetition_penalty"),
        ({"extra": {"repetition_penalty": 0}}, "repetition_penalty must be above 0"),
    ],
)
def test_what_cannot_be_done_is_refused_and_the_model_goes_on(
    tiny_text: Path, parameters: dict[str, Any], words: str
) -> None:
    backend = made("huggingface", tiny_text)

    async def both() -> str:
        with pytest.raises(RequestRejectedError, match=words):
            await backend.generate(question("Hi", **parameters))
        answer = await backend.generate(question("Hi"))
        await backend.aclose()
        text: str = answer.text
        return text

    assert asyncio.run(both())


def test_a_stop_text_that_is_a_special_token_ends_the_answer(tiny_text: Path) -> None:
    asked = question("Hi", max_tokens=400, stop=("<|endoftext|>", "<|im_start|>"))

    answer = ask(made("huggingface", tiny_text), asked)

    assert "<|" not in answer.text or answer.finish_reason == "length"


def test_an_answer_says_what_it_cost_and_when(tiny_text: Path) -> None:
    answer = ask(made("huggingface", tiny_text), question("Hi", max_tokens=3))

    assert answer.usage.input_tokens > 3
    assert answer.usage.output_tokens == 3
    assert answer.timing.latency_s > 0
    assert answer.attempts == 1


def test_an_answer_goes_on_where_the_assistant_began_it(tiny_text: Path) -> None:
    begun = Generate(
        messages=(
            Message.of_text("user", "What colour?"),
            Message.of_text("assistant", "The colour is"),
        ),
        parameters=GenerationParameters(max_tokens=8, temperature=0.0),
    )
    backend = made("huggingface", tiny_text)

    async def both() -> tuple[str, str]:
        loaded = backend._running.load()
        rendered = loaded.preparing.prompter.render(begun.messages, {})
        assert rendered.text.endswith("assistant\nThe colour is")
        direct = await backend.complete(
            rendered.text, GenerationParameters(max_tokens=8, temperature=0.0)
        )
        answer = await backend.generate(begun)
        await backend.aclose()
        return direct.text, answer.text

    direct, answer = asyncio.run(both())

    assert direct == answer
