from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_evalkit.models.local.ending import EndRule, Row, Written

END = 0


def spelt(tokens: Sequence[int]) -> str:
    """Spell bytes; a character of several is whole only with its last one."""
    return bytes(tokens).decode(errors="replace")


def write(text: str, *texts: str, most: int = 100, tokens: Sequence[int] = ()) -> Row:
    rule = EndRule(most=most, tokens=frozenset({END}), texts=texts)
    row = Row(rule=rule, decode=spelt)
    for token in (*text.encode(), *tokens):
        row.take(token)
    return row


def test_a_text_ends_with_the_token_that_ends_texts() -> None:
    row = write("red", tokens=[END, *b"dish"])

    assert row.written() == Written("red", 4, "stop")


def test_a_text_ends_at_the_most_tokens() -> None:
    assert write("reddish", most=3).written() == Written("red", 3, "length")


def test_a_text_is_cut_before_a_stop_text_and_no_later_token_counts() -> None:
    row = write("red\n\nQuestion: what", "\n\n")

    assert row.written() == Written("red", 5, "stop")


def test_the_earliest_of_several_stop_texts_cuts() -> None:
    row = write("a, b. c", ".", "b.", "never")

    assert row.written() == Written("a, ", 5, "stop")


def test_a_stop_text_of_several_bytes_a_character_is_found() -> None:
    row = write("ja\u7b54\u6848 nein", "\u7b54\u6848")

    assert row.written() == Written("ja", 8, "stop")


def test_a_stop_text_far_behind_the_beginning_is_found() -> None:
    row = write("x" * 90 + "STOP" + "y" * 5, "STOP")

    assert row.written() == Written("x" * 90, 94, "stop")


def test_a_stop_text_at_the_very_limit_ends_by_itself() -> None:
    assert write("redSTOP", "STOP", most=7).written() == Written("red", 7, "stop")


def test_a_text_that_goes_on_has_no_reason_to_have_ended() -> None:
    row = write("red")

    assert row.reason is None
    assert row.tokens == list(b"red")


def test_a_token_of_several_characters_may_end_behind_the_stop_text() -> None:
    words = {1: "red", 2: ".\n\nNext", 3: " more"}
    rule = EndRule(most=9, tokens=frozenset({END}), texts=("\n\n",))
    row = Row(rule=rule, decode=lambda tokens: "".join(words[one] for one in tokens))

    for token in (1, 2, 3):
        row.take(token)

    assert row.written() == Written("red.", 2, "stop")


@pytest.mark.parametrize("text", ["red", ""])
def test_nothing_is_cut_where_the_stop_text_is_not(text: str) -> None:
    row = write(text, "blue", tokens=[END])

    assert row.written() == Written(text, len(text) + 1, "stop")
