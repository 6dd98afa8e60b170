"""Reading conversations from JSONL, in rows or one on a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.conversations.conversation import Conversation
from pytest_evalkit.conversations.fields import shown
from pytest_evalkit.conversations.order import (
    grouped,
    order_problems,
    scattered_problems,
)
from pytest_evalkit.conversations.problems import (
    MAX_PROBLEMS,
    ConversationError,
    Problem,
)
from pytest_evalkit.conversations.rows import Row, row_problems, turn_of
from pytest_evalkit.conversations.whole import others_of, rows_of
from pytest_evalkit.errors import DatasetError

_METADATA = "dataset_metadata"


class _Found(NamedTuple):
    """What the lines of a file say."""

    rows: list[Row]
    problems: list[Problem]
    others: dict[str, Mapping[str, Any]]


def read_conversations(
    path: Path, *, max_problems: int = MAX_PROBLEMS
) -> tuple[Conversation, ...]:
    """Read a file of conversations.

    A line is a row, which is one message, or a whole conversation with ``messages``.

    Args:
        path: The file, in UTF-8.
        max_problems: How many problems the error tells of.

    Raises:
        DatasetError: The file cannot be read, or has no conversation.
        ConversationError: It breaks rules; tells of all of them at once.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read conversations: {error}", path=path) from error
    # Only line feeds end a line of JSONL; texts may hold other separators.
    return conversations_of(text.split("\n"), path=path, max_problems=max_problems)


def conversations_of(
    lines: Iterable[str],
    *,
    path: Path | None = None,
    max_problems: int = MAX_PROBLEMS,
) -> tuple[Conversation, ...]:
    """Read conversations from lines of JSON.

    Args:
        lines: Those of a file; empty ones are passed over.
        path: The file, for errors; or None.
        max_problems: How many problems the error tells of.

    Raises:
        DatasetError: There is no conversation.
        ConversationError: Lines break rules; tells of all of them at once.
    """
    found = _found(lines)
    groups = list(grouped(found.rows))
    problems = [
        *found.problems,
        *(problem for row in found.rows for problem in row_problems(row)),
        *scattered_problems(groups),
        *(problem for rows in groups for problem in order_problems(rows)),
    ]
    if problems:
        # Each pass goes through the file; what is told goes by line.
        problems.sort(key=lambda problem: problem.line)
        raise ConversationError(problems, path=path, most=max_problems)
    if not groups:
        raise DatasetError("there is no conversation", path=path)
    places = count()
    return tuple(_conversation(rows, found.others, places) for rows in groups)


def _found(lines: Iterable[str]) -> _Found:
    found = _Found([], [], {})
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            said = decode(text)
            if not isinstance(said, dict):
                raise ValueError(f"a line must be an object, got {shown(said)}")  # noqa: TRY004, TRY301 - told as the others are
            found.rows.extend(Row.of(line, row) for row in _rows(line, said, found))
        except (CodecError, ValueError) as error:
            found.problems.append(Problem(line, None, None, str(error)))
    return found


def _rows(
    line: int, said: dict[str, Any], found: _Found
) -> Iterator[Mapping[str, Any]]:
    if said.get("_type") == _METADATA:
        return
    if "role" not in said and "messages" not in said:
        raise ValueError("a line needs role, where it is one message, or messages")
    if "messages" not in said:
        yield said
        return
    rows = list(rows_of(said))
    row = Row.of(line, rows[0] if rows else said)
    if not rows:
        raise ValueError("messages hold nothing but the system's")
    if row.conversation is not None:
        found.others[row.conversation] = others_of(said)
    yield from rows


def _conversation(
    rows: tuple[Row, ...], others: Mapping[str, Mapping[str, Any]], places: count[int]
) -> Conversation:
    first = rows[0]
    assert first.conversation is not None
    turns = (turn_of(row) for row in rows)
    systems = (row.fields["system"] for row in rows if "system" in row.fields)
    return Conversation(
        id=first.conversation,
        turns=tuple(
            replace(turn, sample_index=next(places)) if turn.is_client else turn
            for turn in turns
        ),
        system=next(systems, None),
        others=others.get(first.conversation, {}),
    )
