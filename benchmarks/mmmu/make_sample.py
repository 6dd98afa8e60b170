"""Draw the sample of MMMU: multiple choice and open questions, with one to three images.

``python benchmarks/mmmu/make_sample.py`` writes ``sample/validation.parquet`` beside this
file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Subject, question, options, answer, texts of the images.
QUESTIONS = (
    (
        "Math",
        "<image 1> What is the area of the square?",
        ["4", "8", "16", "32"],
        "C",
        ("side 4",),
    ),
    (
        "Art",
        "Which of these shows a circle?",
        ["<image 1>", "<image 2>", "<image 3>"],
        "B",
        ("[ ]", "( )", "/\\"),
    ),
    (
        "Biology",
        "In the chain <image 1>, what eats grass?",
        ["the fox that is drawn on the right", "the hare", "nothing at all", "the sun"],
        "B",
        ("grass > hare > fox",),
    ),
    ("Physics", "How many ohms is R? <image 1>", [], "1250", ("6 V, 4.8 mA",)),
    ("Economics", "Read the rise from <image 1>.", [], "['0.06', '6%']", ("+6%",)),
    ("Chemistry", "Which metal is it? <image 1>", [], "Copper", ("Cu",)),
)


def draw_text(text: str) -> Any:
    """Write a text on white."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (20 + 7 * len(text), 28), "white")
    ImageDraw.Draw(image).text((8, 8), text, fill="black")
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    rows = []
    for number, (subject, question, options, answer, shown) in enumerate(QUESTIONS):
        drawn = [draw_text(text) for text in shown] + [None] * (7 - len(shown))
        row = {
            "id": f"validation_{subject}_{number + 1}",
            "question": question,
            "options": repr(options),
            "explanation": "",
            **{f"image_{place + 1}": image for place, image in enumerate(drawn)},
            "img_type": "['Diagrams']",
            "answer": answer,
            "topic_difficulty": "Easy",
            "question_type": "multiple-choice" if options else "open",
            "subfield": subject,
        }
        rows.append(row)
    return rows


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, Value

    names = ("id", "question", "options", "explanation", "img_type", "answer")
    columns: dict[str, Any] = {
        name: Value("string")
        for name in (*names, "topic_difficulty", "question_type", "subfield")
    }
    columns |= {f"image_{place}": Image() for place in range(1, 8)}
    path = Path(__file__).parent / "sample" / "validation.parquet"
    path.parent.mkdir(exist_ok=True)
    Dataset.from_list(plan_rows(), features=Features(columns)).to_parquet(path)


if __name__ == "__main__":
    main()
