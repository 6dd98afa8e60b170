"""Documents in the schemas of common data sets, made of drawn words."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.parity.data import words

Make = Callable[[random.Random, int], dict[str, Any]]


def sentence(draws: random.Random, number: int, count: int = 5) -> str:
    return f"{words(draws, count).capitalize()} {number}."


def fields(**counts: int) -> Make:
    """Make documents of sentences by the names of their columns."""

    def make(draws: random.Random, number: int) -> dict[str, Any]:
        return {name: sentence(draws, number, n) for name, n in counts.items()}

    return make


def labelled(n_labels: int, label: str = "label", **counts: int) -> Make:
    """Make documents of sentences with a label, counted from zero."""
    sentences = fields(**counts)

    def make(draws: random.Random, number: int) -> dict[str, Any]:
        return {**sentences(draws, number), label: draws.randrange(n_labels)}

    return make


def choices(draws: random.Random, number: int) -> dict[str, Any]:
    options = [sentence(draws, number + at, draws.randrange(1, 5)) for at in range(4)]
    return {
        "question": f"Query {number}: {words(draws, 4)}?",
        "choices": options,
        "answer": draws.randrange(4),
    }


def ai2(count: int, answer: str = "answerKey") -> Make:
    def make(draws: random.Random, number: int) -> dict[str, Any]:
        texts = [words(draws, draws.randrange(1, 4)) for _ in range(count)]
        stem = f"Stem {number} {words(draws, 3)}"
        return {
            "question": stem,
            "question_stem": stem,
            "choices": {"label": list("ABCDE"[:count]), "text": texts},
            answer: draws.choice("ABCDE"[:count]),
        }

    return make


def hellaswag(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "activity_label": f"Doing {number}",
        "ctx_a": f"{sentence(draws, number)} [header]  [title] {words(draws, 2)}",
        "ctx_b": words(draws, 2),
        "endings": [f"{words(draws, 4)} [step] on  we go." for _ in range(4)],
        "label": draws.choice("0123"),
    }


def winogrande(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "sentence": f"Part {number} {words(draws, 3)} _ {words(draws, 3)}.",
        "option1": words(draws, 1),
        "option2": words(draws, 2),
        "answer": draws.choice("12"),
    }


def wsc273(draws: random.Random, number: int) -> dict[str, Any]:
    start = f"Part {number} of {words(draws, 3)} because "
    return {
        "text": f"{start}it was  {words(draws, 2)}.",
        "pronoun": "it",
        "pronoun_loc": len(start),
        "options": ["The lamp", f"a {words(draws, 1)}"],
        "label": draws.randrange(2),
    }


def copa(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "premise": sentence(draws, number),
        "choice1": sentence(draws, number, 3),
        "choice2": sentence(draws, number, 2),
        "question": draws.choice(("cause", "effect")),
        "label": draws.randrange(2),
    }


def wic(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "sentence1": f"amber {number} {words(draws, 3)}",
        "sentence2": f"{words(draws, 3)} amber {number}",
        "start1": 0,
        "end1": 5,
        "label": draws.randrange(2),
    }


def wsc(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "text": f"Mark {number} did n't go , since he ( oh ) {words(draws, 3)} .",
        "span1_text": "Mark",
        "span2_text": "he",
        "span2_index": 7,
        "label": draws.randrange(2),
    }


def truthful(draws: random.Random, number: int) -> dict[str, Any]:
    first = [sentence(draws, number, draws.randrange(2, 6)) for _ in range(4)]
    second = [sentence(draws, number, draws.randrange(2, 6)) for _ in range(5)]
    return {
        "question": f"Is it so {number}, {words(draws, 3)}?",
        "mc1_targets": {"choices": first, "labels": [1, 0, 0, 0]},
        "mc2_targets": {"choices": second, "labels": [1, 1, 0, 0, 0]},
    }


def race(draws: random.Random, number: int) -> dict[str, Any]:
    problems = [
        {
            "question": f"Item {number}{ending}",
            "options": [words(draws, draws.randrange(1, 4)) for _ in range(4)],
            "answer": draws.choice("ABCD"),
        }
        for ending in ("  _  .", " why?", " what?")
    ]
    return {"article": sentence(draws, number, 12), "problems": repr(problems)}


def mathqa(draws: random.Random, number: int) -> dict[str, Any]:
    values = draws.sample(range(10, 99), 5)
    pairs = zip("abcde", values, strict=True)
    return {
        "Problem": sentence(draws, number),
        "options": " , ".join(f"{letter} ) {value}" for letter, value in pairs),
        "correct": draws.choice("abcde"),
    }


def logiqa(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "context": sentence(draws, number),
        "question": sentence(draws, number, 3),
        "options": [words(draws, draws.randrange(1, 5)) for _ in range(4)],
        "label": draws.choice(("a", "b", "c", "d ")),
    }


def letters(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        **{letter: words(draws, 2) for letter in "ABCDE"},
        **{f"option_{letter}": words(draws, 2) for letter in "abcd"},
        **{f"op{letter}": words(draws, 2) for letter in "abcd"},
        **{f"mc_answer{place}": words(draws, 2) for place in range(1, 5)},
        "question": f"Point {number} {words(draws, 3)}? ",
        "flores_passage": sentence(draws, number, 8),
        "correct_answer_num": draws.choice("1234"),
        "subject": "anatomy" if number % 3 else "virology",
        "answer": draws.choice("ABCD"),
        "cop": draws.randrange(4),
    }


def webqs(draws: random.Random, number: int) -> dict[str, Any]:
    names = draws.sample(("Ann", "Anna", "Bo", "Bob", "Cy"), 3)
    return {"question": f"who painted {number}?", "answers": names}


def headqa(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "qtext": sentence(draws, number),
        "answers": [
            {"aid": aid, "atext": words(draws, draws.randrange(1, 4))}
            for aid in range(1, 5)
        ],
        "ra": draws.randrange(1, 5),
    }


def pubmedqa(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "CONTEXTS": [sentence(draws, number), sentence(draws, number, 3)],
        "QUESTION": f"Does {number} help?",
        "final_decision": draws.choice(("yes", "no", "maybe")),
    }


def toxigen(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        "text": sentence(draws, number),
        "toxicity_ai": draws.choice((1.0, 2.5, 4.0)),
        "toxicity_human": draws.choice((1.0, 3.0, 5.0)),
    }


def arithmetic(draws: random.Random, number: int) -> dict[str, Any]:
    left, right = draws.randrange(100), draws.randrange(100)
    return {
        "context": f"Q: What is {left} plus {right}?\n\nA:",
        "completion": f" {left + right}",
    }


def story(draws: random.Random, number: int) -> dict[str, Any]:
    text = f"{sentence(draws, number, 9)} Then {words(draws, 3)}"
    return {
        "text": text,
        "page": f" = Page {number} = \n {words(draws, 9)} @-@ {words(draws, 2)} n 't .\n",
    }


def qasper(draws: random.Random, number: int) -> dict[str, Any]:
    def answer(kind: int) -> dict[str, Any]:
        return {
            "unanswerable": kind == 0,
            "yes_no": {1: True, 2: False}.get(kind),
            "free_form_answer": words(draws, 2) if kind == 3 else "",
            "extractive_spans": [],
        }

    return {
        "title": f"Paper {number}",
        "abstract": sentence(draws, number),
        "qas": {
            "question": [f"Is {number} new?", f"Why {number}?"],
            "answers": [
                {"answer": [answer(1), answer(2), answer(0)]},
                {"answer": [answer(3), answer(1 + number % 2)]},
            ],
        },
    }


def bigbench(draws: random.Random, number: int) -> dict[str, Any]:
    scores = [0, 0, 0]
    scores[draws.randrange(3)] = 1
    texts = [words(draws, 2) for _ in scores]
    return {
        "inputs": f"Given {number} {words(draws, 4)}",
        "targets": [texts[scores.index(1)]],
        "multiple_choice_targets": texts,
        "multiple_choice_scores": scores,
    }


def storycloze(draws: random.Random, number: int) -> dict[str, Any]:
    return {
        **{f"input_sentence_{at}": sentence(draws, number, 4) for at in range(1, 5)},
        "sentence_quiz1": sentence(draws, number, 3),
        "sentence_quiz2": sentence(draws, number, 5),
        "answer_right_ending": draws.randrange(1, 3),
    }
