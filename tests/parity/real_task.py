"""What the suite says of a task file of the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.parity.real_documents import Make

TEST = {"train": 8, "test": 8}
VALIDATION = {"train": 8, "validation": 8}
DEV = {"dev": 6, "test": 8}


class Real(NamedTuple):
    """A task file of the reference, and its data.

    Attributes:
        file: Its path below the folder of the reference's tasks.
        sizes: How many documents each split has.
        make: Makes a document from draws and its number.
        shots: How many examples a prompt shows.
        marker: The column whose text the prompt of a document has near its end.
        right: Good answers to a document; empty for tasks of likelihoods.
        wrong: Other answers.
    """

    file: str
    sizes: Mapping[str, int]
    make: Make
    shots: int = 0
    marker: str | Callable[[Mapping[str, Any]], str] = "question"
    right: Callable[[Mapping[str, Any]], Sequence[str]] | None = None
    wrong: Sequence[str] = ("", " none", " 12")
