"""Read and score worked answers to BIG-Bench Hard.

Suzgun et al., "Challenging BIG-Bench Tasks and Whether Chain-of-Thought Can Solve
Them", 2022, arXiv 2210.09261: what follows the words "the answer is" counts, and has to
be the target.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_evalkit.scoring import Parsed, read_choice, read_final_answer

_OPTION = re.compile(r"^\(([A-Z])\)[ \t]*(.*)$", re.MULTILINE)
_STATED = re.compile(r"\banswer(?:\s+is\b|\s*:)[\s:*]*", re.IGNORECASE)
_MARKS = "*`\"'$ \t\r\n"


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """Compare the final answer with the target.

    Args:
        doc: A row of the data set.
        results: The whole answer, as a list of one.

    Returns:
        1 or 0 under ``exact_match``, and what was read under ``answer``.
    """
    target = doc["target"]
    options = options_of(doc["input"])
    if target.strip("()") in options:
        target = target.strip("()")
    else:
        # In three questions the options are cut at commas; then the text is the target.
        options = {}
    answer = read_answer(results[0], options)
    is_right = answer.is_found and _alike(answer.value) == _alike(target)
    return {"exact_match": float(is_right), "answer": answer}


def options_of(question: str) -> dict[str, str]:
    """Give the options of a question that are named by letters, by letter."""
    return dict(_OPTION.findall(question))


def read_answer(text: str, options: Mapping[str, str]) -> Parsed:
    r"""Find the final answer in a worked one.

    Of several, the last that "the answer is" or "answer:" comes before counts, up to
    the end of its line. Without these words it is what ``<answer>`` or ``\boxed{}``
    holds, or an answer of one line as a whole.

    Args:
        text: The answer.
        options: By letter; empty where the answer is another text.

    Returns:
        A letter where the options have letters, else the text without marks around it.
    """
    stated = [match.end() for match in _STATED.finditer(text)]
    final = read_final_answer(text)
    is_marked = final.rule in ("answer_tag", "boxed")
    if not stated and not is_marked and "\n" in text.strip():
        return Parsed(status="none")
    if options:
        return read_choice(text, list(options.values()), letters=list(options))
    if stated:
        return _read_line(text[stated[-1] :], "statement")
    return _read_line(str(final.value or ""), final.rule or "none")


def _read_line(text: str, rule: str) -> Parsed:
    line = text.strip(_MARKS).partition("\n")[0]
    boxed = str(read_final_answer(line).value or "")
    plain = boxed.strip(_MARKS).removesuffix(".").strip(_MARKS)
    return Parsed(value=plain, rule=rule) if plain else Parsed(status="none")


def _alike(text: str) -> str:
    """Make texts alike that differ in case, white space or the form of a minus."""
    return " ".join(text.casefold().replace("\N{MINUS SIGN}", "-").split())
