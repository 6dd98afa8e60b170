"""Draw the sample of MMStar: questions of all six categories.

``python benchmarks/mmstar/make_sample.py`` writes ``sample/val.parquet`` beside this
file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Category, kind, colour of the disc, question, options, answer.
QUESTIONS = (
    (
        "coarse perception",
        "image emotion",
        "gold",
        "Which mood do the colours suggest?",
        ("cheerful", "gloomy", "angry", "bored"),
        "A",
    ),
    (
        "coarse perception",
        "image emotion",
        "black",
        "Which mood do the colours suggest?",
        ("cheerful", "gloomy", "in love", "surprised"),
        "B",
    ),
    (
        "coarse perception",
        "image style & quality",
        "teal",
        "Which style is the image in?",
        ("photograph", "oil painting", "flat drawing", "etching"),
        "C",
    ),
    (
        "fine-grained perception",
        "object counting",
        "red",
        "How many discs are there?",
        ("4", "3", "2", "1"),
        "D",
    ),
    (
        "instance reasoning",
        "single-instance reasoning",
        "green",
        "Which fruit has the colour of the disc?",
        ("a lime", "a plum", "a lemon", "a cherry"),
        "A",
    ),
    (
        "logical reasoning",
        "diagram reasoning",
        "blue",
        "The figure has no corners. Which one is it?",
        ("a square", "a disc", "a star", "a cross"),
        "B",
    ),
    (
        "science & technology",
        "geography & earth science & agriculture",
        "gray",
        "Which of these looks like the figure from far away?",
        ("a river", "a mountain", "the moon", "an island chain"),
        "C",
    ),
    (
        "math",
        "geometry",
        "purple",
        "How many axes of symmetry does the figure have?",
        ("one", "two", "four", "more than any number"),
        "D",
    ),
)


def draw_disc(colour: str) -> Any:
    """Draw a disc on white."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (48, 48), "white")
    ImageDraw.Draw(image).ellipse((10, 10, 38, 38), fill=colour)
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    rows = []
    for index, (category, kind, colour, asked, options, answer) in enumerate(QUESTIONS):
        listed = ", ".join(
            f"{letter}: {option}"
            for letter, option in zip("ABCD", options, strict=True)
        )
        row = {
            "index": index,
            "question": f"{asked}\nOptions: {listed}",
            "image": draw_disc(colour),
            "answer": answer,
            "category": category,
            "l2_category": kind,
            "meta_info": {
                "source": "sample",
                "split": "val",
                "image_path": f"images/{index}.jpg",
            },
        }
        rows.append(row)
    return rows


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, Value

    text = Value("string")
    columns = {
        "index": Value("int64"),
        "question": text,
        "image": Image(),
        "answer": text,
        "category": text,
        "l2_category": text,
        "meta_info": {"source": text, "split": text, "image_path": text},
    }
    path = Path(__file__).parent / "sample" / "val.parquet"
    path.parent.mkdir(exist_ok=True)
    Dataset.from_list(plan_rows(), features=Features(columns)).to_parquet(path)


if __name__ == "__main__":
    main()
