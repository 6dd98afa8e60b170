from __future__ import annotations

import asyncio
import io
import threading

import pytest

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.messages import ImagePart, ImageSource, Message, TextPart
from pytest_evalkit.models.demo import Demo
from pytest_evalkit.values import Generate, Timing


def ask_colour(colour: tuple[int, int, int]) -> Generate:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (96, 96), "white")
    ImageDraw.Draw(image).rectangle((30, 30, 50, 50), fill=colour)
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    parts = (
        ImagePart(ImageSource.of_bytes(stream.getvalue())),
        TextPart("What colour is the square?\nAnswer with a single word or number."),
    )
    return Generate(messages=(Message("user", parts),))


def test_the_demo_model_answers_over_http_and_starts_again_after_it_was_closed() -> (
    None
):
    async def run() -> list[str]:
        demo = Demo()
        colours = [(220, 40, 40), (40, 80, 220)]
        answers = await asyncio.gather(
            *(demo.generate(ask_colour(colour)) for colour in colours)
        )
        await demo.aclose()
        again = await demo.generate(ask_colour((240, 200, 20)))
        await demo.aclose()
        assert again.timing is not None
        return [answer.text for answer in (*answers, again)]

    assert asyncio.run(run()) == ["red", "blue", "yellow"]


def test_the_demo_model_says_that_it_needs_a_picture() -> None:
    async def run() -> None:
        demo = Demo()
        request = Generate(
            messages=(Message.of_text("user", "What colour is the star?"),)
        )
        try:
            await demo.generate(request)
        finally:
            await demo.aclose()

    with pytest.raises(RequestRejectedError, match="needs a picture"):
        asyncio.run(run())


def servers() -> set[threading.Thread]:
    threads = threading.enumerate()
    return {thread for thread in threads if thread.name == "evalkit-mock-server"}


def test_a_server_that_is_just_starting_is_stopped_too() -> None:
    demo = Demo()
    others = servers()

    async def run() -> None:
        asking = asyncio.ensure_future(demo.generate(ask_colour((220, 40, 40))))
        while servers() == others:  # noqa: ASYNC110 - a thread of its own starts it
            await asyncio.sleep(0)
        asking.cancel()
        await demo.aclose()

    asyncio.run(run())

    assert servers() == others


def test_the_demo_model_says_when_the_first_token_came_where_that_is_measured() -> None:
    async def run() -> Timing | None:
        demo = Demo()
        demo.stream_for_latency = True
        answer = await demo.generate(ask_colour((220, 40, 40)))
        await demo.aclose()
        assert answer.text == "red"
        return answer.timing

    timing = asyncio.run(run())

    assert timing is not None
    assert timing.ttft_s is not None
