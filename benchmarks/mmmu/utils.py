"""Ask and score MMMU: multiple choice and open questions of thirty college subjects.

Both kinds of answer are read and judged as the authors' script does (``eval_utils.py`` of
https://github.com/MMMU-Benchmark/MMMU), but that nothing is drawn by lot: an answer in
which no option is found is wrong.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from pytest_evalkit.scoring import Parsed

_CHOICE = "Answer with the option's letter from the given choices directly."
_OPEN = "Answer the question using a single word or phrase."
_MOST_IMAGES = 7

_MARKS = ",.!?;:'"
# An answer of more words than these is looked through for the text of an option.
_FEW_WORDS = 5
_NUMBERS = (
    re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b"),
    re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d+"),
    re.compile(r"-?(?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d+)(?![,\d])"),
)
# Behind one of these stands what a sentence comes to.
_INDICATORS = (
    *("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer "),
    "result ",
)
_TRIVIAL = frozenset(":,.!?;'")


def images(doc: Mapping[str, Any]) -> list[Any]:
    """Give the images in the order of their numbers."""
    cells = [doc[f"image_{number}"] for number in range(1, _MOST_IMAGES + 1)]
    return [cell for cell in cells if cell is not None]


def text(doc: Mapping[str, Any]) -> str:
    """Write the question, its options, and an instruction behind an empty line."""
    listed = zip(letters(doc), _options(doc), strict=True)
    lines = [f"{letter}. {option}" for letter, option in listed]
    instruction = _CHOICE if _is_choice(doc) else _OPEN
    return "\n".join((doc["question"], *lines, "", instruction))


def letters(doc: Mapping[str, Any]) -> list[str]:
    """Name the options; none where the question is open."""
    return list(ascii_uppercase[: len(_options(doc))])


def target(doc: Mapping[str, Any]) -> str:
    """Give a right answer; of several, the first."""
    return _right(doc)[0]


def said(responses: Sequence[Any], docs: Sequence[Any]) -> list[Any]:
    """Write answers such that equal ones are written alike, to be voted on.

    Args:
        responses: The answers to each document; texts.
        docs: The documents.

    Returns:
        Of each the letter that it names, None where it names none; of open questions
        its text in lower case.
    """
    return [
        [_said(doc, answer) for answer in answers]
        for answers, doc in zip(responses, docs, strict=True)
    ]


def process_results(
    doc: Mapping[str, Any], results: Sequence[str | None]
) -> dict[str, Any]:
    """Say whether any of the answers to a document is right.

    Args:
        doc: A row of the data set.
        results: One answer or several; None where a vote found none.

    Returns:
        1 or 0 as ``mmmu_acc``, and how each answer was read.
    """
    right = _right(doc)
    if _is_choice(doc):
        parsed = [read_option(answer or "", _options(doc)) for answer in results]
        is_right = any(one.value in right for one in parsed)
    else:
        parsed = [_read_open(answer or "") for answer in results]
        is_right = any(equals_any(one.value or (), right) for one in parsed)
    return {"mmmu_acc": float(is_right), "parsed": parsed}


def read_option(answer: str, options: Sequence[str]) -> Parsed:
    """Find the option that an answer names, by the authors' rules.

    The first form in which any letter occurs decides: ``(A)``, a letter before a blank, a
    letter before a full stop; in answers of more than five words then an option's text.
    Of several in that form, the last one counts, where it stands alone.

    Args:
        answer: What the model wrote.
        options: The texts of the options.
    """
    plain = answer
    for mark in _MARKS:
        plain = plain.strip(mark)
    plain = f" {plain} "
    texts = dict(zip(ascii_uppercase, options, strict=False))
    for rule, form, place in (
        ("brackets", "({})", "({})"),
        ("letter", "{} ", " {} "),
        ("full_stop", "{}.", " {} "),
    ):
        named = [letter for letter in texts if form.format(letter) in plain]
        if named:
            return _last(named, {n: plain.rfind(place.format(n)) for n in named}, rule)
    if len(plain.split()) > _FEW_WORDS:
        spoken = plain.lower()
        named = [name for name, own in texts.items() if own.lower() in spoken]
        if named:
            places = {name: spoken.rfind(texts[name].lower()) for name in named}
            return _last(named, places, "text")
    return Parsed(status="none")


def read_open(answer: str) -> list[str | float]:
    """Find what an answer to an open question comes to, by the authors' rules.

    Of each line, the shortest end behind a word such as "is" or "therefore", or, in the
    last line, behind an equals sign; the whole answer where no line has one. To these
    come the numbers in them.

    Args:
        answer: What the model wrote.

    Returns:
        Texts in lower case, and numbers rounded to two decimals; each once.
    """
    whole = answer.strip().strip(".").lower()
    lines = whole.split("\n")
    ends = [
        end
        for number, line in enumerate(lines)
        if (end := _end(line, is_last=number == len(lines) - 1)) is not None
    ]
    ends = ends or [whole]
    numbers = [
        number
        for end in ends
        for pattern in _NUMBERS
        for number in pattern.findall(end)
    ]
    return list(
        dict.fromkeys(one for each in (*ends, *numbers) for one in _plain(each))
    )


def equals_any(found: Iterable[str | float], right: Iterable[str]) -> bool:
    """Say whether anything found is a right answer: an equal number, or a text with it.

    Args:
        found: What ``read_open`` gives.
        right: The right answers.
    """
    golds = [one for each in right for one in _plain(each)]
    numbers = {gold for gold in golds if isinstance(gold, float)}
    texts = [gold for gold in golds if isinstance(gold, str)]
    return any(
        any(text in one for text in texts) if isinstance(one, str) else one in numbers
        for one in found
    )


def _is_choice(doc: Mapping[str, Any]) -> bool:
    return bool(doc["question_type"] == "multiple-choice")


def _options(doc: Mapping[str, Any]) -> list[str]:
    """Read the options, which the data set writes as the text of a list."""
    return [str(one) for one in ast.literal_eval(doc["options"])]


def _right(doc: Mapping[str, Any]) -> list[str]:
    """Give the right answers; of an open question, they may be the text of a list."""
    answer = str(doc["answer"]).strip()
    if _is_choice(doc) or not (answer.startswith("[") and answer.endswith("]")):
        return [answer]
    return [str(one) for one in ast.literal_eval(answer)]


def _said(doc: Mapping[str, Any], answer: str) -> str | None:
    if _is_choice(doc):
        letter: str | None = read_option(answer, _options(doc)).value
        return letter
    return answer.strip().strip(".").lower() or None


def _last(named: Sequence[str], places: Mapping[str, int], rule: str) -> Parsed:
    """Take the one that stands last; of those that nowhere stand alone, the first."""
    return Parsed(value=max(named, key=lambda letter: places[letter]), rule=rule)


def _read_open(answer: str) -> Parsed:
    found = read_open(answer) if answer.strip() else []
    return Parsed(value=found, rule="open") if found else Parsed(status="none")


def _end(line: str, *, is_last: bool) -> str | None:
    """Give the shortest end of a line behind an indicator; None where there is none.

    An empty end takes the place of a longer one, and any other that of an empty one: the
    order of the indicators counts, as in the authors' script.
    """
    shortest = ""
    for indicator in (*_INDICATORS, "=") if is_last else _INDICATORS:
        if indicator in line:
            end = line.rsplit(indicator, maxsplit=1)[-1].strip()
            if not shortest or len(end) < len(shortest):
                shortest = end
    return None if not shortest or shortest in _TRIVIAL else shortest


def _plain(text: str) -> list[str | float]:
    """Write a text as a number or in lower case; a single letter with a blank beside."""
    text = text.strip()
    try:
        return [round(float(text.replace(",", "")), 2)]
    except ValueError:
        pass
    text = text.lower()
    # Alone it would be found in nearly any text.
    return [f" {text}", f"{text} "] if len(text) == 1 else [text]
