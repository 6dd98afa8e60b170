"""Draw the sample of MMBench: questions with their copies, in both languages.

``python benchmarks/mmbench/make_sample.py`` writes the files in ``sample/`` beside this
file, in the form of the real data set. Nothing in them is taken from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

COPIES_APART = 1_000_000
Words = dict[str, tuple[str | None, str, tuple[str, ...]]]

# Colour of the disc; by language hint, question and options, of which the first is
# right; how many of the copies there are.
QUESTIONS: tuple[tuple[str, Words, int], ...] = (
    (
        "red",
        {
            "en": (
                None,
                "Which colour has the disc?",
                ("red", "blue", "green", "grey"),
            ),
            "cn": (None, "圆的颜色是什么？", ("红色", "蓝色", "绿色", "灰色")),
        },
        4,
    ),
    (
        "blue",
        {
            "en": ("The image shows a disc.", "Is it blue?", ("yes", "no")),
            "cn": ("图中有一个圆。", "它是蓝色的吗？", ("是的", "不是")),
        },
        2,
    ),
    (
        "green",
        {
            "en": ("nan", "How many discs are there?", ("one", "two", "three")),
            "cn": ("nan", "图中有几个圆？", ("一个", "两个", "三个")),
        },
        3,
    ),
    (
        "gray",
        {
            "en": (None, "What is shown?", ("a disc", "a star", "a cube", "a cat")),
            "cn": (None, "图中是什么？", ("圆", "星形", "立方体", "猫")),
        },
        1,
    ),
)


def draw_disc(colour: str) -> Any:
    """Draw a disc on white."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (40, 40), "white")
    ImageDraw.Draw(image).ellipse((8, 8, 32, 32), fill=colour)
    return image


def plan_rows(language: str, split: str) -> list[dict[str, Any]]:
    """Give the rows of a split; those of ``test`` have no answers.

    The copies of a question have its options turned by one place each, and stand where
    they stand in the real data set: behind all questions.
    """
    rows = [
        row
        for number in range(len(QUESTIONS))
        for row in _copies(number, language, split)
    ]
    return sorted(rows, key=lambda row: int(row["index"]))


def _copies(number: int, language: str, split: str) -> Iterator[dict[str, Any]]:
    colour, words, copies = QUESTIONS[number]
    hint, question, options = words[language]
    for copy in range(copies):
        turned = [*options[copy:], *options[:copy]]
        cells = dict(zip("ABCD", [*turned, "nan", "nan"], strict=False))
        right = "ABCD"[turned.index(options[0])]
        yield {
            "index": copy * COPIES_APART + number + 1,
            "question": question,
            "hint": hint,
            "answer": right if split == "dev" else "nan",
            **cells,
            "category": "object_localization" if number else "attribute_recognition",
            "image": draw_disc(colour),
            "source": "sample",
            "L2-category": "finegrained_perception",
            "comment": "nan",
            "split": split,
        }


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset, Features, Image, Value

    names = ("question", "hint", "answer", *"ABCD", "category", "source")
    columns: dict[str, Any] = {name: Value("string") for name in names}
    columns |= {"index": Value("int32"), "image": Image()}
    columns |= {name: Value("string") for name in ("L2-category", "comment", "split")}
    for language in ("en", "cn"):
        for split in ("dev", "test"):
            path = Path(__file__).parent / "sample" / language / f"{split}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = plan_rows(language, split)
            Dataset.from_list(rows, features=Features(columns)).to_parquet(path)


if __name__ == "__main__":
    main()
