from __future__ import annotations

import pytest

from pytest_evalkit.reports.page_texts import PageTexts, limit_of


@pytest.mark.parametrize(
    ("lengths", "most", "limit"),
    [([10, 100, 1000], 150, 70), ([3, 3], 10, 3), ([], 5, 0), ([8, 8], 4, 2)],
)
def test_what_is_too_long_is_cut_to_what_is_left(
    lengths: list[int], most: int, limit: int
) -> None:
    found = limit_of(lengths, most)

    assert found == limit
    assert sum(min(length, found) for length in lengths) <= most


def test_a_short_text_stays_whole() -> None:
    texts = PageTexts()
    written = texts.add("4")

    texts.settle()

    assert written == {"t": "4"}
    assert texts.cut_at is None


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    texts = PageTexts(longest=10)
    written = texts.add("abcdefghijklmnopqrst")

    texts.settle()

    assert written == {"t": "abcdef", "e": "qrst", "n": 20}
    assert texts.cut_at == 10


def test_what_a_family_begins_with_is_written_once() -> None:
    texts = PageTexts()
    examples = "Q: 1+1\nA: 2\n" * 30
    first = texts.add(examples + "Q: 2+2", "prompts")
    second = texts.add(examples + "Q: 3+3", "prompts")
    other = texts.add(examples + "Q: 4+4", "others")

    texts.settle()

    assert texts.shared == [examples]
    assert first == {"s": 0, "t": "Q: 2+2"}
    assert second == {"s": 0, "t": "Q: 3+3"}
    assert other == {"t": examples + "Q: 4+4"}


def test_a_short_beginning_is_not_worth_sharing() -> None:
    texts = PageTexts()
    first = texts.add("What is 1?", "prompts")
    texts.add("What is 2?", "prompts")

    texts.settle()

    assert texts.shared == []
    assert first == {"t": "What is 1?"}
