"""Draw the sample of ChartQA: two small charts with questions of both splits.

``python benchmarks/chartqa/make_sample.py`` writes ``sample/test.parquet`` beside this
file, in the form of the real data set. Nothing in it is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SALES = {"Tea": 20, "Coffee": 50, "Cocoa": 30}
# In per cent.
CHANGE = {"2019": 4, "2020": 0, "2021": 12}
# The chart; its split; the question; the answer.
QUESTIONS = (
    (SALES, "human_test", "How many cups of coffee were sold?", "50"),
    (SALES, "human_test", "Which drink has the shortest bar?", "Tea"),
    (SALES, "human_test", "What is the share of tea among all?", "0.2"),
    (SALES, "augmented_test", "Is coffee sold more than cocoa?", "Yes"),
    (CHANGE, "augmented_test", "What was the change in 2021?", "12%"),
    (CHANGE, "augmented_test", "What was the change in 2020?", "0"),
    (CHANGE, "human_test", "Which years are shown beside 2020?", "[2019, 2021]"),
)


def draw_chart(bars: dict[str, int]) -> Any:
    """Draw an upright bar for each entry, its label below and its number above."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (20 + 44 * len(bars), 96), "white")
    pen = ImageDraw.Draw(image)
    for number, (label, value) in enumerate(bars.items()):
        left = 14 + 44 * number
        pen.rectangle((left, 76 - value, left + 24, 76), fill="steelblue")
        pen.text((left, 62 - value), str(value), fill="black")
        pen.text((left - 6, 80), label, fill="black")
    return image


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    return [
        {
            "type": kind,
            "question": question,
            "answer": answer,
            "image": draw_chart(bars),
        }
        for bars, kind, question, answer in QUESTIONS
    ]


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, Value

    columns = {name: Value("string") for name in ("type", "question", "answer")}
    rows = Dataset.from_list(
        plan_rows(), features=Features(columns | {"image": Image()})
    )
    path = Path(__file__).parent / "sample" / "test.parquet"
    path.parent.mkdir(exist_ok=True)
    rows.to_parquet(path)


if __name__ == "__main__":
    main()
