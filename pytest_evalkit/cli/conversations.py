"""Conversation data on the command line: checking it, and making it of logs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_evalkit.codec import encode
from pytest_evalkit.conversations import (
    MAX_PROBLEMS,
    Conversation,
    ConversationError,
    conversations_of,
    read_conversations,
)
from pytest_evalkit.conversations.snapshots import (
    converted,
    located,
    mismatches,
    snapshots_of,
)
from pytest_evalkit.errors import DatasetError
from pytest_evalkit.results.folder import write_whole

EXIT_FAILED = 1
"""Exit status where data break rules, or do not survive the round trip."""


def report_data(paths: Sequence[Path], max_errors: int | None) -> int:
    """Check files of conversations, and print what is wrong with them.

    Args:
        paths: The files.
        max_errors: How many problems of each file are printed; None for 50.

    Returns:
        The exit status: 0 where all are sound, else 1.
    """
    most = MAX_PROBLEMS if max_errors is None else max_errors
    failed = 0
    for path in paths:
        try:
            found = read_conversations(path, max_problems=most)
        except DatasetError as error:
            failed += 1
            sys.stdout.write(f"{error}\n")
        else:
            sys.stdout.write(f"{path}: {_sizes(found)}\n")
    return EXIT_FAILED if failed else 0


def convert_snapshot(source: Path, output: Path, *, verify: bool) -> int:
    """Turn a log of growing snapshots into rows.

    Args:
        source: The log, JSONL.
        output: The file of rows; written where they are sound.
        verify: Whether to compare what the rows make a model see with the log.

    Returns:
        The exit status: 0; 1 where the round trip loses something, and then nothing
        is written.

    Raises:
        DatasetError: The log cannot be read, or its conversations break rules.
        ResultsError: The rows cannot be written.
    """
    try:
        lines = source.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read the log: {error}", path=source) from error
    try:
        snapshots = snapshots_of(lines)
    except ConversationError as error:
        raise ConversationError(error.problems, path=source) from error
    rows = converted(snapshots)
    written = [encode(row) + b"\n" for row in rows]
    try:
        found = conversations_of([line.decode() for line in written])
    except ConversationError as error:
        problems = located(error.problems, snapshots)
        raise ConversationError(problems, path=source) from error
    differences = mismatches(snapshots, rows) if verify else []
    if differences:
        sys.stdout.write(f"{ConversationError(differences, path=source)}\n")
        return EXIT_FAILED
    write_whole(output, written)
    checked = ", verified" if verify else ""
    sys.stdout.write(f"{output}: {_sizes(found)}{checked}\n")
    return 0


def _sizes(found: Sequence[Conversation]) -> str:
    turns = sum(len(one.client_turns) for one in found)
    return f"{_counted(len(found), 'conversation')}, {_counted(turns, 'request')}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
