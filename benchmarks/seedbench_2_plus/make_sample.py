"""Draw the sample of SEED-Bench-2-Plus: a chart, a map and a web page.

``python benchmarks/seedbench_2_plus/make_sample.py`` writes ``sample/test.parquet``
beside this file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Kind of image, question, options, answer.
QUESTIONS = (
    ("chart", "Which bar is the highest?", ("first", "second", "third", "none"), "C"),
    ("chart", "How many bars are there?", ("5", "4", "2", "3"), "D"),
    ("map", "What colour is the river?", ("blue", "green", "brown", "red"), "A"),
    (
        "web",
        "Which file does the page offer?",
        ("menu.pdf", "logo.png", "song.mp3", "none"),
        "B",
    ),
)


def draw_image(kind: str) -> Any:
    """Draw an image of a kind."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (64, 48), "white")
    pen = ImageDraw.Draw(image)
    if kind == "chart":
        for number, height in enumerate((10, 20, 36)):
            left = 8 + 18 * number
            pen.rectangle((left, 44 - height, left + 12, 44), fill="teal")
    elif kind == "map":
        pen.rectangle((0, 0, 64, 48), fill="palegreen")
        pen.line((0, 10, 30, 24, 64, 30), fill="blue", width=4)
    else:
        pen.rectangle((2, 2, 61, 12), fill="lightgray", outline="black")
        pen.text((6, 20), "logo.png", fill="blue")
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    return [
        {
            "question_id": f"{kind}_{number}",
            "question": question,
            **{
                f"choice_{letter}": option
                for letter, option in zip("ABCD", options, strict=True)
            },
            "answer": answer,
            "image_id": f"{kind}_{number}.png",
            "question_image_type": kind,
            "image": draw_image(kind),
        }
        for number, (kind, question, options, answer) in enumerate(QUESTIONS)
    ]


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, Value

    names = ("question_id", "question", *(f"choice_{letter}" for letter in "ABCD"))
    columns: dict[str, Any] = {
        name: Value("string")
        for name in (*names, "answer", "image_id", "question_image_type")
    }
    columns |= {"image": Image()}
    path = Path(__file__).parent / "sample" / "test.parquet"
    path.parent.mkdir(exist_ok=True)
    Dataset.from_list(plan_rows(), features=Features(columns)).to_parquet(path)


if __name__ == "__main__":
    main()
