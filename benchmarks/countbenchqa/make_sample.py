"""Draw the sample of CountBenchQA: small pictures of things to be counted.

``python benchmarks/countbenchqa/make_sample.py`` writes ``sample/test.parquet`` beside this
file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# How many, their colour, and what they are called.
PICTURES = (
    (2, "red", "discs"),
    (3, "blue", "discs"),
    (5, "green", "discs"),
    (10, "black", "discs"),
)


def draw_discs(number: int, colour: str) -> Any:
    """Draw discs in rows of five."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (84, 40), "white")
    pen = ImageDraw.Draw(image)
    for disc in range(number):
        left, top = 4 + 16 * (disc % 5), 4 + 18 * (disc // 5)
        pen.ellipse((left, top, left + 11, top + 11), fill=colour)
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    return [
        {
            "image": draw_discs(number, colour),
            "text": f"A picture of {number} {colour} {things} on white.",
            "question": f"How many {things} are there in the image?",
            "number": number,
        }
        for number, colour, things in PICTURES
    ]


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, Value

    columns = Features(
        {
            "image": Image(),
            "text": Value("string"),
            "question": Value("string"),
            "number": Value("int64"),
        }
    )
    rows = Dataset.from_list(plan_rows(), features=columns)
    path = Path(__file__).parent / "sample" / "test.parquet"
    path.parent.mkdir(exist_ok=True)
    rows.to_parquet(path)


if __name__ == "__main__":
    main()
