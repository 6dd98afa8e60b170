"""Compare final answers of MATH by what they mean.

Hendrycks et al., "Measuring Mathematical Problem Solving With the MATH Dataset", 2021,
arXiv 2103.03874. Whether two answers are equal, math-verify tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from pytest_evalkit.scoring import Parsed, read_final_answer

if find_spec("math_verify") is None:
    raise ImportError("MATH is scored by math-verify; pip install math-verify")

_STATED = re.compile(
    r"\banswer\s+is\b[:\s]*(?P<said>[^\n]*?)\.?\s*(?:I hope it is correct.*)?$",
    re.IGNORECASE | re.MULTILINE,
)
_BOX = re.compile(r"\\f?box(?:ed)?\b")
_MATHS = re.compile(r"^(?:\\\[|\\\(|\$\$?)(.*?)(?:\\\]|\\\)|\$\$?)$", re.DOTALL)


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """Compare the final answer with that of the solution.

    Args:
        doc: A row of the data set.
        results: The whole answer, as a list of one.

    Returns:
        1 or 0 under ``math_verify``, and what was read under ``answer``.

    Raises:
        ValueError: The solution of the data set has no final answer.
    """
    gold = read_final_answer(doc["solution"])
    if gold.rule != "boxed":
        raise ValueError(f"the solution has no box: {doc['solution'][-80:]!r}")
    answer = read_answer(results[0])
    is_right = answer.is_found and is_equal(gold.value, answer.value)
    return {"math_verify": float(is_right), "answer": answer}


def read_answer(text: str) -> Parsed:
    r"""Find the final answer: the last box, or "the answer is" after it.

    Without either, an answer of one line is taken as a whole.

    Returns:
        The answer as written, without dollar signs around it.
    """
    final = read_final_answer(text)
    stated = list(_STATED.finditer(text))
    boxes = [match.start() for match in _BOX.finditer(text)]
    is_later = bool(stated) and (not boxes or stated[-1].start() > boxes[-1])
    if final.rule == "answer_tag" or (final.rule == "boxed" and not is_later):
        return _read(str(final.value or ""), str(final.rule))
    if stated:
        return _read(stated[-1]["said"], "statement")
    if "\n" in text.strip():
        return Parsed(status="none")
    return _read(text, "line")


def _read(said: str, rule: str) -> Parsed:
    inner = read_final_answer(said)
    plain = str(inner.value or "").strip().strip("*").removesuffix(".").strip()
    plain = _MATHS.sub(r"\1", plain).strip()
    return Parsed(value=plain, rule=rule) if plain else Parsed(status="none")


def is_equal(gold: str, answer: str) -> bool:
    """Tell whether two answers in LaTeX mean the same.

    They do if they are written alike but for white space; else math-verify decides,
    which has five seconds to read and five to compare.
    """
    if "".join(gold.split()) == "".join(answer.split()):
        return True
    from math_verify import parse, verify

    read = [parse(rf"\boxed{{{text}}}") for text in (gold, answer)]
    return bool(all(read) and verify(*read))
