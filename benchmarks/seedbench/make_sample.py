"""Draw the sample of SEED-Bench: images, and films as several frames.

``python benchmarks/seedbench/make_sample.py`` writes ``sample/test.parquet`` beside this
file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Places of the disc in each frame, question, options, answer.
QUESTIONS = (
    ((8,), "What is in the image?", ("a disc", "a star", "a cross", "a cat"), "A"),
    ((8,), "How many discs are there?", ("Two", "One", "Three", "Four"), "B"),
    ((30,), "Which side is empty?", ("The top", "The right", "The left", "None"), "C"),
    (
        (4, 18, 32),
        "What does the disc do?",
        ("It falls", "It shrinks", "It stays", "It moves right"),
        "D",
    ),
    (
        (32, 18, 4),
        "Where is the disc in the end?",
        ("On the left", "In the middle", "On the right", "It is gone"),
        "A",
    ),
)


def draw_frame(left: int) -> Any:
    """Draw a disc at a place."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (48, 24), "white")
    ImageDraw.Draw(image).ellipse((left, 6, left + 12, 18), fill="blue")
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    rows = []
    for number, (places, question, options, answer) in enumerate(QUESTIONS):
        row = {
            "answer": answer,
            **{
                f"choice_{letter}": option
                for letter, option in zip("abcd", options, strict=True)
            },
            "data_id": f"sample_{number}",
            "data_type": "image" if len(places) == 1 else "video",
            "question": question,
            "question_id": str(number),
            "question_type_id": 1 if len(places) == 1 else 10,
            "image": [draw_frame(left) for left in places],
            "segment": [] if len(places) == 1 else ["0.0", "1.0"],
        }
        rows.append(row)
    return rows


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, List, Value

    names = ("answer", *(f"choice_{letter}" for letter in "abcd"), "data_id")
    columns: dict[str, Any] = {
        name: Value("string") for name in (*names, "data_type", "question")
    }
    columns |= {"question_id": Value("string"), "question_type_id": Value("int16")}
    columns |= {"image": List(Image()), "segment": List(Value("string"))}
    path = Path(__file__).parent / "sample" / "test.parquet"
    path.parent.mkdir(exist_ok=True)
    Dataset.from_list(plan_rows(), features=Features(columns)).to_parquet(path)


if __name__ == "__main__":
    main()
