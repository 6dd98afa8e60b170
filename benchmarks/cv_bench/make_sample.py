"""Draw the sample of CV-Bench: questions of all tasks and sources.

``python benchmarks/cv_bench/make_sample.py`` writes the files in ``sample/`` beside this
file, in the form of the real data set. Nothing in them is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Dimensions, task, source, question, choices, answer.
QUESTIONS = (
    ("2D", "Count", "ADE20K", "How many discs are there?", ("1", "3", "2"), "C"),
    (
        "2D",
        "Relation",
        "ADE20K",
        "Where is the large disc, seen from the small one?",
        ("left", "right"),
        "A",
    ),
    ("2D", "Count", "ADE20K", "How many red discs are there?", ("1", "0", "2"), "A"),
    (
        "2D",
        "Count",
        "COCO",
        "How many stars are there?",
        ("5", "2", "1", "0", "3", "4"),
        "D",
    ),
    (
        "3D",
        "Depth",
        "Omni3D",
        "Which disc looks closer to the camera?",
        ("the red one", "the blue one"),
        "A",
    ),
    (
        "3D",
        "Distance",
        "Omni3D",
        "Which disc is closer to the right edge?",
        ("the red one", "the blue one"),
        "B",
    ),
)


def draw_discs() -> Any:
    """Draw a large red disc and a small blue one."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (64, 40), "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((4, 4, 34, 34), fill="red")
    pen.ellipse((44, 14, 56, 26), fill="blue")
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample, of two and of three dimensions."""
    rows = []
    for number, (sides, task, source, asked, choices, answer) in enumerate(QUESTIONS):
        listed = "".join(
            f"\n({letter}) {choice}"
            for letter, choice in zip("ABCDEF", choices, strict=False)
        )
        options = f"{asked} Select from the following choices.{listed}"
        row = {
            "idx": number,
            "type": sides,
            "task": task,
            "image": draw_discs(),
            "question": asked,
            "choices": list(choices),
            "answer": f"({answer})",
            "prompt": options,
            "filename": f"img/{sides}/{task.lower()}/sample_{number}.png",
            "source": source,
        }
        rows.append(row)
    return rows


def main() -> None:
    """Write the sample beside this file: all rows, and those of each kind."""
    from datasets import Dataset, Features, Image, List, Value

    names = ("type", "task", "question", "answer", "prompt", "filename", "source")
    columns: dict[str, Any] = {name: Value("string") for name in names}
    columns |= {"idx": Value("int64"), "image": Image()}
    columns |= {"choices": List(Value("string"))}
    rows = plan_rows()
    for name in ("default", "2D", "3D"):
        own = [row for row in rows if name in ("default", row["type"])]
        path = Path(__file__).parent / "sample" / name / "test.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        Dataset.from_list(own, features=Features(columns)).to_parquet(path)


if __name__ == "__main__":
    main()
