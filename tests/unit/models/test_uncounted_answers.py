from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.messages import ImagePart, ImageSource, Message, ToolCallPart
from pytest_evalkit.mockserver import MockServer, Reply, serve_in_thread
from pytest_evalkit.mockserver.behaviour import Behaviour
from pytest_evalkit.models import make_backend
from pytest_evalkit.models.backend import IdentifiedBackend
from pytest_evalkit.models.description import model_identity
from pytest_evalkit.values import Generate, GenerationParameters, Response, Tool
from tests.unit.models.counting_models import counter_of, counts, write_model

CALL = ToolCallPart(id="c1", name="look", arguments='{"at": "a"}')
LOOK = Tool(name="look", description="it looks", parameters={})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model(tmp_path)


def answer(
    reply: str | Reply, request: Generate, name: str = "openai", **settings: Any
) -> Response:
    """Ask a server that does not say what its answers cost."""

    async def ask(url: str) -> Response:
        told = {"model": "m", "api_key": "k", "base_url": url, **settings}
        backend = make_backend(name, told)
        try:
            return await backend.generate(request)
        finally:
            await backend.aclose()

    behaviour = Behaviour(tells_usage=False)
    with serve_in_thread(MockServer(lambda _: reply, behaviour=behaviour)) as server:
        return asyncio.run(ask(server.url))


def question(**changes: Any) -> Generate:
    said = (Message.of_text("user", "what is new"),)
    return Generate(**{"messages": said, **changes})


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_brings_what_its_tokens_are_counted_by(
    folder: Path, stream: bool
) -> None:
    reply = Reply(text="one moment", reasoning="let me look", tool_calls=(CALL,))

    response = answer(
        reply, question(tools=(LOOK,)), stream=stream, counting_tokenizer=str(folder)
    )

    assert response.usage is None
    assert response.uncounted is not None
    tool = {"name": "look", "description": "it looks", "parameters": {}}
    offered = json.dumps({"type": "function", "function": tool})
    # <s>; the tool; <|user|> what is new <|end|> <|assistant|>
    prompt = 1 + 2 + len(offered.split()) + 5 + 1
    # <think> let me look </think> one moment <call> look {"at": "a"} </call> <|end|>
    said = 5 + 2 + 5 + 1
    counted = counter_of(folder).count(response.uncounted)
    assert counts(counted) == (prompt, said, "template")


def test_words_after_a_stop_text_were_generated_too(folder: Path) -> None:
    request = question(parameters=GenerationParameters(stop=("stop",)))

    response = answer("so stop here", request, counting_tokenizer=str(folder))

    assert response.text == "so "
    assert response.uncounted is not None
    assert counter_of(folder).count(response.uncounted).output_tokens == 4


def test_a_request_with_media_is_not_kept(folder: Path) -> None:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(stream, format="PNG")
    picture = ImagePart(ImageSource.of_bytes(stream.getvalue()))
    request = question(messages=(Message("user", (picture,)),))

    response = answer("a cat", request, counting_tokenizer=str(folder))

    assert response.uncounted is not None
    assert response.uncounted.payload is None
    counted = counter_of(folder).count(response.uncounted)
    assert counts(counted) == (None, 3, "template")


@pytest.mark.parametrize("stream", [True, False])
def test_a_completion_is_counted_as_the_text_that_it_is(
    folder: Path, stream: bool
) -> None:
    response = answer(
        "nothing much",
        question(),
        "openai-completions",
        stream=stream,
        counting_tokenizer=str(folder),
    )

    assert response.uncounted is not None
    counted = counter_of(folder).count(response.uncounted)
    assert counts(counted) == (4, 2, "text")


def test_a_completion_of_token_ids_has_so_many(folder: Path) -> None:
    response = answer(
        "nothing much",
        question(),
        "openai-completions",
        tokenizer=str(folder),
        counting_tokenizer=str(folder),
    )

    assert response.uncounted is not None
    assert counter_of(folder).count(response.uncounted).input_tokens == 3


@pytest.mark.parametrize("name", ["openai", "openai-completions"])
def test_without_a_tokenizer_nothing_is_kept(name: str) -> None:
    assert answer("so", question(), name).uncounted is None


def test_who_counts_is_no_part_of_a_model(folder: Path) -> None:
    plain = {"model": "m", "api_key": "k"}
    counting = {
        **plain,
        "counting_tokenizer": str(folder),
        "counting_revision": "v1",
        "counting_template": "{{ a }}",
    }

    async def identity(told: dict[str, str]) -> Any:
        backend = make_backend("openai", told)
        assert isinstance(backend, IdentifiedBackend)
        known = model_identity(backend.describe()), await backend.identity()
        await backend.aclose()
        return known

    assert asyncio.run(identity(plain)) == asyncio.run(identity(counting))
