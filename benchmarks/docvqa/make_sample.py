"""Draw the sample of DocVQA: a few small pages with questions.

``python benchmarks/docvqa/make_sample.py`` writes the files in ``sample/`` beside this
file, in the form of the real data set. Nothing in them is taken from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Lines of a page; kinds of the question; the question; its answers.
VALIDATION = (
    (
        ("Invoice No. 20417", "To: Harbour Tools Ltd", "Total due: $1,250.00"),
        ["form"],
        "What is the total due?",
        ["$1,250.00", "1,250.00"],
    ),
    (
        ("MEMO", "From: Dr. Ines Falk", "Date: 4 May 1987", "Re: new kettle"),
        ["free_text"],
        "Who wrote the memo?",
        ["Dr. Ines Falk", "Ines Falk"],
    ),
    (
        ("MEMO", "From: Dr. Ines Falk", "Date: 4 May 1987", "Re: new kettle"),
        ["free_text", "layout"],
        "What is the date at the top of the memo?",
        ["4 May 1987"],
    ),
    (
        ("Tea      12", "Coffee   30", "Cocoa     7"),
        ["table/list"],
        "How many cups of cocoa were sold?",
        ["7"],
    ),
)
TEST = (
    (
        ("Room 5 is closed", "Ask at the desk."),
        ["free_text"],
        "Which room is closed?",
    ),
    (("Apples 3", "Pears 9"), ["table/list"], "How many pears are there?"),
)


def draw_page(lines: tuple[str, ...]) -> Any:
    """Write lines of text on white."""
    from PIL import Image, ImageDraw

    page = Image.new("L", (180, 20 + 16 * len(lines)), "white")
    pen = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        pen.text((10, 8 + 16 * number), line, fill="black")
    return page


def plan_rows(split: str) -> list[dict[str, Any]]:
    """Give the rows of a split; those of ``test`` have no answers."""
    pages = VALIDATION if split == "val" else TEST
    rows = []
    for number, (lines, kinds, question, *answers) in enumerate(pages):
        row = {
            "questionId": str(90_000 + number + (100 if split == "test" else 0)),
            "question": question,
            "question_types": kinds,
            "image": draw_page(lines),
            "docId": 9_000 + number,
            "ucsf_document_id": f"smpl{number:04}",
            "ucsf_document_page_no": "1",
            "answers": answers[0] if answers else None,
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
            "question_types": List(text),
            "image": Image(),
            "docId": Value("int64"),
            "ucsf_document_id": text,
            "ucsf_document_page_no": text,
            "answers": List(text),
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
