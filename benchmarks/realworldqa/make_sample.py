"""Draw the sample of RealWorldQA: questions of each kind that it has.

``python benchmarks/realworldqa/make_sample.py`` writes ``sample/test.parquet`` beside
this file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

LETTER = "Please answer directly with only the letter of the correct option and nothing else."
WORD = "Please answer directly with a single word or number."

# Colours of discs from left to right, question, answer.
QUESTIONS = (
    (
        ("red", "green"),
        "Which disc is further to the left?\n\nA. the red one\nB. the green one",
        "A",
    ),
    (
        ("blue", "blue", "gold"),
        "Where is the gold disc, from the others?\n\nA. left\nB. above\nC. right",
        "C",
    ),
    (("red", "red", "red"), "How many discs are there?", "3"),
    (("black",), "Are there no discs?", "No"),
    (("gold", "gray"), "Which colour has the first disc?", "Gold"),
)


def draw_discs(colours: tuple[str, ...]) -> Any:
    """Draw discs side by side."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (30 * len(colours), 30), "white")
    pen = ImageDraw.Draw(image)
    for number, colour in enumerate(colours):
        pen.ellipse((30 * number + 5, 5, 30 * number + 25, 25), fill=colour)
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    return [
        {
            "image": draw_discs(colours),
            "question": f"{question}\n{LETTER if len(answer) == 1 and answer.isalpha() else WORD}",
            "answer": answer,
            "image_path": f"sample_{number}.webp",
        }
        for number, (colours, question, answer) in enumerate(QUESTIONS)
    ]


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, Value

    text = Value("string")
    columns = {"image": Image(), "question": text, "answer": text, "image_path": text}
    path = Path(__file__).parent / "sample" / "test.parquet"
    path.parent.mkdir(exist_ok=True)
    Dataset.from_list(plan_rows(), features=Features(columns)).to_parquet(path)


if __name__ == "__main__":
    main()
