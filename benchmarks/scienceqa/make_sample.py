"""Draw the sample of ScienceQA: questions with and without image and hint.

``python benchmarks/scienceqa/make_sample.py`` writes the files in ``sample/`` beside
this file, in the form of the real data set. Nothing in them is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

PHYSICS = ("natural science", "physics")
GRAMMAR = ("language science", "grammar")
# Subject and topic, hint, what is drawn (None for nothing), question, choices, answer.
QUESTIONS = (
    (
        PHYSICS,
        "",
        "N-S N-S",
        "Will these magnets attract or repel?",
        ("repel", "attract"),
        1,
    ),
    (
        PHYSICS,
        "The two bottles hold the same liquid.",
        "30 C | 60 C",
        "In which bottle do the particles move faster on average?",
        ("the right one", "the left one", "neither; both alike"),
        0,
    ),
    (
        PHYSICS,
        "A kettle boils on a stove.",
        None,
        "What moves from the stove to the kettle?",
        ("sound", "water", "light", "heat"),
        3,
    ),
    (
        GRAMMAR,
        "",
        None,
        "Which word is a verb?",
        ("table", "blue", "sing", "under", "ten"),
        2,
    ),
)


def draw_label(text: str) -> Any:
    """Write a text in a frame."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (96, 32), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((2, 2, 93, 29), outline="black")
    pen.text((10, 10), text, fill="black")
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    return [
        {
            "image": None if shown is None else draw_label(shown),
            "question": question,
            "choices": list(choices),
            "answer": answer,
            "hint": hint,
            "task": "closed choice",
            "grade": "grade4",
            "subject": subject,
            "topic": topic,
            "category": "sample",
            "skill": "sample",
            "lecture": "",
            "solution": "",
        }
        for (subject, topic), hint, shown, question, choices, answer in QUESTIONS
    ]


def main() -> None:
    """Write the sample beside this file: all rows, and those with an image."""
    from datasets import Dataset, Features, Image, List, Value

    names = ("hint", "task", "grade", "subject", "topic", "category", "skill")
    columns: dict[str, Any] = {
        name: Value("string") for name in ("question", *names, "lecture", "solution")
    }
    columns |= {"image": Image(), "choices": List(Value("string"))}
    columns |= {"answer": Value("int8")}
    rows = plan_rows()
    configurations = {
        "ScienceQA-FULL": rows,
        "ScienceQA-IMG": [row for row in rows if row["image"] is not None],
    }
    for name, own in configurations.items():
        path = Path(__file__).parent / "sample" / name / "test.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        Dataset.from_list(own, features=Features(columns)).to_parquet(path)


if __name__ == "__main__":
    main()
