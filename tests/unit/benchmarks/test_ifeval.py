from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

LoadModule = Callable[[str], ModuleType]

WORDS = "length_constraints:number_words"
SENTENCES = "length_constraints:number_sentences"
EXISTENCE = "keywords:existence"
FREQUENCY = "keywords:frequency"
FORBIDDEN = "keywords:forbidden_words"
LETTER = "keywords:letter_frequency"
DIVIDED = "length_constraints:number_paragraphs"
NTH = "length_constraints:nth_paragraph_first_word"
PLACEHOLDERS = "detectable_content:number_placeholders"
POSTSCRIPT = "detectable_content:postscript"
BULLETS = "detectable_format:number_bullet_lists"
OPTION = "detectable_format:constrained_response"
HIGHLIGHTS = "detectable_format:number_highlighted_sections"
SECTIONS = "detectable_format:multiple_sections"
JSON = "detectable_format:json_format"
TITLE = "detectable_format:title"
TWO = "combination:two_responses"
REPEAT = "combination:repeat_prompt"
END = "startend:end_checker"
QUOTED = "startend:quotation"
CAPITALS = "change_case:capital_word_frequency"
COMMA = "punctuation:no_comma"
LANGUAGE = "language:response_language"
UPPER = "change_case:english_capital"
LOWER = "change_case:english_lowercase"

AT_LEAST_3 = {"num_words": 3, "relation": "at least"}
LESS_THAN_3 = {"num_words": 3, "relation": "less than"}
SECOND = {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "yeast"}


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("ifeval/utils.py")


@pytest.fixture
def published(benchmarks: Path) -> list[dict[str, Any]]:
    file = benchmarks.parents[1] / "shared" / "data" / "ifeval" / "input_data.jsonl"
    if not file.is_file():
        pytest.skip("the prompts of IFEval are not beside the checkout")
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def strict(utils: ModuleType, name: str, given: dict[str, Any], answer: str) -> bool:
    doc = {"instruction_id_list": [name], "kwargs": [given]}
    (value,) = utils.followed(doc, [answer])
    assert isinstance(value, bool)
    return value


@pytest.mark.parametrize(
    ("name", "given", "followed", "broken"),
    [
        (WORDS, AT_LEAST_3, ["a b c", "one, two-three"], ["a b", "a ... b"]),
        (WORDS, LESS_THAN_3, ["a b"], ["a b c", "don't go"]),
        (
            EXISTENCE,
            {"keywords": ["mom", "big cat"]},
            ["Mom has a BIG CAT", "moment of big cats"],
            ["mom", "cat big mom"],
        ),
        (EXISTENCE, {"keywords": ["a.b"]}, ["A.B!"], ["axb"]),
        (
            FREQUENCY,
            {"keyword": "war ", "frequency": 2, "relation": "at least"},
            ["War and war", "warwar", "wars, war"],
            ["war", "peace"],
        ),
        (
            FREQUENCY,
            {"keyword": "war", "frequency": 1, "relation": "less than"},
            ["peace"],
            ["war", "forward"],
        ),
        (
            FORBIDDEN,
            {"forbidden_words": ["rock", "le"]},
            ["rocks", "apple", "the roll"],
            ["Rock", "a rock-song", "le chat"],
        ),
        (
            LETTER,
            {"letter": "q", "let_frequency": 2, "let_relation": "at least"},
            ["Quick quip", "qq"],
            ["quick", "pp"],
        ),
        (
            LETTER,
            {"letter": "!", "let_frequency": 2, "let_relation": "at least"},
            ["Ho! Ho!", "!!"],
            ["Ho!", "none"],
        ),
        (
            DIVIDED,
            {"num_paragraphs": 2},
            ["a\n***\nb", "***\na***b", "a *** b\n***\n"],
            ["a", "a***b***c", "a******b", "a\n\nb"],
        ),
        (
            NTH,
            SECOND,
            ["a\n\nYeast, b", "a\n\n\n\n'yeast' b", 'a\n\n"Yeast" b'],
            ["yeast\n\na", "a\n\nyeasty", "a\n\nyeast\n\nb", "a\nyeast"],
        ),
        (
            PLACEHOLDERS,
            {"num_placeholders": 2},
            ["[a] [b]", "[name][x y]"],
            ["[a]", "(a) (b)", "[a\nb] [c]"],
        ),
        (
            POSTSCRIPT,
            {"postscript_marker": "P.S."},
            ["Bye. P.S. one", "p. s. one", "P.P.S. one"],
            ["PS one", "P.S"],
        ),
        (
            POSTSCRIPT,
            {"postscript_marker": "P.P.S"},
            ["P.P.S two", "p. p. s. two"],
            ["P.S. one", "PPS"],
        ),
        (
            BULLETS,
            {"num_bullets": 2},
            ["* a\n* b", "- a\n  - b", "* a\ntext\n- b"],
            ["* a", "* a\n* b\n* c", "**a**\n* b", "1. a\n2. b"],
        ),
        (
            OPTION,
            {},
            ["My answer is yes.", "So: My answer is maybe."],
            ["yes", "my answer is no.", "My answer is yes"],
        ),
        (
            HIGHLIGHTS,
            {"num_highlights": 2},
            ["*a* and *b*", "**a** **b**", "*a* **b c**"],
            ["*a*", "**a**", "** ** *a*", "*a\nb* *c*"],
        ),
        (
            SECTIONS,
            {"section_spliter": "SECTION", "num_sections": 2},
            ["SECTION 1\na\nSECTION 2\nb", "SECTION1 SECTION2"],
            ["SECTION 1", "Section 1 Section 2", "SECTION I SECTION II"],
        ),
        (
            JSON,
            {},
            ['{"a": 1}', "```json\n[1]\n```", "```\n{}\n```", '"text"'],
            ["{a: 1}", 'Here: {"a": 1}', "```json\n{\n```"],
        ),
        (TITLE, {}, ["<<a>>", "x <<a b>> y"], ["<<>>", "<a>", "<<a\nb>>", "<< >>"]),
        (
            TWO,
            {},
            ["a\n******\nb", "******a******b", "a******b******"],
            ["a", "a******a", "a******b******c", "a***b", "a************b"],
        ),
        (
            REPEAT,
            {"prompt_to_repeat": "Write a song. "},
            ["Write a song. La la", "  write a SONG.\nLa"],
            ["La la", "Sure! Write a song. La", "Write a poem."],
        ),
        (
            END,
            {"end_phrase": "Peace!"},
            ["Go. Peace!", '"Go. peace!"', "Peace!\n "],
            ["Peace", "Peace! Bye", "Peace!**"],
        ),
        (QUOTED, {}, ['"a"', ' "a" b "c"\n'], ["a", '"a', '"', "'a'"]),
        (
            CAPITALS,
            {"capital_frequency": 2, "capital_relation": "at least"},
            ["I AM here", "U.S. and WELL-KNOWN", "A1 B2"],
            ["I am", "Well-KNOWN Is", "123 456"],
        ),
        (
            CAPITALS,
            {"capital_frequency": 1, "capital_relation": "less than"},
            ["none here", "Nor Here"],
            ["ONE", "I"],
        ),
        (COMMA, {}, ["a; b", "a\uff0cb"], ["a, b", "1,000"]),
        (
            SENTENCES,
            {"num_sentences": 2, "relation": "at least"},
            ["One. Two.", "One! two?", "Is it? Yes.", "One.\nTwo."],
            ["One.", "one and", "Dr. Who came.", "Pi is 3.14 today.", "1. One"],
        ),
        (
            SENTENCES,
            {"num_sentences": 2, "relation": "less than"},
            ["One", "...", "See e.g. Rome.", '"No!" he said.', "Well... no."],
            ["One. Two", "one. two.", 'He said "no." She left.'],
        ),
    ],
)
def test_an_instruction_is_followed_or_not(
    utils: ModuleType,
    name: str,
    given: dict[str, Any],
    followed: list[str],
    broken: list[str],
) -> None:
    found = {answer: strict(utils, name, given, answer) for answer in followed + broken}

    assert found == dict.fromkeys(followed, True) | dict.fromkeys(broken, False)


@pytest.mark.parametrize(
    ("name", "given", "answer", "value"),
    [
        (LANGUAGE, {"language": "de"}, "Das ist ein schöner Tag im Garten.", True),
        (LANGUAGE, {"language": "de"}, "This is a lovely day in the garden.", False),
        (LANGUAGE, {"language": "hi"}, "आज मौसम बहुत अच्छा है।", True),
        (LANGUAGE, {"language": "ko"}, "오늘은 날씨가 아주 좋습니다.", True),
        (LANGUAGE, {"language": "ru"}, "Сегодня очень хорошая погода.", True),
        # What no language can be told of is in none.
        (LANGUAGE, {"language": "en"}, "12 + 34", False),
        (UPPER, {}, "THE SKY IS BLUE AND THE SEA IS DEEP TODAY.", True),
        (UPPER, {}, "The sky is blue and the sea is deep today.", False),
        (UPPER, {}, "DER HIMMEL IST HEUTE BLAU UND DAS MEER IST TIEF.", False),
        (LOWER, {}, "the sky is blue and the sea is deep today.", True),
        (LOWER, {}, "the sky is blue and the Sea is deep today.", False),
        (LOWER, {}, "le ciel est bleu et la mer est calme aujourd'hui.", False),
    ],
)
def test_the_language_of_an_answer_is_told(
    utils: ModuleType, name: str, given: dict[str, Any], answer: str, value: bool
) -> None:
    pytest.importorskip("langdetect", reason="languages are told by langdetect")

    assert [strict(utils, name, given, answer) for _ in range(3)] == [value] * 3


@pytest.mark.parametrize("answer", ["", " \n", "\t"])
def test_an_empty_answer_follows_nothing(utils: ModuleType, answer: str) -> None:
    assert strict(utils, COMMA, {}, answer) is False


def test_a_loose_check_forgives_first_and_last_lines_and_asterisks(
    utils: ModuleType,
) -> None:
    doc = {
        "instruction_id_list": [QUOTED, END, COMMA],
        "kwargs": [{}, {"end_phrase": "Bye"}, {}],
    }
    answer = 'Sure, here it is:\n"Hello.\n**Bye**"\nAnything else?'

    values = utils.process_results(doc, [answer])

    assert values == {
        "prompt_level_strict_acc": 0.0,
        "inst_level_strict_acc": [False, False, False],
        "prompt_level_loose_acc": 1.0,
        "inst_level_loose_acc": [True, True, True],
    }


def test_a_loose_check_has_eight_forms(utils: ModuleType) -> None:
    assert utils.variants("a*\n b\nc") == [
        *("a*\n b\nc", "b\nc", "a*\n b", "b"),
        *("a\n b\nc", "b\nc", "a\n b", "b"),
    ]


def test_instructions_of_all_prompts_are_counted_together(utils: ModuleType) -> None:
    assert utils.share([[True], [False, True, True]]) == 0.75
    assert utils.share([]) is None


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("keywords:existance", {}, "unknown instruction 'keywords:existance'; valid"),
        (COMMA, {"num_words": 3}, "does not take the arguments {'num_words': 3}"),
        (WORDS, {"num_words": 3}, "does not take the arguments"),
        (WORDS, {"num_words": 3, "relation": "most"}, "unknown relation 'most'"),
    ],
)
def test_what_is_not_understood_is_an_error(
    utils: ModuleType, name: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        strict(utils, name, given, "text")


def test_columns_of_other_instructions_do_not_count(utils: ModuleType) -> None:
    given = {"num_words": 1, "relation": "at least", "language": None}

    assert strict(utils, WORDS, given, "text")


def test_every_instruction_of_the_data_set_is_understood(
    utils: ModuleType, published: list[dict[str, Any]]
) -> None:
    pytest.importorskip("langdetect", reason="languages are told by langdetect")

    for doc in published:
        values = utils.process_results(doc, ["Some text, of two lines.\nNo more."])
        assert len(values["inst_level_loose_acc"]) == len(doc["instruction_id_list"])
    asked = {name for doc in published for name in doc["instruction_id_list"]}
    assert len(published) == 541
    assert asked == set(utils.CHECKS)
    assert sum(len(doc["kwargs"]) for doc in published) == 834


def test_a_missing_language_detector_is_asked_for_before_the_model_is(
    utils: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utils, "find_spec", lambda _: None)

    with pytest.raises(ImportError, match="pip install langdetect"):
        utils.process_docs({"instruction_id_list": [[COMMA], [LOWER]]})

    without = {"instruction_id_list": [[COMMA]]}
    assert utils.process_docs(without) is without


def test_the_sample_has_every_instruction(utils: ModuleType, benchmarks: Path) -> None:
    file = benchmarks / "ifeval" / "sample" / "train.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]

    asked = {name for row in rows for name in row["instruction_id_list"]}

    assert asked == set(utils.CHECKS)
