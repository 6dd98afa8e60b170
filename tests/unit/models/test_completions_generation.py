from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_evalkit.errors import (
    OptionError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.messages import ImagePart, ImageSource, Message
from pytest_evalkit.mockserver import MockServer, Reply, serve_in_thread
from pytest_evalkit.mockserver.tokenizing import BOS, encode
from pytest_evalkit.models.openai_completions import OpenAICompletions
from pytest_evalkit.models.registry import make_backend
from pytest_evalkit.values import (
    Generate,
    GenerationParameters,
    Response,
    Tool,
)
from tests.unit.models.asked_completions import use


@pytest.fixture
def server() -> Iterator[MockServer]:
    server = MockServer(lambda payload: payload["prompt"].upper(), keeps_requests=True)
    with serve_in_thread(server) as running:
        yield running


def generate(
    server: MockServer, *texts: str, settings: dict[str, Any], **parameters: Any
) -> list[Response]:
    requests = [
        Generate(
            messages=(Message.of_text("user", text),),
            parameters=GenerationParameters(**parameters),
        )
        for text in texts
    ]
    responses: list[Response] = use(
        server,
        lambda backend: asyncio.gather(*map(backend.generate, requests)),
        **settings,
    )
    return responses


def completions(server: MockServer) -> list[dict[str, Any]]:
    return [one.body for one in server.received if one.path == "/v1/completions"]


def test_answers_of_a_batch_are_told_apart_by_their_index(server: MockServer) -> None:
    from pytest_evalkit.codec import encode as encode_json

    choices = [{"index": n, "text": text} for n, text in ((2, "c"), (0, "a"))]
    server.answer = lambda _: Reply(body=encode_json({"choices": choices}))

    async def ask(backend: OpenAICompletions) -> list[Any]:
        requests = [
            Generate(messages=(Message.of_text("user", text),)) for text in "xyz"
        ]
        asked = map(backend.generate, requests)
        return await asyncio.gather(*asked, return_exceptions=True)

    first, second, third = use(server, ask, batch_size=3)

    assert (first.text, third.text) == ("a", "c")
    assert isinstance(second, TransientModelError)


def test_a_choice_that_comes_twice_belongs_to_nobody(server: MockServer) -> None:
    from pytest_evalkit.codec import encode as encode_json

    choices = [{"index": 0, "text": text} for text in "ab"]
    server.answer = lambda _: Reply(body=encode_json({"choices": choices}))

    with pytest.raises(TransientModelError, match="alike"):
        generate(server, "x", "y", settings={"batch_size": 2})


def test_texts_are_generated_in_batches_too(server: MockServer) -> None:
    responses = generate(
        server, "ab", "cd", "ef", settings={"batch_size": 2}, stop=("D",)
    )

    assert [response.text for response in responses] == ["AB", "C", "EF"]
    assert [body["prompt"] for body in completions(server)] == [["ab", "cd"], "ef"]


def test_a_prompt_that_is_refused_does_not_take_its_batch_down(
    server: MockServer,
) -> None:
    server.answer = lambda payload: (
        Reply(text="too long", status=400) if payload["prompt"] == "bad" else "good"
    )

    async def ask(backend: OpenAICompletions) -> list[Any]:
        requests = [
            Generate(messages=(Message.of_text("user", text),))
            for text in ("a", "bad", "b")
        ]
        asked = map(backend.generate, requests)
        return await asyncio.gather(*asked, return_exceptions=True)

    first, second, third = use(server, ask, batch_size=3)

    assert (first.text, third.text) == ("good", "good")
    assert isinstance(second, RequestRejectedError)


@pytest.mark.parametrize(
    ("settings", "prompt"),
    [
        ({}, "Is it?"),
        ({"tokenized_requests": True}, [encode("Is it?")]),
        ({"tokenizer": "remote"}, [encode("Is it?")]),
        ({"tokenizer": "remote", "add_bos_token": True}, [[BOS, *encode("Is it?")]]),
        ({"tokenizer": "remote", "tokenized_requests": False}, "Is it?"),
    ],
)
def test_prompts_are_texts_unless_token_ids_are_asked_for(
    server: MockServer, settings: dict[str, Any], prompt: Any
) -> None:
    (response,) = generate(server, "Is it?", settings=settings)

    assert response.text.endswith("IS IT?")
    assert [body["prompt"] for body in completions(server)] == [prompt]


def test_a_prompt_of_token_ids_leaves_room_for_the_answer(server: MockServer) -> None:
    settings = {"tokenizer": "remote", "max_length": 12}

    (response,) = generate(server, "0123456789", settings=settings, max_tokens=4)

    assert completions(server)[0]["prompt"] == [encode("3456789")]
    assert response.notes == (
        "the first 3 tokens of the prompt were left out: it was too long",
    )


def test_an_answer_that_leaves_no_room_for_a_prompt_is_refused(
    server: MockServer,
) -> None:
    settings = {"tokenizer": "remote", "max_length": 12}

    with pytest.raises(RequestRejectedError, match=r"max_tokens=11.*max_length is 12"):
        generate(server, "a", settings=settings, max_tokens=11)


def test_a_streamed_completion_is_timed(server: MockServer) -> None:
    (response,) = generate(server, "Is it?", settings={"stream": True})

    assert response.text == "IS IT?"
    assert response.timing is not None
    assert response.timing.ttft_s is not None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"batch_size": 2, "stream": True}, "one prompt at a time"),
        ({"tokenizer": "./absent"}, "there is no tokenizer"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        make_backend("openai-completions", {"model": "m", **settings})


def test_pictures_and_tools_are_refused() -> None:
    from PIL import Image

    picture = ImagePart(ImageSource.of(Image.new("RGB", (2, 2), "red")))
    tool = Tool(name="add", description="Adds.", parameters={})
    backend = OpenAICompletions(model="m", base_url="http://127.0.0.1:9/v1")

    with pytest.raises(RequestRejectedError, match="takes no images"):
        asyncio.run(backend.generate(Generate(messages=(Message("user", (picture,)),))))
    with pytest.raises(RequestRejectedError, match="no tools"):
        asyncio.run(
            backend.generate(
                Generate(messages=(Message.of_text("user", "1+1"),), tools=(tool,))
            )
        )


def test_no_secret_is_told_among_the_settings() -> None:
    args = {"model": "m", "tokenizer": "org/name", "custom_prefix_token_id": 7}
    backend = make_backend("openai-completions", args)

    told = backend.describe()

    assert told["tokenizer"] == "org/name"
    assert told["custom_prefix_token_id"] == 7
    assert told["max_length"] == 2048
