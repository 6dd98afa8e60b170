"""Draw the sample of InfographicVQA: a few small infographics with questions.

``python benchmarks/infovqa/make_sample.py`` writes the files in ``sample/`` beside this
file, in the form of the real data set. Nothing in them is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Bars by label; the question; its answers; where they stand; what leads to them.
VALIDATION = (
    (
        {"Bus": 30, "Tram": 50, "Bike": 20},
        "What is the share of those who go by tram?",
        ["50%", "50"],
        ["single span"],
        [],
    ),
    (
        {"Bus": 30, "Tram": 50, "Bike": 20},
        "Which two are used by fewer people than the tram?",
        ["bus, bike", "bike, bus"],
        ["multi-span"],
        ["sorting"],
    ),
    (
        {"Bus": 30, "Tram": 50, "Bike": 20},
        "What per cent do not go by tram?",
        ["50%", "50"],
        ["non-extractive"],
        ["arithmetic"],
    ),
    (
        {"Rain": 12, "Sun": 18},
        "How many kinds of weather are shown?",
        ["2"],
        ["non-extractive"],
        ["counting"],
    ),
)
TEST = (
    ({"Oak": 7, "Birch": 9}, "Which tree has the longer bar?"),
    ({"Oak": 7, "Birch": 9}, "What is the number beside the oak?"),
)


def draw_bars(bars: dict[str, int]) -> Any:
    """Draw a bar with its label and its number for each entry."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (160, 12 + 20 * len(bars)), "white")
    pen = ImageDraw.Draw(image)
    for number, (label, value) in enumerate(bars.items()):
        top = 8 + 20 * number
        pen.text((6, top), label, fill="black")
        pen.rectangle((50, top, 50 + value, top + 10), fill="teal")
        pen.text((110, top), f"{value}%", fill="black")
    return image


def plan_rows(split: str) -> list[dict[str, Any]]:
    """Give the rows of a split; those of ``test`` have no answers."""
    rows = []
    for number, (bars, question, *rest) in enumerate(
        VALIDATION if split == "val" else TEST
    ):
        answers, kinds, operations = rest or (None, None, None)
        row = {
            "questionId": str(80_000 + number + (100 if split == "test" else 0)),
            "question": question,
            "answers": answers,
            "answer_type": kinds,
            "image": draw_bars(bars),
            "image_url": f"https://example.org/{split}/{number}.png",
            "operation/reasoning": operations,
            "ocr": "{}",
            "data_split": split,
        }
        rows.append(row)
    return rows


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, List, Value

    text = Value("string")
    columns = Features(
        {
            "questionId": text,
            "question": text,
            "answers": List(text),
            "answer_type": List(text),
            "image": Image(),
            "image_url": text,
            "operation/reasoning": List(text),
            "ocr": text,
            "data_split": text,
        }
    )
    folder = Path(__file__).parent / "sample"
    folder.mkdir(exist_ok=True)
    for split, name in (("val", "validation"), ("test", "test")):
        rows = Dataset.from_list(plan_rows(split), features=columns)
        rows.to_parquet(folder / f"{name}.parquet")


if __name__ == "__main__":
    main()
