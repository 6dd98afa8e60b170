"""Asking for a choice by its letter, of models that tell no likelihoods."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from pytest_evalkit.tasks.fields import as_position

NO_ANSWER = "[no answer]"
# "A" and "I" are words too, and are no letters where another word follows.
_NO_WORD = r"(?!\s+[a-z]|')"
_INSTRUCTION = "Answer with the letter of the correct option only."
_INPUTS = "Which of these is right?"


def letters_of(count: int) -> tuple[str, ...]:
    """Name so many options: A to Z, then AA, AB and so on.

    >>> letters_of(3)
    ('A', 'B', 'C')
    """
    letters = list(ascii_uppercase)
    letters += [first + second for first in letters for second in ascii_uppercase]
    return tuple(letters[:count])


def lettered(question: str, choices: Sequence[str]) -> str:
    """Write a question with its options, unless its text has them already.

    >>> print(lettered("Which is round?", ["ball", "box"]))
    Which is round?
    <BLANKLINE>
    A. ball
    B. box
    """
    if not has_options(question, choices):
        options = [f"{letter}. {choice.strip()}" for letter, choice in _paired(choices)]
        question = "\n\n".join(filter(None, [question.rstrip(), "\n".join(options)]))
    return question


def instructed(question: str) -> str:
    """Ask for the letter alone."""
    return f"{question.rstrip()}\n\n{_INSTRUCTION}"


def options_of(
    question: str | int, target: Any, choices: Sequence[str], delimiter: str
) -> tuple[str, tuple[str, ...], Any]:
    """Write a question with options.

    Args:
        question: The question; or the position of the right one of several inputs.
        target: What is right; for inputs, the continuation that they share.
        choices: The answers, or the inputs.
        delimiter: Stands between an input and its continuation.

    Returns:
        The question, its options, and the right one as ``gold_letters`` takes it.
    """
    if isinstance(question, str):
        return question, tuple(choices), target
    texts = tuple(f"{choice}{delimiter}{target}" for choice in choices)
    return _INPUTS, texts, question


def has_options(question: str, choices: Sequence[str]) -> bool:
    """Tell whether a text lists the options with the letters that they get here.

    Choices that are letters themselves count as listed where something stands behind
    each of them.
    """
    return all(
        re.search(rf"(?:^|[\s(]){letter}[.):]\s*{_body(letter, choice)}", question)
        for letter, choice in _paired(choices)
    )


def _body(letter: str, choice: str) -> str:
    text = choice.strip()
    return r"\S" if text == letter else re.escape(text)


def _paired(choices: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(letters_of(len(choices)), choices, strict=True))


def gold_letters(gold: Any, choices: Sequence[str]) -> list[str]:
    """Name the right options.

    Args:
        gold: A position, a text among the choices, or a list of either.
        choices: The options.

    Raises:
        ValueError: There is no such option.
    """
    letters = letters_of(len(choices))
    items = gold if isinstance(gold, list | tuple) else [gold]
    found = []
    for item in items:
        position = as_position(item)
        if position is None and item in choices:
            position = choices.index(item)
        if position is None or not 0 <= position < len(choices):
            raise ValueError(f"{item!r} is none of the {len(choices)} choices")
        found.append(letters[position])
    return found


def read_letter(text: str, choices: Sequence[str]) -> str:
    """Find the letter of the option that an answer means.

    The letter alone, or first with a mark behind it; else what follows the last "answer
    is" or stands in a box; else the one option whose text the answer is or contains;
    else the one letter that stands alone in it.

    >>> read_letter("The answer is (B).", ["ball", "box"])
    'B'
    >>> read_letter("It must be a ball!", ["ball", "box"])
    'A'

    Returns:
        The letter; ``NO_ANSWER`` where none is meant, or several.
    """
    said = text.strip().replace("**", "")
    letters = letters_of(len(choices))
    one = "|".join(letters)
    for pattern in (
        rf"^\W*({one})\W*$",
        rf"^\(?({one})[.):]",
        rf"\\boxed{{\s*(?:\\text{{)?\(?({one})\b",
        rf"(?i:answer|option)\s*(?:is\b)?[\s:\"'(]*{_alone(letters)}",
    ):
        found = re.findall(pattern, said)
        if found:
            return str(found[-1])
    return _meant(said, choices, letters)


def _meant(said: str, choices: Sequence[str], letters: Sequence[str]) -> str:
    folded = said.casefold().strip(" .")
    texts = [choice.strip().casefold() for choice in choices]
    for candidates in (
        [n for n, text in enumerate(texts) if text == folded],
        [
            n
            for n, text in enumerate(texts)
            if text not in ("", letters[n].casefold()) and _holds(folded, text)
        ],
    ):
        if len(candidates) == 1:
            return letters[candidates[0]]
    alone = set(re.findall(rf"\b{_alone(letters)}", said))
    return alone.pop() if len(alone) == 1 else NO_ANSWER


def _alone(letters: Sequence[str]) -> str:
    """Match a letter that is no word."""
    words = rf"\b{_NO_WORD}"
    each = [letter + (words if letter in "AI" else r"\b") for letter in letters]
    return f"({'|'.join(each)})"


def _holds(text: str, choice: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(choice)}(?!\w)", text) is not None


def choice_acc(references: Sequence[str], predictions: Sequence[str]) -> float:
    """Give one for the letter of a right option, and zero for any other answer."""
    return float(predictions[0] in references)


# How a choice by its letter is scored: under a name of its own, since another question
# was asked than the one whose accuracy is published.
CHOICE_METRIC: Mapping[str, Any] = {
    "metric": choice_acc,
    "aggregation": "mean",
    "higher_is_better": True,
}
