from __future__ import annotations

import pytest

from pytest_evalkit.messages import AudioSource, samples
from pytest_evalkit.scoring import error_rate
from tests.unit.benchmarks.scored_answers import judge, open_sample

CLEAN, OTHER = (
    f"librispeech/librispeech_test_{part}.yaml" for part in ("clean", "other")
)


# What is said: the kettle was on the stove (0); Mister Falk didn't say a word, whose
# contraction the normaliser spells out (1); there were twenty one boats, whose number it
# writes as 21 (2).
@pytest.mark.parametrize(
    ("item", "answer", "errors"),
    [
        ("0", "THE KETTLE WAS ON THE STOVE", [0, 6]),
        ("0", "The kettle was, uh, on the stove.", [0, 6]),
        ("0", "The kettle was on a stove", [1, 6]),
        ("0", "kettle was on the stove", [1, 6]),
        ("0", "The kettle was on the the stove", [1, 6]),
        ("0", "", [6, 6]),
        ("0", "Transcript: the kettle was on the stove", [1, 6]),
        ("0", "I cannot hear anything", [6, 6]),
        ("1", "Mr. Falk did not say a word", [0, 7]),
        ("1", "Mr Falk did say a word", [1, 7]),
        ("2", "There were 21 boats.", [0, 4]),
        ("2", "There were twenty-one boats", [0, 4]),
        ("2", "There were 20 boats", [1, 4]),
    ],
)
def test_words_that_are_wrong_are_counted_after_normalising(
    item: str, answer: str, errors: list[int]
) -> None:
    assert judge(CLEAN, item, answer).metrics == {"word_error_rate": errors}


def test_british_spelling_is_no_error() -> None:
    judged = judge(OTHER, "0", "The color of the harbor changed")

    assert judged.metrics == {"word_error_rate": [0, 6]}


def test_the_rate_is_that_of_all_words_together() -> None:
    answers = [judge(CLEAN, "0", ""), judge(CLEAN, "2", "There were 21 boats")]

    # Six of ten words, and not the mean of all and none.
    assert error_rate([each.metrics["word_error_rate"] for each in answers]) == 60.0


def test_each_word_of_a_sound_takes_as_long() -> None:
    documents = open_sample(CLEAN).documents

    for row in range(len(documents)):
        sound = samples(AudioSource.of(documents[row]["audio"]))
        assert sound.rate == 16_000
        # A twentieth of a second for each word.
        assert len(sound.samples) == 800 * len(documents[row]["gt"].split())
