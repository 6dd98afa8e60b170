"""Draw the sample of AI2D: a few small diagrams with questions.

``python benchmarks/ai2d/make_sample.py`` writes ``sample/test.parquet`` beside this
file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Labels of a chain from left to right; question; options; position of the right one.
QUESTIONS = (
    (
        ("grass", "hare", "fox"),
        "What does the hare eat?",
        ("fox", "grass", "hare", "none of the above"),
        1,
    ),
    (
        ("grass", "hare", "fox"),
        "Which would grow in number if there were no fox?",
        ("hare", "grass", "fox", "sun"),
        0,
    ),
    (
        ("egg", "larva", "pupa"),
        "Which stage comes last?",
        ("egg", "larva", "adult", "pupa"),
        3,
    ),
    (("A", "B", "C"), "Which label stands in the middle?", ("A", "C", "B"), 2),
)


def draw_chain(labels: tuple[str, ...]) -> Any:
    """Draw labels with arrows from each to the next."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (56 * len(labels), 40), "white")
    pen = ImageDraw.Draw(image)
    for number, label in enumerate(labels):
        left = 56 * number
        pen.text((left + 4, 14), label, fill="black")
        if number:
            pen.line((left - 14, 20, left, 20), fill="black")
            pen.polygon(((left, 20), (left - 5, 16), (left - 5, 24)), fill="black")
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    return [
        {
            "question": question,
            "options": list(options),
            "answer": str(right),
            "image": draw_chain(labels),
        }
        for labels, question, options, right in QUESTIONS
    ]


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, List, Value

    text = Value("string")
    columns = {"question": text, "options": List(text), "answer": text}
    path = Path(__file__).parent / "sample" / "test.parquet"
    path.parent.mkdir(exist_ok=True)
    features = Features(columns | {"image": Image()})
    Dataset.from_list(plan_rows(), features=features).to_parquet(path)


if __name__ == "__main__":
    main()
