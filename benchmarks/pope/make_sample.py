"""Draw the sample of POPE: images of objects, and questions about what is in them.

``python benchmarks/pope/make_sample.py`` writes the files in ``sample/`` beside this
file, in the form of the real data set. Nothing in them is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Setting, what is drawn, what is asked for, answer.
QUESTIONS = (
    ("random", "ball", "ball", "yes"),
    ("random", "ball", "kite", "no"),
    ("popular", "box", "box", "yes"),
    ("popular", "box", "person", "no"),
    ("adversarial", "tent", "tent", "yes"),
    ("adversarial", "tent", "rucksack", "no"),
)


def draw_object(name: str) -> Any:
    """Draw an object on white."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (48, 48), "white")
    pen = ImageDraw.Draw(image)
    if name == "ball":
        pen.ellipse((10, 10, 38, 38), fill="red")
    elif name == "box":
        pen.rectangle((8, 16, 40, 40), fill="peru", outline="black")
    else:
        pen.polygon(((6, 40), (24, 8), (42, 40)), fill="olive")
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample, of all settings."""
    return [
        {
            "id": str(number),
            "question_id": str(number + 1),
            "question": f"Is there a {asked} in the image?",
            "answer": answer,
            "image_source": f"sample_{shown}",
            "image": draw_object(shown),
            "category": setting,
        }
        for number, (setting, shown, asked, answer) in enumerate(QUESTIONS)
    ]


def main() -> None:
    """Write the sample beside this file: all rows, and those of each setting."""
    from datasets import Dataset, Features, Image, Value

    names = ("id", "question_id", "question", "answer", "image_source")
    columns = {name: Value("string") for name in names}
    features = Features(columns | {"image": Image(), "category": Value("string")})
    folder = Path(__file__).parent / "sample"
    folder.mkdir(exist_ok=True)
    for split in ("test", "random", "popular", "adversarial"):
        rows = [row for row in plan_rows() if split in ("test", row["category"])]
        path = folder / f"{split}.parquet"
        Dataset.from_list(rows, features=features).to_parquet(path)


if __name__ == "__main__":
    main()
