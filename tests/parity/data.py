"""Documents for the tasks of the suite, in common schemas: the same in every run."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

Rows = list[dict[str, Any]]
Splits = Mapping[str, Rows]

_WORDS = tuple(
    """
    amber basin candle delta ember fjord garden harbour island juniper kettle lantern
    meadow needle orchard pebble quarry river saddle timber umbrella valley willow
    """.split()  # noqa: SIM905 - so many quotes would be harder to read
)
LABELS = ("PERSON", "LOCATION", "ORGANIZATION", "DATE")
TAGS = ("NOUN", "VERB", "ADJ", "PRON")


def words(draws: random.Random, count: int) -> str:
    """Draw words."""
    return " ".join(draws.choices(_WORDS, k=count))


def sums(draws: random.Random, start: int, count: int) -> Rows:
    """Make sums with worked solutions; ``question`` is unique."""
    rows = []
    for number in range(start, start + count):
        left, right = draws.randrange(10, 900), draws.randrange(10, 900)
        total = left + right
        rows.append(
            {
                "question": f"Box {number} has {left} pens and gets {right}. Total?",
                "answer": f"{left} + {right} = {total}.\n#### {total:,}",
                "total": total,
                "parity": "even" if total % 2 == 0 else "odd",
                "is_even": int(total % 2 == 0),
                "hint": draws.choice(["", "Add up. "]),
            }
        )
    return rows


def quiz(draws: random.Random, start: int, count: int) -> Rows:
    """Make questions with four choices of different lengths, one or two right."""
    rows = []
    for number in range(start, start + count):
        choices = [words(draws, draws.randrange(1, 5)) for _ in range(4)]
        # Equal choices would make a text stand for two positions.
        choices = [f"{text} {'éßñ—'[at]}{at}" for at, text in enumerate(choices)]
        answer = draws.randrange(4)
        rows.append(
            {
                "question": f"Riddle {number}: what is {words(draws, 3)}?",
                "choices": choices,
                "labelled": {"label": list("ABCD"), "text": choices},
                "answer": answer,
                "letter": "ABCD"[answer],
                "digit": str(answer),
                "label": answer if number % 2 else -1,
                "right": choices[answer],
                "accepted": sorted({answer, draws.randrange(4)}),
                "first": choices[0],
                "second": choices[1],
                "subject": ("botany", "optics")[number % 2],
            }
        )
    return rows


def claims(draws: random.Random, start: int, count: int) -> Rows:
    """Make pairs of sentences with two labels; three pairs share one question."""
    return [
        {
            "premise": f"Note {number}: {words(draws, 5)}.",
            "hypothesis": f"{words(draws, 3).capitalize()}.",
            "label": draws.randrange(2),
            "stance": draws.randrange(3),
            "idx": {"paragraph": number // 6, "question": number // 3},
        }
        for number in range(start, start + count)
    ]


def gaps(draws: random.Random, start: int, count: int) -> Rows:
    """Make sentences with a gap that one of two words fills."""
    return [
        {
            "sentence": f"Scene {number}: the {words(draws, 2)} near _ {words(draws, 3)}.",
            "option1": draws.choice(_WORDS),
            "option2": draws.choice(_WORDS) + "s",
            "answer": draws.choice("12"),
        }
        for number in range(start, start + count)
    ]


def phrases(draws: random.Random, start: int, count: int) -> Rows:
    """Make sentences to translate, with one and with two references."""
    rows = []
    for number in range(start, start + count):
        target = f"{words(draws, 6)} {number}"
        other = f"{words(draws, 2)} {target}"
        rows.append(
            {
                "source": f"Phrase {number}: {words(draws, 4)}",
                "target": target,
                "references": [target, other],
            }
        )
    return rows


def stories(draws: random.Random, start: int, count: int) -> Rows:
    """Make texts of one or two lines."""
    return [
        {
            "text": f"Tale {number} {words(draws, 12)}\n{words(draws, 4)} ünd Øst",
            "page": f" = Page {number} = \n {words(draws, 9)} @-@ {words(draws, 3)} .",
        }
        for number in range(start, start + count)
    ]


def facts(draws: random.Random, start: int, count: int) -> Rows:
    """Make questions with several answers that are each right."""
    rows = []
    for number in range(start, start + count):
        aliases = draws.sample(_WORDS, 3)
        rows.append(
            {
                "question": f"Who keeps lamp {number}",
                "aliases": [f"The {aliases[0]}", *aliases[1:]],
                "answer": f"The {aliases[0]}",
            }
        )
    return rows


def entities(draws: random.Random, start: int, count: int) -> Rows:
    """Make sentences with named entities and tagged words."""
    rows = []
    for number in range(start, start + count):
        words = draws.sample(_WORDS, 4)
        tags = draws.choices(TAGS, k=4)
        spans = zip(draws.choices(LABELS, k=3), words, strict=False)
        rows.append(
            {
                "text": f"Line {number} {' '.join(words)}",
                "target": " $ ".join(f"{label}: {word}" for label, word in spans),
                "words": words,
                "tags": tags,
            }
        )
    return rows


_MAKERS = {
    "sums": sums,
    "quiz": quiz,
    "claims": claims,
    "gaps": gaps,
    "phrases": phrases,
    "stories": stories,
    "facts": facts,
    "entities": entities,
}


def all_splits() -> dict[str, Splits]:
    """Make the documents of every schema: test 10, train 9, validation 6."""
    return {
        name: {
            "test": make(random.Random(f"{name} test"), 0, 10),
            "train": make(random.Random(f"{name} train"), 10, 9),
            "validation": make(random.Random(f"{name} validation"), 19, 6),
        }
        for name, make in _MAKERS.items()
    }
