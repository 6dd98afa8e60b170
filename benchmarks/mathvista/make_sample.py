"""Draw the sample of MathVista: small figures with a question of each kind.

``python benchmarks/mathvista/make_sample.py`` writes ``sample/testmini.parquet`` beside
this file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# What is written in the figure, the question, its options, its unit, the places of the
# number, the answer, and the kind of the answer.
QUESTIONS = (
    ("3/4 shaded", "What fraction is shaded?", ["1/4", "3/4", "1/2"], "", None, "3/4"),
    ("A < B", "Is A less than B?", ["Yes", "No"], "", None, "Yes"),
    ("14, 21, ?", "Which number comes next?", None, "", None, "28"),
    ("$4.50 + $2.25", "What is to be paid?", None, "$", 2.0, "6.75"),
    ("r = 2.5", "What is the diameter?", None, "cm", 1.0, "5.0"),
    ("2007 - 2008", "Between which years is the line?", None, "", None, "[2007, 2008]"),
)
# The columns that hold texts.
TEXTS = (
    *("pid", "question", "image", "unit", "answer", "question_type", "answer_type"),
    "query",
)


def draw_figure(text: str) -> Any:
    """Write a text in a frame."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (112, 48), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((3, 3, 108, 44), outline="navy")
    pen.text((14, 18), text, fill="black")
    return image


def answer_type(choices: list[str] | None, precision: float | None, answer: str) -> str:
    """Name the kind of an answer as the data set does."""
    if choices:
        return "text"
    if answer.startswith("["):
        return "list"
    return "integer" if precision is None else "float"


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    rows = []
    for number, (text, question, choices, unit, precision, answer) in enumerate(
        QUESTIONS, start=1
    ):
        row = {
            "pid": str(number),
            "question": question,
            "image": f"images/{number}.jpg",
            "decoded_image": draw_figure(text),
            "choices": choices,
            "unit": unit or None,
            "precision": precision,
            "answer": answer,
            "question_type": "multi_choice" if choices else "free_form",
            "answer_type": answer_type(choices, precision, answer),
            "metadata": {
                "category": "math-targeted-vqa",
                "context": "synthetic scene",
                "grade": "elementary school",
                "img_height": 48,
                "img_width": 112,
                "language": "english",
                "skills": ["arithmetic reasoning"],
                "source": "drawn",
                "split": "testmini",
                "task": "math word problem",
            },
            "query": question,
        }
        rows.append(row)
    return rows


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, List, Value

    text = Value("string")
    of_image = {"img_height": Value("int64"), "img_width": Value("int64")}
    names = ("category", "context", "grade", "language", "source", "split", "task")
    columns = dict.fromkeys(TEXTS, text) | {
        "decoded_image": Image(),
        "choices": List(text),
        "precision": Value("float64"),
        "metadata": dict.fromkeys(names, text) | of_image | {"skills": List(text)},
    }
    rows = Dataset.from_list(plan_rows(), features=Features(columns))
    path = Path(__file__).parent / "sample" / "testmini.parquet"
    path.parent.mkdir(exist_ok=True)
    rows.to_parquet(path)


if __name__ == "__main__":
    main()
