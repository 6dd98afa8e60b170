"""Draw the sample of MME: one image and two questions for each category.

``python benchmarks/mme/make_sample.py`` writes ``sample/test.parquet`` beside this file,
in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SIDE = 64
INSTRUCTION = " Please answer yes or no."


def _existence(pen: ImageDraw) -> None:
    pen.ellipse((16, 16, 48, 48), fill="orange")


def _count(pen: ImageDraw) -> None:
    for left in (6, 26, 46):
        pen.rectangle((left, 26, left + 12, 38), fill="blue")


def _position(pen: ImageDraw) -> None:
    pen.ellipse((6, 24, 22, 40), fill="red")
    pen.rectangle((42, 24, 58, 40), fill="green")


def _color(pen: ImageDraw) -> None:
    pen.rectangle((8, 28, 56, 44), fill="red")
    for left in (14, 40):
        pen.ellipse((left, 38, left + 12, 50), fill="black")


def _posters(pen: ImageDraw) -> None:
    pen.rectangle((8, 4, 56, 60), outline="black", fill="lightyellow")
    pen.text((14, 8), "THE SUN", fill="black")
    pen.ellipse((20, 28, 44, 52), fill="gold")


def _celebrity(pen: ImageDraw) -> None:
    pen.ellipse((24, 6, 40, 22), outline="black")
    pen.line((32, 22, 32, 42), fill="black")
    pen.line((18, 30, 46, 30), fill="black")
    pen.text((22, 46), "ADA", fill="black")


def _scene(pen: ImageDraw) -> None:
    pen.rectangle((0, 0, 64, 36), fill="skyblue")
    pen.rectangle((0, 36, 64, 64), fill="navy")
    pen.polygon(((20, 40), (44, 40), (38, 48), (26, 48)), fill="brown")
    pen.polygon(((32, 14), (32, 38), (46, 38)), fill="white")


def _landmark(pen: ImageDraw) -> None:
    pen.polygon(((4, 54), (32, 8), (60, 54)), fill="goldenrod")


def _artwork(pen: ImageDraw) -> None:
    pen.rectangle((4, 4, 60, 60), outline="brown", width=4)
    pen.ellipse((22, 14, 42, 40), fill="peru")
    pen.rectangle((16, 40, 48, 56), fill="darkgreen")


def _ocr(pen: ImageDraw) -> None:
    pen.text((18, 26), "OPEN", fill="black")


def _commonsense(pen: ImageDraw) -> None:
    pen.rectangle((24, 4, 40, 60), fill="dimgray")
    pen.ellipse((26, 6, 38, 18), fill="red")
    for top in (24, 42):
        pen.ellipse((26, top, 38, top + 12), fill="black")


def _calculation(pen: ImageDraw) -> None:
    pen.text((14, 26), "7 + 5 =", fill="black")


def _translation(pen: ImageDraw) -> None:
    pen.text((18, 26), "Hund", fill="black")


def _code(pen: ImageDraw) -> None:
    pen.text((6, 16), "a = 2", fill="black")
    pen.text((6, 32), "print(a*3)", fill="black")


# Category: what is drawn, a question with the answer yes, one with the answer no.
SUBJECTS: dict[str, tuple[Callable[[ImageDraw], None], str, str]] = {
    "existence": (
        _existence,
        "Is there an orange disc in this image?",
        "Is there a bicycle in this image?",
    ),
    "count": (
        _count,
        "Are there three blue squares in the image?",
        "Are there five blue squares in the image?",
    ),
    "position": (
        _position,
        "Is the red disc on the left side of the green square?",
        "Is the red disc on the right side of the green square?",
    ),
    "color": (
        _color,
        "Is there a red car in the image?",
        "Is there a green car in the image?",
    ),
    "posters": (
        _posters,
        "Is this poster titled The Sun?",
        "Is this poster titled The Moon?",
    ),
    "celebrity": (
        _celebrity,
        "Is the person with the label below called Ada?",
        "Is the person with the label below called Otto?",
    ),
    "scene": (
        _scene,
        "Does this image show a boat on the sea?",
        "Does this image show a library?",
    ),
    "landmark": (
        _landmark,
        "Is this a drawing of a pyramid?",
        "Is this a drawing of a lighthouse?",
    ),
    "artwork": (
        _artwork,
        "Is this artwork a portrait?",
        "Is this artwork a landscape?",
    ),
    "OCR": (
        _ocr,
        'Is the word in the image "OPEN"?',
        'Is the word in the image "CLOSED"?',
    ),
    "commonsense_reasoning": (
        _commonsense,
        "The light in the image is for cars. Should a driver stop?",
        "The light in the image is for cars. Should a driver go on?",
    ),
    "numerical_calculation": (
        _calculation,
        "Is the answer to the sum in the image 12?",
        "Is the answer to the sum in the image 13?",
    ),
    "text_translation": (
        _translation,
        'The word in the image is German. Is it "dog" in English?',
        'The word in the image is German. Is it "cat" in English?',
    ),
    "code_reasoning": (
        _code,
        'The image shows Python code. Is its output "6"?',
        'The image shows Python code. Is its output "5"?',
    ),
}


def draw_image(draw: Callable[[ImageDraw], None]) -> Image:
    """Draw one subject on white."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (SIDE, SIDE), "white")
    draw(ImageDraw.Draw(image))
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample; both questions of an image share its id."""
    rows = []
    for category, (draw, *questions) in SUBJECTS.items():
        image = draw_image(draw)
        for question, answer in zip(questions, ("Yes", "No"), strict=True):
            row = {
                "question_id": f"{category}/0001.png",
                "image": image,
                "question": question + INSTRUCTION,
                "answer": answer,
                "category": category,
            }
            rows.append(row)
    return rows


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, Value

    columns = {
        name: Value("string")
        for name in ("question_id", "question", "answer", "category")
    }
    rows = Dataset.from_list(
        plan_rows(), features=Features(columns | {"image": Image()})
    )
    path = Path(__file__).parent / "sample" / "test.parquet"
    path.parent.mkdir(exist_ok=True)
    rows.to_parquet(path)


if __name__ == "__main__":
    main()
