"""The order of rows: who may speak after whom, and which call a result answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from pytest_evalkit.conversations.problems import Problem
from pytest_evalkit.conversations.rows import Row
from pytest_evalkit.naming import suggestion


def grouped(rows: Iterable[Row]) -> Iterator[tuple[Row, ...]]:
    """Put the rows that stand together and are of one conversation together.

    Rows that say no conversation are left out: they are a problem of their own.
    """
    for conversation, together in groupby(rows, key=lambda row: row.conversation):
        if conversation is not None:
            yield tuple(together)


def scattered_problems(groups: Sequence[Sequence[Row]]) -> Iterator[Problem]:
    """Tell of conversations that others stand in the midst of."""
    ends: dict[str | None, int] = {}
    for rows in groups:
        first, last = rows[0], rows[-1]
        if first.conversation in ends:
            yield first.problem(
                "the rows of a conversation must stand together; this one was left at "
                f"line {ends[first.conversation]} for another"
            )
        ends[first.conversation] = last.line


def order_problems(rows: Sequence[Row]) -> Iterator[Problem]:
    """Say what is wrong with the order of the rows of one conversation.

    After a wrong step, the rows that follow are judged from where it led.

    Args:
        rows: Those of one conversation that stand together, in order.
    """
    before: Row | None = None
    for row in rows:
        for text in (*_number_faults(before, row), *_step_faults(before, row)):
            yield row.problem(text)
        if row.role == "tool" and before is not None and before.call_ids:
            yield from map(row.problem, _pairing_faults(before, row))
        before = row


def _number_faults(before: Row | None, row: Row) -> Iterator[str]:
    if row.turn is None or row.turn < 1:
        return
    if before is None and row.turn != 1:
        yield f"a conversation starts with turn 1, not {row.turn}"
    if before is None or before.turn is None or row.turn == before.turn + 1:
        return
    if row.turn == before.turn:
        yield f"turn {row.turn} is there twice"
    else:
        yield (
            f"turn {row.turn} follows turn {before.turn}; "
            f"turns are consecutive: {before.turn + 1}"
        )


def _step_faults(before: Row | None, row: Row) -> Iterator[str]:
    """Say why a role may not follow; nothing where one of the two is unknown."""
    if row.role is None or (before is not None and before.role is None):
        return
    if before is None:
        if row.role != "user":
            yield f"a conversation starts with a user, not {_article(row.role)}"
        return
    has_calls = "tool_calls" in before.fields
    match before.role, row.role:
        case ("assistant", "user") if has_calls:
            yield "a user speaks before the tool calls of the turn before are answered"
        case ("assistant", "tool") if not has_calls:
            yield "a tool answers, but the turn before calls no tool"
        case ("user", "tool"):
            yield "a tool answers, but the turn before calls no tool"
        case ("tool", "tool"):
            yield "two tool rows follow each other; results of parallel calls are one"
        case (role, other) if role == other:
            yield f"two {role} rows follow each other; join them to one"


def _pairing_faults(calls: Row, results: Row) -> Iterator[str]:
    for one in dict.fromkeys(results.result_ids):
        if one not in calls.call_ids:
            yield (
                f"tool_call_id {one!r} answers no call of the turn before; "
                f"{suggestion(one, calls.call_ids)}"
            )
    for one in dict.fromkeys(calls.call_ids):
        if one not in results.result_ids:
            yield f"the tool call {one!r} of the turn before is not answered"


def _article(role: str) -> str:
    return f"an {role}" if role == "assistant" else f"a {role}"
