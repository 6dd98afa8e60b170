"""Draw the sample of TextVQA: a few small signs, and what ten people read on each.

``python benchmarks/textvqa/make_sample.py`` writes ``sample/validation.parquet`` beside
this file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# What is written; the question; the answers of ten people.
SIGNS = (
    ("BAKER ST", "what street is this?", ["baker st"] * 8 + ["baker street"] * 2),
    ("EXIT 12", "Which exit does the Sign show?", ["12"] * 6 + ["exit 12"] * 4),
    ("2 DOGS", "how many dogs are said?", ["2"] * 5 + ["two"] * 5),
    ("DON'T", "what is the first word?", ["don't"] * 9 + ["dont"]),
    (
        "smudge",
        "what does the label say?",
        ["unanswerable"] * 4 + ["smudge"] * 3 + ["smug", "fudge", "sludge"],
    ),
)


def draw_sign(text: str) -> Any:
    """Write a text on a board."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (96, 48), "darkgreen")
    pen = ImageDraw.Draw(image)
    pen.rectangle((6, 8, 90, 40), fill="white", outline="black")
    pen.text((16, 18), text, fill="black")
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    return [
        {
            "image_id": f"{number:016x}",
            "question_id": 70_000 + number,
            "question": question,
            "question_tokens": question.lower().rstrip("?").split(),
            "image": draw_sign(text),
            "image_width": 96,
            "image_height": 48,
            "flickr_original_url": f"https://example.org/{number}_o.jpg",
            "flickr_300k_url": f"https://example.org/{number}_z.jpg",
            "answers": answers,
            "image_classes": ["Sign"],
            "set_name": "val",
            "ocr_tokens": text.split(),
        }
        for number, (text, question, answers) in enumerate(SIGNS)
    ]


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, List, Value

    text, number = Value("string"), Value("int32")
    columns = Features(
        {
            "image_id": text,
            "question_id": number,
            "question": text,
            "question_tokens": List(text),
            "image": Image(),
            "image_width": number,
            "image_height": number,
            "flickr_original_url": text,
            "flickr_300k_url": text,
            "answers": List(text),
            "image_classes": List(text),
            "set_name": text,
            "ocr_tokens": List(text),
        }
    )
    rows = Dataset.from_list(plan_rows(), features=columns)
    path = Path(__file__).parent / "sample" / "validation.parquet"
    path.parent.mkdir(exist_ok=True)
    rows.to_parquet(path)


if __name__ == "__main__":
    main()
