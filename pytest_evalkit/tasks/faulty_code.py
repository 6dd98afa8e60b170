"""The line of a task's own Python at which something was raised."""

from __future__ import annotations

import ast
import traceback
from dataclasses import dataclass
from pathlib import Path

from pytest_evalkit import compat


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyCode:
    """Where in modules of the task an exception came from.

    Attributes:
        file: The module's file.
        line: The line in it, from one.
        text: What it says, without white space around it.
    """

    file: Path
    line: int
    text: str

    @classmethod
    def of(cls, error: BaseException) -> FaultyCode | None:
        """Find the last line of the task's own code that was reached, or None."""
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if compat.is_task_code(frame.filename):
                return cls(
                    file=Path(frame.filename),
                    line=frame.lineno or 1,
                    text=frame.line or "",
                )
        return None

    def __str__(self) -> str:
        """Say where and what: ``utils.py:7: import nltk``."""
        return f"{self.file.name}:{self.line}: {self.text}"

    @property
    def tree(self) -> ast.Module:
        """The syntax of the file; empty where it cannot be read any more."""
        try:
            return ast.parse(self.file.read_bytes())
        except (OSError, SyntaxError, ValueError):
            return ast.Module(body=[], type_ignores=[])

    @property
    def statement(self) -> ast.stmt | None:
        """The innermost statement that the line is part of."""
        around = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.stmt)
            and node.lineno <= self.line <= (node.end_lineno or node.lineno)
        ]
        return max(around, key=lambda node: node.lineno, default=None)
