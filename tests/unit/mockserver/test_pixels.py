from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.mockserver.glyphs import GLYPHS
from pytest_evalkit.mockserver.payloads import last_user_image, last_user_text
from pytest_evalkit.mockserver.pixels import answer_shapes

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw as Drawing

SHAPES = Path(__file__).parents[3] / "benchmarks" / "shapes"

RED, BLUE, BLACK = (220, 40, 40), (40, 80, 220), (0, 0, 0)


def encoded(draw: Callable[[Drawing], None]) -> bytes:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (96, 96), "white")
    draw(ImageDraw.Draw(image))
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return stream.getvalue()


def look(content: bytes, question: str) -> str:
    url = "data:image/png;base64," + base64.b64encode(content).decode()
    parts = [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": f"{question}\nAnswer with a single word or number."},
    ]
    return answer_shapes({"messages": [{"role": "user", "content": parts}]}).text


def draw_shape(
    drawing: Drawing, shape: str, corner: tuple[int, int], fill: Any
) -> None:
    x, y = corner
    if shape == "square":
        drawing.rectangle((x, y, x + 19, y + 19), fill=fill)
    elif shape == "circle":
        drawing.ellipse((x, y, x + 19, y + 19), fill=fill)
    elif shape == "triangle":
        drawing.polygon(((x + 10, y), (x, y + 20), (x + 20, y + 20)), fill=fill)
    elif shape == "diamond":
        middle = ((x + 10, y), (x + 20, y + 10), (x + 10, y + 20), (x, y + 10))
        drawing.polygon(middle, fill=fill)
    else:
        drawing.rectangle((x + 7, y, x + 13, y + 20), fill=fill)
        drawing.rectangle((x, y + 7, x + 20, y + 13), fill=fill)


KINDS = ("square", "circle", "triangle", "diamond", "cross")


@pytest.mark.parametrize("shape", KINDS)
def test_each_shape_and_its_colour_are_told(shape: str) -> None:
    content = encoded(lambda drawing: draw_shape(drawing, shape, (30, 40), BLUE))

    assert look(content, "What shape is the blue figure?") == shape
    assert look(content, f"What colour is the {shape}?") == "blue"
    assert look(content, "What shape is the red figure?") == "unknown"


def test_shapes_of_each_kind_are_counted() -> None:
    def draw(drawing: Drawing) -> None:
        draw_shape(drawing, "cross", (5, 5), RED)
        draw_shape(drawing, "cross", (40, 5), BLUE)
        draw_shape(drawing, "circle", (5, 60), BLUE)

    content = encoded(draw)

    assert look(content, "How many crosses are there?") == "2"
    assert look(content, "How many circles are there?") == "1"
    assert look(content, "How many squares are there?") == "0"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Is the circle left of the square?", "yes"),
        ("Is the square left of the circle?", "no"),
        ("Is the square right of the circle?", "yes"),
        ("Is the circle above the square?", "no"),
        ("Is the circle below the square?", "yes"),
        ("Is the circle before the square?", "unknown"),
        ("Is the circle left of the moon?", "unknown"),
    ],
)
def test_positions_are_compared(question: str, expected: str) -> None:
    def draw(drawing: Drawing) -> None:
        draw_shape(drawing, "circle", (10, 50), RED)
        draw_shape(drawing, "square", (60, 10), RED)

    assert look(encoded(draw), question) == expected


def draw_word(drawing: Drawing, word: str, corner: tuple[int, int]) -> None:
    for place, letter in enumerate(word):
        for row, dots in enumerate(GLYPHS[letter].split()):
            for column, dot in enumerate(dots):
                x = corner[0] + 12 * place + 2 * column
                y = corner[1] + 2 * row
                if dot == "#":
                    drawing.rectangle((x, y, x + 1, y + 1), fill=RED)


@pytest.mark.parametrize("word", ["JIB", "INDIGO", "QUARTZ", "VEXFLY", "WHIM", "KCPS"])
def test_words_are_read_through_specks(word: str) -> None:
    def draw(drawing: Drawing) -> None:
        draw_word(drawing, word, (7, 31))
        drawing.point([(3, 3), (80, 33), (50, 70), (40, 90)], fill=BLACK)

    assert look(encoded(draw), "What word is written in the picture?") == word.lower()


def test_an_empty_picture_has_neither_shape_nor_word() -> None:
    content = encoded(lambda _: None)

    assert look(content, "How many squares are there?") == "0"
    assert look(content, "What colour is the square?") == "unknown"
    assert look(content, "What word is written in the picture?") == "unknown"


def test_a_question_of_another_kind_is_unknown_to_it() -> None:
    question = "What is the capital of France?"
    alone = {"messages": [{"role": "user", "content": question}]}

    assert look(encoded(lambda _: None), question) == "unknown"
    assert answer_shapes(alone).text == "unknown"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("What colour is the star?", "needs a picture"),
        (
            [{"type": "text", "text": "How many stars are there?\nCount."}],
            "needs a picture",
        ),
        ([{"type": "image_url", "image_url": {"url": "http://h/x.png"}}], "needs"),
        (
            [{"type": "image_url", "image_url": {"url": "data:image/png;base64,!"}}],
            "needs",
        ),
        (
            [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}],
            "cannot be decoded",
        ),
    ],
)
def test_without_a_picture_there_is_an_error_and_no_answer(
    content: Any, said: str
) -> None:
    reply = answer_shapes({"messages": [{"role": "user", "content": content}]})

    assert reply.status == 400
    assert said in reply.text


def test_only_the_last_thing_the_user_said_counts() -> None:
    payload = {
        "messages": [
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "answer"},
            {
                "role": "user",
                "content": [{"type": "text", "text": "se"}, {"text": "cond"}],
            },
            {"role": "assistant", "content": "prefix"},
        ]
    }

    assert last_user_text(payload) == "second"
    assert last_user_image(payload) is None
    assert last_user_text({"messages": []}) == ""
    assert last_user_text({"prompt": "text"}) == "text"


@pytest.mark.skipif(
    not (SHAPES / "data" / "test.jsonl").exists(),
    reason="benchmarks/shapes has no data",
)
def test_the_demo_model_is_right_on_most_of_its_benchmark_by_looking() -> None:
    lines = (SHAPES / "data" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]

    right = [
        look((SHAPES / "data" / row["image"]).read_bytes(), row["question"])
        == row["answer"]
        for row in rows
    ]

    assert 0.9 <= sum(right) / len(right) < 1
