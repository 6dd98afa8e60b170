"""Draw the sample of OCRBench: an image and a question for each kind of question.

``python benchmarks/ocrbench/make_sample.py`` writes ``sample/test.parquet`` beside this
file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

READ = "what is written in the image?"
RECEIPT = (
    "what is the total amount of this receipt? Answer this question using the text in "
    "the image directly."
)
FORMULA = (
    "Please write out the expression of the formula in the image using LaTeX format."
)
# Data set; kind of question; what is written; the question; the expected answers.
IMAGES = (
    ("IIIT5K", "Regular Text Recognition", "KIOSK", READ, ["KIOSK"]),
    ("SVT", "Irregular Text Recognition", "Harbour", READ, ["Harbour"]),
    ("WordArt", "Artistic Text Recognition", "moon", READ, ["moon"]),
    ("IAM", "Handwriting Recognition", "kettle", READ, ["kettle"]),
    (
        "ORAND",
        "Digit String Recognition",
        "40521",
        "what is the number in the image?",
        ["40521"],
    ),
    ("NonSemanticText", "Non-Semantic Text Recognition", "QXVB", READ, ["QXVB"]),
    (
        "textVQA",
        "Scene Text-centric VQA",
        "Cafe Lumen",
        "What is the name of the cafe?",
        ["lumen", "cafe lumen"],
    ),
    (
        "docVQA",
        "Doc-oriented VQA",
        "Due: 3 June",
        "When is it due?",
        ["3 June", "June 3"],
    ),
    (
        "SROIE",
        "Key Information Extraction",
        "TOTAL  9.50",
        RECEIPT,
        ["9.50"],
    ),
    (
        "HME100k",
        "Handwritten Mathematical Expression Recognition",
        "a^2 + B = 4",
        FORMULA,
        ["a ^ { 2 } + B = 4"],
    ),
)


def draw_text(text: str) -> Any:
    """Write a text on grey."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (96, 32), "lightgray")
    ImageDraw.Draw(image).text((10, 10), text, fill="black")
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    return [
        {
            "dataset": dataset,
            "question": question,
            "question_type": kind,
            "answer": answers,
            "image": draw_text(text),
        }
        for dataset, kind, text, question, answers in IMAGES
    ]


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, List, Value

    text = Value("string")
    columns = Features(
        {
            "dataset": text,
            "question": text,
            "question_type": text,
            "answer": List(text),
            "image": Image(),
        }
    )
    rows = Dataset.from_list(plan_rows(), features=columns)
    path = Path(__file__).parent / "sample" / "test.parquet"
    path.parent.mkdir(exist_ok=True)
    rows.to_parquet(path)


if __name__ == "__main__":
    main()
