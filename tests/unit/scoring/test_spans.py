from __future__ import annotations

import pytest

from pytest_evalkit.scoring import span_f1, span_match, span_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The  Beatles' hit.", ["beatles", "hit"]),
        ("J.K. Rowling", ["jk", "rowling"]),
        ("a an the", []),
        ("theatre of an animal", ["theatre", "of", "animal"]),
        ("", []),
    ],
)
def test_words_are_those_of_the_published_script(text: str, words: list[str]) -> None:
    assert span_words(text) == words


@pytest.mark.parametrize(
    ("answer", "references", "match", "f1"),
    [
        ("Geneva", ["Geneva, Switzerland", "Geneva"], 1.0, 1.0),
        ("the danube.", ["Danube"], 1.0, 1.0),
        ("the red fox", ["a fox"], 0.0, 2 / 3),
        # Two of three words on each side, "the" being none.
        ("New York City", ["the New York Times"], 0.0, 2 * 2 / 6),
        # The second "to" of the answer has no fellow.
        ("to be to", ["to be"], 0.0, 4 / 5),
        ("four", ["4"], 0.0, 0.0),
        ("", ["4"], 0.0, 0.0),
        ("", [""], 1.0, 1.0),
        ("something", [""], 0.0, 0.0),
        (None, [""], 0.0, 0.0),
        (None, ["4"], 0.0, 0.0),
        ("b a c", ["c b"], 0.0, 1.0),
    ],
)
def test_answers_are_compared_with_the_nearest_reference(
    answer: str | None, references: list[str], match: float, f1: float
) -> None:
    assert span_match(references=references, predictions=[answer]) == match
    assert span_f1(references=references, predictions=[answer]) == pytest.approx(f1)
