"""Write the beginnings and endings of HellaSwag without the marks of their sources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_MARK = re.compile(r"\[.*?\]")


def beginning(doc: Mapping[str, Any]) -> str:
    """Join activity and context; the ending's first words begin a sentence."""
    start, rest = doc["ctx_a"], doc["ctx_b"].capitalize()
    return cleaned(f"{doc['activity_label']}: {start} {rest}")


def endings(doc: Mapping[str, Any]) -> list[str]:
    """List the four endings."""
    return [cleaned(ending) for ending in doc["endings"]]


def cleaned(text: str) -> str:
    """Take out what WikiHow left in brackets; a title begins a new sentence.

    White space around the text goes first, and each pair of spaces becomes one.
    """
    titled = text.strip().replace(" [title]", ". ")
    return _MARK.sub("", titled).replace("  ", " ")
