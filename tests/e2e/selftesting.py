"""Tasks for ``--selftest``, and what became of its checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

CHECKS = ["schema", "ids", "prompts", "oracle", "chance", "scorer", "filters"]

QUESTIONS = [
    {"id": f"q{n}", "question": f"Which? {n}", "options": list("ABCD"), "answer": "ABCD"[n % 4]}
    for n in range(8)
]  # fmt: skip

CHOICE: Mapping[str, Any] = {
    "doc_to_text": "{{question}}",
    "doc_to_target": "{{answer}}",
    "doc_to_choice": "options",
    "filter_list": [
        {
            "name": "letter",
            "filter": [
                {"function": "regex", "regex_pattern": r"\b([A-D])\b"},
                {"function": "take_first"},
            ],
        }
    ],
    "metadata": {"version": 1.0},
}


def selftest(suite: ArithSuite, *arguments: str) -> pytest.RunResult:
    return suite.run("--selftest", *arguments)


def outcomes(result: pytest.RunResult, task: str = "arith") -> dict[str, str]:
    """What became of each check, by its name."""
    lines = str(result.stdout)
    found = re.findall(rf"::{task}\[selftest-(\w+)\] (PASSED|FAILED|SKIPPED)", lines)
    return dict(found)


def failing(result: pytest.RunResult) -> set[str]:
    return {check for check, word in outcomes(result).items() if word == "FAILED"}


def scored_by(suite: ArithSuite, code: str, **keys: Any) -> None:
    """Give the task a scorer of its own."""
    suite.write("arith/utils.py", code)
    path = suite.task(**keys)
    path.write_text(
        f"{path.read_text()}process_results: !function utils.process_results\n"
    )


def choosing(suite: ArithSuite, **keys: Any) -> None:
    suite.task(rows=keys.pop("rows", QUESTIONS), **{**CHOICE, **keys})
