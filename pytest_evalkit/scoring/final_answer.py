r"""The part of an answer that says what is final: ``<answer>`` and ``\boxed{}``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_evalkit.scoring.parsed import NOT_FOUND, Parsed, found

_BOX = re.compile(r"\\f?box(?:ed)?\s*\{|\\boxed\s+(?=[^\s{])")


def last_tagged(text: str, tag: str) -> str | None:
    """Give what stands in the last pair of tags, or after a last one that never ends.

    Args:
        text: The answer.
        tag: The tag's name; case does not matter.

    Returns:
        The content without white space around it; None where there is no such tag.

    >>> last_tagged("<answer>A</answer> no: <answer> B </answer>", "answer")
    'B'
    """
    opening = re.compile(rf"<{tag}>", re.IGNORECASE)
    starts = [match.end() for match in opening.finditer(text)]
    if not starts:
        return None
    content = text[starts[-1] :]
    return re.split(rf"</{tag}>", content, flags=re.IGNORECASE)[0].strip()


def last_boxed(text: str) -> str | None:
    r"""Give what stands in the last ``\boxed{}`` whose braces balance.

    Returns:
        The content without white space around it; None where there is no such box.

    >>> last_boxed(r"\boxed{1} or \boxed{\frac{1}{2}}")
    '\\frac{1}{2}'
    """
    found = list(boxes(text))
    return found[-1][1] if found else None


def boxes(text: str) -> Iterator[tuple[int, str]]:
    r"""Find each ``\boxed{}`` whose braces balance.

    Yields:
        Where it ends, and its content without white space around it.
    """
    ends = _closing_braces(text)
    for match in _BOX.finditer(text):
        start = match.end()
        end = ends.get(start - 1) if text[start - 1] == "{" else start + 1
        if end is not None:
            yield end, text[start:end].strip()


def read_final_answer(text: str) -> Parsed:
    r"""Find what an answer says in the end.

    The last ``<answer>``, else the last ``\boxed{}``, else the whole text.

    Returns:
        The text, without white space around it; none where it is empty.

    >>> read_final_answer("It is <answer>B</answer>.")
    Parsed(value='B', status='found', rule='answer_tag')
    """
    tagged = last_tagged(text, "answer")
    boxed = last_boxed(text)
    for part, rule in ((tagged, "answer_tag"), (boxed, "boxed"), (text, "whole")):
        if part is not None:
            return found(part.strip(), rule) if part.strip() else NOT_FOUND
    return NOT_FOUND


def _closing_braces(text: str) -> dict[int, int]:
    """Tell where each brace that is closed is closed."""
    opened: list[int] = []
    closed: dict[int, int] = {}
    for match in re.finditer(r"[{}]", text):
        if match.group() == "{":
            opened.append(match.start())
        elif opened:
            closed[opened.pop()] = match.start()
    return closed
