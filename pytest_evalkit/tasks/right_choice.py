"""Which of a document's choices is right, as its target says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_evalkit.tasks.fields import as_position

_MOST_SHOWN = 10


def positions(target: Any) -> Any:
    """Read positions of any library as whole numbers; leave texts."""
    if isinstance(target, list | tuple):
        return [positions(item) for item in target]
    position = as_position(target)
    return target if position is None else position


def without_right_choice(
    target: Any, choices: Sequence[str], written: tuple[str, Any], doc_id: int
) -> str | None:
    """Say that none of the choices is right; None where one is.

    Args:
        target: A position, the text of a choice, or a list of such; None for no target.
        choices: The answers to choose from.
        written: The key of the task file that tells what is right, and its value.
        doc_id: The position of the document.
    """
    if target is None:
        return None
    items = target if isinstance(target, list) else [target]
    if any(_is_choice(item, choices) for item in items):
        return None
    key, value = written
    source = "its function" if callable(value) else repr(value)
    shown = ", ".join(repr(choice) for choice in choices[:_MOST_SHOWN])
    more = ", ..." if len(choices) > _MOST_SHOWN else ""
    return (
        f"{key} ({source}) gives {target!r} for document {doc_id}, which is none "
        f"of its {len(choices)} choices, by text or by position from 0: {shown}{more}"
    )


def _is_choice(item: Any, choices: Sequence[str]) -> bool:
    if isinstance(item, int):
        return 0 <= item < len(choices)
    return item in choices
