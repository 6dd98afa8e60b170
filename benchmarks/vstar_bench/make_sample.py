"""Draw the sample of V* Bench: small things in a larger image.

``python benchmarks/vstar_bench/make_sample.py`` writes ``sample/test.parquet`` beside
this file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

INSTRUCTION = "Answer with the option's letter from the given choices directly."

# Category, question, options, label.
QUESTIONS = (
    (
        "direct_attributes",
        "What is the colour of the small disc?",
        ("red", "blue", "green", "black"),
        "B",
    ),
    (
        "direct_attributes",
        "What is the shape of the gold thing?",
        ("square", "disc", "star", "cross"),
        "A",
    ),
    (
        "direct_attributes",
        "Which figure is near the lower edge?",
        ("the disc (blue)", "none", "both", "the square (gold)"),
        "D",
    ),
    (
        "relative_position",
        "Is the disc on the left or right side of the square?",
        ("right", "left"),
        "B",
    ),
    (
        "relative_position",
        "Is the square above or below the disc?",
        ("below", "above"),
        "A",
    ),
)


def draw_scene() -> Any:
    """Draw a small disc, and a square to its right and below."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (160, 120), "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((20, 20, 26, 26), fill="blue")
    pen.rectangle((130, 104, 137, 111), fill="gold")
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    rows = []
    for number, (category, question, options, label) in enumerate(QUESTIONS):
        listed = "\n".join(
            f"({letter}) {option}"
            for letter, option in zip("ABCD", options, strict=False)
        )
        row = {
            "image": draw_scene(),
            "text": f"{question}\n{listed}\n{INSTRUCTION}",
            "category": category,
            "label": label,
            "question_id": str(number),
        }
        rows.append(row)
    return rows


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, Value

    names = ("text", "category", "label", "question_id")
    columns = {"image": Image()} | {name: Value("string") for name in names}
    path = Path(__file__).parent / "sample" / "test.parquet"
    path.parent.mkdir(exist_ok=True)
    Dataset.from_list(plan_rows(), features=Features(columns)).to_parquet(path)


if __name__ == "__main__":
    main()
