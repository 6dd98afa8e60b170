"""Draw the samples of MME-RealWorld: questions of both kinds, in both languages.

``python benchmarks/mme_realworld/make_sample.py`` writes ``sample/train.parquet`` beside
this file and in ``mme_realworld_cn``, in the form of the real data sets. Nothing in them
is taken from there.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Category, kind of question; by language question, options but for the last; answer.
QUESTIONS: tuple[
    tuple[str, str, Mapping[str, tuple[str, tuple[str, ...]]], str], ...
] = (
    (
        "Perception/Remote Sensing",
        "color",
        {
            "en": ("What colour is the roof?", ("Grey", "Red", "White", "Brown")),
            "cn": ("屋顶是什么颜色？", ("灰色", "红色", "白色", "棕色")),
        },
        "B",
    ),
    (
        "Perception/OCR with Complex Context",
        "license plate",
        {
            "en": ("What is on the sign?", ("OPEN", "SHUT", "FULL", "EXIT")),
            "cn": ("牌子上写着什么？", ("OPEN", "SHUT", "FULL", "EXIT")),
        },
        "D",
    ),
    (
        "Perception/Monitoring",
        "person/attribute",
        {
            "en": (
                "What is the person wearing?",
                ("A hat", "A cap", "A scarf", "Gloves"),
            ),
            "cn": ("这个人穿戴着什么？", ("帽子", "头巾", "围巾", "手套")),
        },
        "E",
    ),
    (
        "Reasoning/Autonomous_Driving",
        "intention",
        {
            "en": ("What should the driver do?", ("Stop", "Turn", "Go on", "Park")),
            "cn": ("司机应该做什么？", ("停车", "转弯", "直行", "泊车")),
        },
        "A",
    ),
    (
        "Reasoning/Diagram and Table",
        "calculate",
        {
            "en": ("How many windows are there in all?", ("1", "3", "2", "4")),
            "cn": ("一共有多少扇窗户？", ("1", "3", "2", "4")),
        },
        "C",
    ),
)
ABSENT = {"en": "The image does not feature it.", "cn": "图中没有。"}


def draw_house() -> bytes:
    """Draw a house with a sign, as an encoded image."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (64, 64), "lightblue")
    pen = ImageDraw.Draw(image)
    pen.polygon(((8, 28), (32, 6), (56, 28)), fill="red")
    pen.rectangle((12, 28, 52, 60), fill="white")
    for left in (16, 40):
        pen.rectangle((left, 32, left + 8, 40), fill="navy")
    pen.text((22, 46), "EXIT", fill="black")
    encoded = io.BytesIO()
    image.save(encoded, format="PNG")
    return encoded.getvalue()


def plan_rows(language: str) -> list[dict[str, Any]]:
    """Give the rows of a language."""
    house = base64.b64encode(draw_house()).decode()
    rows = []
    for index, (category, kind, words, answer) in enumerate(QUESTIONS):
        question, options = words[language]
        listed = zip("ABCDE", (*options, ABSENT[language]), strict=True)
        row = {
            "index": index,
            "bytes": house,
            "path": f"sample/{index}.png",
            "question": question,
            "multi-choice options": [f"({letter}) {text}" for letter, text in listed],
            "answer": answer,
            "category": category,
            "l2-category": kind,
        }
        rows.append(row)
    return rows


def main() -> None:
    """Write the samples of both languages."""
    from datasets import Dataset, Features, List, Value

    text = Value("string")
    names = ("bytes", "path", "question", "answer", "category", "l2-category")
    columns: dict[str, Any] = dict.fromkeys(names, text)
    columns |= {"index": Value("int64"), "multi-choice options": List(text)}
    here = Path(__file__).parent
    folders = {"en": here, "cn": here.parent / "mme_realworld_cn"}
    for language, folder in folders.items():
        path = folder / "sample" / "train.parquet"
        path.parent.mkdir(exist_ok=True)
        rows = plan_rows(language)
        Dataset.from_list(rows, features=Features(columns)).to_parquet(path)


if __name__ == "__main__":
    main()
