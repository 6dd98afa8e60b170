from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.values import Loglikelihood, RollingLoglikelihood
from tests.local.asking import ask, ask_all, made

TOLERANCE = 1e-5
FIXTURES = ("tiny_text", "tiny_qwen2_5_vl", "tiny_qwen3_vl")


class Direct:
    """What transformers itself says: one text at a time, all scores in one pass."""

    def __init__(self, folder: Path) -> None:
        from transformers import (
            AutoModelForCausalLM,
            AutoModelForImageTextToText,
            AutoTokenizer,
        )

        is_text = not (folder / "preprocessor_config.json").exists()
        is_text = is_text and not (folder / "processor_config.json").exists()
        factory = AutoModelForCausalLM if is_text else AutoModelForImageTextToText
        self.model = factory.from_pretrained(folder).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)

    def encode(self, text: str) -> list[int]:
        tokens: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    def of(self, tokens: list[int], asked: int) -> tuple[float, bool]:
        import torch

        with torch.no_grad():
            logits = self.model(torch.tensor([tokens[:-1]])).logits[0, -asked:]
        likely = logits.double().log_softmax(-1)
        wanted = torch.tensor(tokens[-asked:])
        own = likely.gather(1, wanted[:, None])
        return float(own.sum()), bool((likely.argmax(-1) == wanted).all())


@pytest.fixture(params=FIXTURES)
def folder(request: pytest.FixtureRequest) -> Path:
    chosen: Path = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def direct(folder: Path) -> Direct:
    return Direct(folder)


def pairs() -> list[tuple[str, str]]:
    contexts = ("The colour is", "Question: how many circles are there?\nAnswer:", "A")
    endings = (" red", " purple, or perhaps orange.", " two circles", " \u7b54\u6848")
    return [(context, ending) for context in contexts for ending in endings]


@pytest.mark.parametrize("size", [1, 4, 16])
def test_a_continuation_of_many_tokens_is_as_likely_as_transformers_says(
    folder: Path, direct: Direct, size: int
) -> None:
    requests = [Loglikelihood(context=a, continuation=b) for a, b in pairs()]

    told = ask_all(made("huggingface", folder, batch_size=size), requests)

    for (context, ending), response in zip(pairs(), told, strict=True):
        whole = direct.encode(context + ending)
        asked = len(whole) - len(direct.encode(context))
        logprob, is_greedy = direct.of(whole, asked)
        assert response.logprob == pytest.approx(logprob, abs=TOLERANCE)
        assert response.is_greedy == is_greedy
        assert response.n_tokens == asked
        assert response.usage.input_tokens == len(whole)
    assert max(response.n_tokens for response in told) > 3


def test_a_space_at_the_end_of_a_context_is_the_continuations(
    folder: Path, direct: Direct
) -> None:
    request = Loglikelihood(context="The colour is ", continuation="red")

    told = ask(made("huggingface", folder), request)

    whole = direct.encode("The colour is red")
    asked = len(whole) - len(direct.encode("The colour is"))
    assert told.logprob == pytest.approx(direct.of(whole, asked)[0], abs=TOLERANCE)


def test_an_empty_context_is_the_token_that_ends_texts_where_none_begins_them(
    folder: Path, direct: Direct
) -> None:
    assert direct.tokenizer.bos_token_id is None

    told = ask(
        made("huggingface", folder), Loglikelihood(context="", continuation="red one")
    )

    own = direct.encode("red one")
    expected, is_greedy = direct.of([direct.tokenizer.eos_token_id, *own], len(own))
    assert told.logprob == pytest.approx(expected, abs=TOLERANCE)
    assert told.is_greedy == is_greedy
    assert told.n_tokens == len(own)


def test_a_context_over_the_limit_is_cut_from_the_left(
    folder: Path, direct: Direct
) -> None:
    context, ending = "The quick brown fox jumps. " * 30, " Over the lazy dog"
    backend = made("huggingface", folder, max_length=64)

    told = ask(backend, Loglikelihood(context=context, continuation=ending))

    whole = direct.encode(context.rstrip() + " " + ending)
    asked = len(whole) - len(direct.encode(context.rstrip()))
    # The last token is only asked about, so one more than the limit has a place.
    expected, is_greedy = direct.of(whole[-65:], asked)
    assert told.logprob == pytest.approx(expected, abs=TOLERANCE)
    assert told.is_greedy == is_greedy
    (note,) = told.notes
    assert note.startswith(
        f"the first {len(whole) - 65} tokens of the prompt were left"
    )


@pytest.mark.parametrize("length", [5, 16, 17, 40])
def test_a_whole_text_is_read_in_windows_each_token_once(
    folder: Path, direct: Direct, length: int
) -> None:
    text = "The capital of France is Paris. Yes, no, one, two, three, four, five."
    backend = made("huggingface", folder, max_length=length, batch_size=3)

    told = ask(backend, RollingLoglikelihood(text=text))

    # Written out by hand: blocks of so many tokens, each after all that fits before it.
    tokens = [direct.tokenizer.eos_token_id, *direct.encode(text)]
    expected = 0.0
    for begin in range(1, len(tokens), length):
        end = min(begin + length, len(tokens))
        window = tokens[max(0, end - length - 1) : end]
        expected += direct.of(window, end - begin)[0]
    assert told.logprob == pytest.approx(expected, abs=TOLERANCE)
    assert told.n_tokens == len(tokens) - 1


def test_an_empty_text_is_certain(tiny_text: Path) -> None:
    told = ask(made("huggingface", tiny_text), RollingLoglikelihood(text=""))

    assert (told.logprob, told.is_greedy, told.n_tokens) == (0.0, True, 0)


def test_likelihoods_and_texts_may_be_asked_at_once(tiny_qwen2_5_vl: Path) -> None:
    from tests.local.asking import sights

    requests: list[Any] = []
    for number, (pair, sight) in enumerate(zip(pairs(), sights(), strict=False)):
        requests.append(Loglikelihood(context=pair[0], continuation=pair[1]))
        requests.append(sight)
        requests.append(RollingLoglikelihood(text=f"{number} circles"))

    backend = made("qwen2_5_vl", tiny_qwen2_5_vl, batch_size=8)
    together = ask_all(backend, requests)
    alone = ask_all(made("qwen2_5_vl", tiny_qwen2_5_vl), requests)

    for one, two in zip(together, alone, strict=True):
        if hasattr(one, "text"):
            assert one.text == two.text
        else:
            assert one.logprob == pytest.approx(two.logprob, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("continuation", "words"),
    [("", "no token of its own"), (" red" * 600, "leaves no room for its context")],
)
def test_a_continuation_without_tokens_or_room_is_refused(
    tiny_text: Path, continuation: str, words: str
) -> None:
    request = Loglikelihood(context="The colour is", continuation=continuation)

    with pytest.raises(RequestRejectedError, match=words):
        ask(made("huggingface", tiny_text), request)


def test_the_tokens_of_a_prompt_are_told_with_their_likelihoods(
    tiny_text: Path,
) -> None:
    direct = Direct(tiny_text)
    backend = made("huggingface", tiny_text)
    tokens = tuple(direct.encode("The colour is red"))

    async def told() -> Any:
        by_tokens = await backend.prompt_logprobs(tokens, 2)
        by_text = await backend.prompt_logprobs("The colour is red", 2)
        split = await backend.tokenize("The colour is red", with_special=False)
        await backend.aclose()
        return by_tokens, by_text, split

    by_tokens, by_text, split = asyncio.run(told())

    assert split == tokens
    assert by_tokens == by_text
    assert "".join(one.text for one in by_tokens) == "The colour is red"
    assert by_tokens[0].logprob is None
    total = sum(one.logprob for one in by_tokens[1:])
    expected = direct.of(list(tokens), len(tokens) - 1)[0]
    assert total == pytest.approx(expected, abs=TOLERANCE)
    assert all(len(one.top) == 2 for one in by_tokens[1:])


@pytest.mark.parametrize("prompt", [(), (10**6,), "word " * 600])
def test_a_prompt_that_is_none_is_refused(tiny_text: Path, prompt: Any) -> None:
    backend = made("huggingface", tiny_text)

    async def ask_for_it() -> None:
        try:
            await backend.prompt_logprobs(prompt, 1)
        finally:
            await backend.aclose()

    with pytest.raises(RequestRejectedError, match=r"tokens|vocabulary"):
        asyncio.run(ask_for_it())
