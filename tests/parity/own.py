"""The tasks of the suite's own: their files, and what the model may answer to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.parity.answers import Script
from tests.parity.data import Splits

TASKS = Path(__file__).with_name("tasks")
_FILE = re.compile(r"^=== (\S+)\n", re.MULTILINE)


class Line(NamedTuple):
    """How documents of a schema are answered.

    Attributes:
        schema: The schema.
        marker: A text of the document that its prompt has near its end.
        right: Good answers.
        wrong: Other answers, for every document.
    """

    schema: str
    marker: Callable[[Mapping[str, Any]], str]
    right: Callable[[Mapping[str, Any]], Sequence[str]]
    wrong: Sequence[str]


def _question(doc: Mapping[str, Any]) -> str:
    return str(doc["question"])


_SUM = Line(
    "sums",
    _question,
    lambda doc: [
        str(doc["answer"]),
        f" So ${doc['total']:,}.",
        f" #### {doc['total']}. No: {doc['total'] + 1}",
        f"\n#### {doc['total']}",
    ],
    [" none", "#### 12", " I add 3 and 4: 7.50", "", " ####"],
)
_TOTAL = Line(
    "sums",
    _question,
    lambda doc: [str(doc["total"]), f"{doc['total']}.", f"It is {doc['total']}"],
    ["", "77", "77 or 78", "seventy 77"],
)
_FACT = Line(
    "facts",
    _question,
    lambda doc: [
        *doc["aliases"],
        f" {doc['aliases'][1]}",
        f"{doc['answer'].upper()}!",
        f" {doc['answer'].lower()} 3\n",
    ],
    [" The", "", "a lantern", " The WILLOW. "],
)
_PHRASE = Line(
    "phrases",
    lambda doc: str(doc["source"]),
    lambda doc: [f" {doc['target']}", " ".join(doc["target"].split()[1:])],
    ["amber basin candle delta", "", "willow willow valley timber 4"],
)
_LETTER = Line(
    "quiz",
    _question,
    lambda doc: [
        f"({doc['letter']})",
        f"The answer is ({doc['letter']}).",
        f"Surely: {doc['letter']}",
        f"It is {doc['right'].upper()}, I think",
    ],
    ["(B)", "no idea", "(A) or (C)", "answer: D", ""],
)

SCRIPTS: Mapping[str, Line] = {
    **dict.fromkeys(
        ("own_worked_sums", "own_leaking_shots", "own_validation_only"),
        _SUM,
    ),
    **dict.fromkeys(
        ("own_same_split", "own_first_n", "own_first_n_same_split", "own_indices"),
        _SUM,
    ),
    **dict.fromkeys(("own_written_samples", "own_function_samples"), _SUM),
    **dict.fromkeys(
        ("own_description", "own_prefix_column", "own_description_column", "own_vote"),
        _TOTAL,
    ),
    **dict.fromkeys(
        ("own_defaults", "own_class_of_texts"),
        _TOTAL,
    ),
    **dict.fromkeys(
        (
            *("own_all_repeats", "own_digits", "own_aggregations", "own_bypass"),
            "own_counting_filter",
        ),
        _TOTAL,
    ),
    "own_thoughts": _TOTAL._replace(
        right=lambda doc: [f"<think>77?</think>{doc['total']}", str(doc["total"])]
    ),
    "own_empty_answers": _TOTAL._replace(right=lambda _: ["", " "]),
    "own_mapped": _TOTAL._replace(
        right=lambda doc: [doc["parity"], f" {doc['parity']}\n"],
        wrong=["odd", "even", "even?"],
    ),
    **dict.fromkeys(
        (
            *("own_cases", "own_strict_case", "own_aliases"),
            *("own_rendered_aliases", "own_alias_closeness", "own_two_metrics"),
            *("own_mixed_targets", "own_misspelt_column"),
        ),
        _FACT,
    ),
    **dict.fromkeys(("own_translation", "own_lengths", "own_several"), _PHRASE),
    **dict.fromkeys(("own_letters", "own_exam_written"), _LETTER),
    "own_single_letters": _LETTER._replace(
        # Each word has one of the four letters in it.
        right=lambda doc: [
            {"A": "star", "B": "bee", "C": "ice", "D": "odd"}[doc["letter"]]
        ]
    ),
    "own_shots_of_their_own": _LETTER._replace(
        right=lambda doc: [doc["right"], f"it is {doc['right']}"]
    ),
    "own_spans": Line(
        "entities",
        lambda doc: str(doc["text"]),
        lambda doc: [
            f" {doc['target']}",
            doc["target"].replace(" $ ", "\n"),
            doc["target"].replace("LOCATION", "Places").lower(),
        ],
        [" PERSON: none", "LOC: amber, basin $$ DATE: none", "", "people: willow"],
    ),
    "own_tags": Line(
        "entities",
        lambda doc: str(doc["words"]),
        lambda doc: [str(list(zip(doc["words"], doc["tags"], strict=True)))],
        [
            "[('amber', 'NOUN'), ('x', 'VERB')]",
            "none",
            "('a', 'ADJ') and ('b', 'PRON')",
        ],
    ),
}


def files() -> dict[str, str]:
    """Read the task files by name; the names of templates have no suffix."""
    text = (TASKS / "own.txt").read_text("utf-8")
    _, *parts = _FILE.split(text)
    named = dict(zip(parts[::2], parts[1::2], strict=True))
    return {
        name if name.startswith("_") else f"{name}.yaml": content
        for name, content in named.items()
    }


def script(line: Line, splits: Mapping[str, Splits]) -> Script:
    """Write the script of a task for its documents."""
    rows = [row for rows in splits[line.schema].values() for row in rows]
    return {
        "right": {line.marker(row): list(line.right(row)) for row in rows},
        "wrong": list(line.wrong),
    }
