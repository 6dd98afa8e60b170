"""Make programs of answers to HumanEval, and run them against its tests.

Chen et al., "Evaluating Large Language Models Trained on Code", 2021, arXiv 2107.03374:
section 2.1 for pass@k.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import comb
from typing import Any

from pytest_evalkit.sandbox import run_program

# Of each program, the start of its interpreter included; the authors allow 3 seconds,
# and theirs runs already.
_TIMEOUT_S = 10.0
_KS = (1, 10, 100)
_FENCED = re.compile(r"```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE)


def completed(
    resps: Sequence[Sequence[str]], docs: Sequence[Mapping[str, Any]]
) -> list[list[str]]:
    """Write each answer behind the prompt, which it goes on from."""
    return [
        [doc["prompt"] + answer for answer in answers]
        for answers, doc in zip(resps, docs, strict=True)
    ]


def answered(
    resps: Sequence[Sequence[str]], docs: Sequence[Mapping[str, Any]]
) -> list[list[str]]:
    """Make a program of each answer of a chat model."""
    return [
        [program_of(doc, answer) for answer in answers]
        for answers, doc in zip(resps, docs, strict=True)
    ]


def program_of(doc: Mapping[str, Any], answer: str) -> str:
    """Find the function in an answer, or what goes on from the prompt.

    The last block of code that defines the function counts, else the answer where it
    does so itself; what the prompt has before the function, such as imports, comes
    first. Otherwise the first block, or the answer, goes on from the prompt.

    Args:
        doc: A row of the data set.
        answer: What the model wrote.
    """
    blocks = _FENCED.findall(answer)
    definition = re.compile(
        rf"^(?:async[ \t]+)?def[ \t]+{re.escape(doc['entry_point'])}\b", re.MULTILINE
    )
    for code in (*reversed(blocks), answer):
        if definition.search(code):
            start = definition.search(doc["prompt"])
            before = doc["prompt"][: start.start()] if start else ""
            return f"{before}\n{code}"
    return doc["prompt"] + (blocks[0] if blocks else answer)


def process_results(
    doc: Mapping[str, Any], results: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Run the programs of a problem.

    Args:
        doc: A row of the data set.
        results: The programs, one for each repeat, as a list of one list.

    Returns:
        ``pass@k`` for k of 1, 10 and 100, as far as there are so many programs.

    Raises:
        OptionError: The user has not allowed it.
    """
    passed = sum(passes(doc, program) for program in results[0])
    count = len(results[0])
    return {f"pass@{k}": pass_at_k(count, passed, k) for k in _KS if k <= count}


def passes(doc: Mapping[str, Any], program: str) -> bool:
    """Tell whether a program comes to the end of its tests, and they hold.

    Raises:
        OptionError: The user has not allowed it.
    """
    source = f"{program}\n{doc['test']}\ncheck({doc['entry_point']})\n"
    return run_program(source, timeout_s=_TIMEOUT_S, memory_mb=1024).is_completed


def pass_at_k(count: int, passed: int, k: int) -> float:
    """Estimate how likely one of k programs passes, without bias.

    One less the share of draws of k of them in which none passes.

    Args:
        count: How many programs there are, at least k.
        passed: How many of them pass.
        k: How many are drawn.

    >>> pass_at_k(2, 1, 1)
    0.5
    """
    return 1.0 - comb(count - passed, k) / comb(count, k)
