"""What every backend promises; a new one is one more line in ``MAKERS``."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.messages import ImagePart, ImageSource, Message, TextPart
from pytest_evalkit.mockserver import MockServer, serve_in_thread
from pytest_evalkit.mockserver.answers import echo
from pytest_evalkit.models import Backend, MockBackend, make_backend
from pytest_evalkit.models.backend import IdentifiedBackend
from pytest_evalkit.values import Generate, Origin, Response
from tests.local.standing import LOCAL, SEEING, local_backend

SECRET = "sk-hush"  # not a real one
DOCUMENTS = 8
COLOURS = ((220, 40, 40), (40, 160, 60), (40, 80, 220), (0, 0, 0))
NAMES = ("red", "green", "blue", "black")

Maker = Callable[[str, Path], Backend]


def _replay(_url: str, folder: Path) -> Backend:
    rows = [{"doc_id": n, "resps": NAMES[n % len(NAMES)]} for n in range(DOCUMENTS)]
    path = folder / "recorded.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return make_backend("replay", {"path": str(path)})


def _endpoint(name: str) -> Maker:
    return lambda url, _: make_backend(
        name, {"model": "m", "base_url": url, "api_key": SECRET}
    )


def _local(label: str) -> Maker:
    # Beside the folders of single tests, so that a checkpoint is written once.
    return lambda _, folder: local_backend(label, folder.parent)


MAKERS: dict[str, Maker] = {
    "openai": _endpoint("openai"),
    "openai-completions": _endpoint("openai-completions"),
    "vllm": _endpoint("vllm"),
    "sglang": _endpoint("sglang"),
    "replay": _replay,
    "oracle": lambda *_: make_backend("oracle", {}),
    "random": lambda *_: make_backend("random", {"seed": 3}),
    "constant": lambda *_: make_backend("constant", {"text": "red"}),
    "demo": lambda *_: make_backend("demo", {}),
    "mock": lambda *_: MockBackend(lambda request: request.messages[0].text),
    **{label: _local(label) for label in LOCAL},
}
# These answer a colour whatever they are asked, and local models with random weights
# whatever comes; the others, the colour of the document.
UNMOVED = {"random", "constant"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_in_thread(MockServer(echo)) as server:
        yield server.url


@pytest.fixture(params=MAKERS)
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def backend(name: str, url: str, tmp_path: Path) -> Backend:
    return MAKERS[name](url, tmp_path)


def ask(name: str, doc_id: int) -> Generate:
    colour = NAMES[doc_id % len(NAMES)]
    origin = Origin(task="colours", doc_id=doc_id, doc={}, target=colour, choices=NAMES)
    message = Message.of_text("user", colour)
    if name == "demo" or name in SEEING:
        question = TextPart("What colour is the square?")
        message = Message("user", (ImagePart(_square(doc_id)), question))
    return Generate(messages=(message,), origin=origin)


def _square(doc_id: int) -> ImageSource:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (96, 96), "white")
    fill = COLOURS[doc_id % len(COLOURS)]
    ImageDraw.Draw(image).rectangle((20, 20, 40, 40), fill=fill)
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return ImageSource.of_bytes(stream.getvalue())


async def answer_all(backend: Backend, name: str) -> list[Response]:
    requests = [ask(name, doc_id) for doc_id in range(DOCUMENTS)]
    return await asyncio.gather(*map(backend.generate, requests))


async def answers_one_by_one(backend: Backend, name: str) -> list[str]:
    asked = [await backend.generate(ask(name, n)) for n in range(DOCUMENTS)]
    await backend.aclose()
    return [response.text for response in asked]


async def answer_and_close(backend: Backend, name: str) -> list[Response]:
    try:
        return await answer_all(backend, name)
    finally:
        await backend.aclose()


def test_it_is_a_backend_with_a_name(backend: Backend) -> None:
    assert isinstance(backend, Backend)
    assert backend.model_name


def test_it_describes_itself_as_json_without_secrets(backend: Backend) -> None:
    text = json.dumps(backend.describe())

    assert json.loads(text)
    assert SECRET not in text
    assert SECRET not in repr(backend)


# Answers of the others cost nothing, or are no model's.
IDENTIFIED = {"openai", "openai-completions", "vllm", "sglang", "demo", *LOCAL}


def test_it_says_what_its_answers_depend_on_where_they_may_be_kept(
    backend: Backend, name: str, url: str, tmp_path: Path
) -> None:
    assert isinstance(backend, IdentifiedBackend) == (name in IDENTIFIED)
    if not isinstance(backend, IdentifiedBackend):
        return

    async def identities() -> list[str]:
        told = []
        for one in (backend, MAKERS[name](url, tmp_path)):
            assert isinstance(one, IdentifiedBackend)
            told += [json.dumps(asdict(await one.identity()))]
            await one.aclose()
        return told

    first, second = asyncio.run(identities())
    assert first == second
    for hidden in (SECRET, url, str(tmp_path), str(tmp_path.parent)):
        assert hidden not in first


def test_concurrent_requests_get_their_own_answers(backend: Backend, name: str) -> None:
    responses = asyncio.run(answer_and_close(backend, name))

    assert all(isinstance(response, Response) for response in responses)
    texts = [response.text for response in responses]
    if name in UNMOVED:
        assert set(texts) <= set(NAMES)
    elif name in LOCAL:
        assert texts == asyncio.run(answers_one_by_one(backend, name))
        assert len(set(texts)) > 1
    else:
        assert texts == [NAMES[n % len(NAMES)] for n in range(DOCUMENTS)]


def test_the_same_question_has_the_same_answer(backend: Backend, name: str) -> None:
    async def twice() -> list[list[str]]:
        runs: list[Any] = [await answer_all(backend, name) for _ in range(2)]
        await backend.aclose()
        return [[response.text for response in run] for run in runs]

    first, second = asyncio.run(twice())

    assert first == second


def test_closing_twice_or_before_any_request_is_harmless(
    backend: Backend, name: str
) -> None:
    async def close_often() -> None:
        await backend.aclose()
        await answer_and_close(backend, name)
        await backend.aclose()

    asyncio.run(close_often())


def test_it_serves_one_event_loop_after_another(backend: Backend, name: str) -> None:
    first = asyncio.run(answer_all(backend, name))
    second = asyncio.run(answer_and_close(backend, name))

    assert [response.text for response in first] == [
        response.text for response in second
    ]


def test_a_request_that_is_cancelled_leaves_the_backend_usable(
    backend: Backend, name: str
) -> None:
    async def cancel_then_ask() -> Response:
        task = asyncio.ensure_future(backend.generate(ask(name, 0)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        responses = await answer_and_close(backend, name)
        return responses[0]

    text = asyncio.run(cancel_then_ask()).text
    assert text if name in LOCAL else text in NAMES
