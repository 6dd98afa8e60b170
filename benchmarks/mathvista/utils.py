"""Ask and score MathVista: mathematics in images, with options or in free form.

Prompts are those of the benchmark's own script (Lu et al., "MathVista: Evaluating
Mathematical Reasoning of Foundation Models in Visual Contexts", 2024, arXiv 2310.02255).
There a language model finds the answer in what was said. Here rules do, and where they
find none, none is scored.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from msgspec.structs import replace

from pytest_evalkit.scoring import (
    NOT_FOUND,
    Parsed,
    last_boxed,
    last_tagged,
    read_choice,
    read_number,
)

# By precision: how many places are asked for, and what such numbers look like.
_DECIMALS = {
    1: ("one decimal place", "1.2, 1.3, 1.4"),
    2: ("two decimal places", "1.23, 1.34, 1.45"),
}
# What comes after the last of these is said in the end.
_STATEMENT = re.compile(
    r"(?:\banswer\b[^\n.:=]*?(?:\bis\b|:|=)|\b(?:therefore|thus|hence|so)\b)\s*",
    re.IGNORECASE,
)
_END_OF_CLAUSE = re.compile(
    r"[\n;(]|\.(?!\d)|,(?!\d)|\b(?:because|since|which)\b", re.IGNORECASE
)
_REJECTED = re.compile(
    r"(?:\bnot|n't)\s+(?:(?:be|equal|to|exactly|a|an|the)\s+)*[-$]?\d[\d.,]*\d*",
    re.IGNORECASE,
)
_BRACKETS_OF_LATEX = re.compile(r"\\[()\[\]]")
_LIST = re.compile(r"\[[^\[\]]*\]")
# Parts of an answer that are marked as final, by the rule that finds them.
_MARKED = ("answer_tag", "boxed")


def text(doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, str]) -> str:
    """Write the question in the words of a prompt of the benchmark.

    Args:
        doc: A row of the data set.
        lmms_eval_specific_kwargs: ``shot_type``: ``format-prompt``, ``step-by-step`` or
            ``solution``.

    Raises:
        ValueError: The kind of the answer is unknown.
    """
    kind = lmms_eval_specific_kwargs["shot_type"]
    is_short = kind == "format-prompt"
    question = doc["question"] if is_short else f"Question: {doc['question']}"
    unit = f" (Unit: {doc['unit']})" if doc["unit"] else ""
    hint = _short_hint(doc) if is_short else _long_hint(doc)
    ending = ["Solution: "] if kind == "solution" else []
    parts = [question + unit, *_choices(doc, is_short), hint, *ending]
    return "\n".join(parts).strip()


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """Score one answer.

    Args:
        doc: A row of the data set.
        results: The answer, as a list of one.

    Returns:
        1 or 0, and how the answer was read.

    Raises:
        ValueError: The kind of the answer is unknown, or the expected one is none of its
            kind.
    """
    parsed = read_answer(doc, results[0])
    is_right = parsed.is_found and _is_equal(doc, parsed.value)
    return {"accuracy": float(is_right), "parsed": parsed}


def read_answer(doc: Mapping[str, Any], answer: str) -> Parsed:
    """Find what an answer says, in the form that the question asks for.

    Returns:
        The text of an option, a number or a list of numbers.

    Raises:
        ValueError: The kind of the answer is unknown.
    """
    if doc["question_type"] == "multi_choice":
        parsed = read_choice(answer, doc["choices"])
        if not parsed.is_found:
            return parsed
        return replace(parsed, value=doc["choices"][_position(parsed.value)])
    reader = {"integer": _number, "float": _number, "list": _list}.get(
        doc["answer_type"]
    )
    if reader is None:
        raise ValueError(f"unknown answer_type {doc['answer_type']!r} in free form")
    return reader(answer)


def _position(letter: str) -> int:
    return ascii_uppercase.index(letter)


def _choices(doc: Mapping[str, Any], is_short: bool) -> list[str]:
    letters = zip(ascii_uppercase, doc["choices"] or (), strict=False)
    if is_short:
        return [f"{letter}. {choice}" for letter, choice in letters]
    lines = [f"({letter}) {choice}" for letter, choice in letters]
    return ["Choices:", *lines] if lines else []


def _short_hint(doc: Mapping[str, Any]) -> str:
    if doc["question_type"] == "multi_choice":
        return "Answer with the option's letter from the given choices directly."
    kind = doc["answer_type"]
    if kind == "integer":
        return "Answer the question using a single integer number."
    if kind == "list":
        return "Answer the question using a Python list."
    places, _ = _places(doc)
    return f"Answer the question using a single floating-point number with {places}."


def _long_hint(doc: Mapping[str, Any]) -> str:
    if doc["question_type"] == "multi_choice":
        return (
            "Hint: Please answer the question and provide the correct option letter, "
            "e.g., A, B, C, D, at the end."
        )
    kind = doc["answer_type"]
    if kind == "integer":
        wanted, noun, examples = "an integer answer", "value", "1, 2, 3"
    elif kind == "list":
        wanted, noun = "a Python list as an answer", "list"
        examples = "[1, 2, 3], [1.2, 1.3, 1.4]"
    else:
        places, examples = _places(doc)
        wanted, noun = f"a floating-point number with {places}", "value"
    return (
        f"Hint: Please answer the question requiring {wanted} and provide the final "
        f"{noun}, e.g., {examples}, at the end."
    )


def _places(doc: Mapping[str, Any]) -> tuple[str, str]:
    precision = doc["precision"]
    if doc["answer_type"] != "float" or precision not in _DECIMALS:
        raise ValueError(
            f"no prompt for answer_type {doc['answer_type']!r} with precision "
            f"{precision!r}"
        )
    return _DECIMALS[precision]


def _number(answer: str) -> Parsed:
    """Find the one number that is stated last; several at once are none.

    A number in words counts where nothing else is said.
    """
    for part, rule in _parts(_BRACKETS_OF_LATEX.sub(" ", answer)):
        said = _REJECTED.sub(" ", part.rpartition("=")[2])
        is_alone = rule in _MARKED or len(said.split()) == 1
        parsed = read_number(said, which="only", words=is_alone)
        if parsed.status != "none":
            return replace(parsed, rule=f"{rule}.{parsed.rule}")
    return NOT_FOUND


def _list(answer: str) -> Parsed:
    """Find the last list in brackets."""
    final = _parts(answer)[-1][0]
    for written in reversed(_LIST.findall(final)):
        try:
            value = ast.literal_eval(written)
        except (SyntaxError, ValueError):
            continue
        return Parsed(value=value, rule="list")
    return NOT_FOUND


def _parts(answer: str) -> list[tuple[str, str]]:
    """Give the parts of an answer that may say what is final, the surest first."""
    marked = (last_tagged(answer, "answer"), last_boxed(answer))
    for final, rule in zip(marked, _MARKED, strict=True):
        if final is not None:
            return [(final, rule)]
    lines = [line for line in answer.splitlines() if line.strip()]
    found = [*((line, "line") for line in lines[-1:]), (answer, "whole")]
    stated = list(_STATEMENT.finditer(answer))
    if not stated:
        return found
    clause = _END_OF_CLAUSE.split(answer[stated[-1].end() :], maxsplit=1)[0]
    return [(clause, "statement"), *found]


def _is_equal(doc: Mapping[str, Any], value: Any) -> bool:
    gold = doc["answer"]
    if doc["question_type"] == "multi_choice":
        return bool(value == gold)
    if doc["answer_type"] == "list":
        return bool(value == ast.literal_eval(gold))
    if doc["answer_type"] == "integer":
        return int(value) == int(float(gold))
    places = int(doc["precision"])
    return round(float(value), places) == round(float(gold), places)
