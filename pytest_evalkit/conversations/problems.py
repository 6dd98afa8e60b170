"""What is wrong with conversation data: all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.naming import printable

MAX_PROBLEMS = 50
"""How many problems of one file are told, unless another number is asked for."""


class Problem(NamedTuple):
    """One rule that a line breaks.

    Attributes:
        line: The line of the file, from one.
        conversation: The conversation, or None where the line does not say it.
        turn: The turn in it as the line has it, or None where it has none.
        text: The value, the rule and the remedy.
    """

    line: int
    conversation: str | None
    turn: int | None
    text: str

    def __str__(self) -> str:
        """Say where and what: ``line: conversation, turn: text``."""
        named = self.conversation
        place = [] if named is None else [f"conversation {named!r}"]
        if self.turn is not None:
            place.append(f"turn {self.turn}")
        where = f"{', '.join(place)}: " if place else ""
        return printable(f"{self.line}: {where}{self.text}")


class ConversationError(DatasetError):
    """The conversations of a file break rules.

    Attributes:
        problems: Every one that was found, in the order of lines.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        path: Path | None = None,
        most: int = MAX_PROBLEMS,
    ) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        told = [f"{path or 'line'}:{one}" for one in self.problems[:most]]
        left = [f"and {count - most} more"] if count > most else []
        noun = "problem" if count == 1 else "problems"
        super().__init__(
            "\n  ".join((f"{count} {noun} in conversations", *told, *left)), path=path
        )
