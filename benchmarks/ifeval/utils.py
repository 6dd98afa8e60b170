"""Check whether an answer follows the instructions of IFEval.

Zhou et al., "Instruction-Following Evaluation for Large Language Models", 2023, arXiv
2311.07911: 25 instructions that a program can check (table 1), and two ways to check an
answer, strictly and loosely (section 2.3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_ABBREVIATIONS = re.compile(
    r"mr|mrs|ms|dr|prof|sr|jr|st|vs|e\.g|i\.e|u\.s|u\.k|(?:p\.)+s|rev|gen|col|capt|lt|"
    r"sgt|fig|vol|approx|est"
)
_STOP = re.compile(
    r"[.!?\u2026\u3002\uff01\uff1f\u0964]+[\"'\u201d\u2019)\]*_]*(?=\s|$)"
)
_TOKEN = re.compile(r"\w+(?:[-./&]\w+)*")
_FENCE = re.compile(r"```(?:json)?(.*?)(?:```)?", re.DOTALL | re.IGNORECASE)


def process_docs(dataset: Any) -> Any:
    """Make sure that the language of answers can be told before any is asked for.

    Raises:
        ImportError: A document asks for a language, and langdetect is not installed.
    """
    asked = {name for names in dataset["instruction_id_list"] for name in names}
    if asked & _OF_LANGUAGE and find_spec("langdetect") is None:
        raise ImportError(
            "instructions about languages are checked by langdetect; "
            "pip install langdetect"
        )
    return dataset


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """Check each instruction of a prompt.

    Args:
        doc: A row of the data set.
        results: The answer, as a list of one.

    Returns:
        For the prompt whether all are followed, 1 or 0, and for its instructions a list
        of whether each is, strictly and loosely.

    Raises:
        ValueError: An instruction is unknown, or its arguments are.
    """
    strict = followed(doc, [results[0]])
    loose = followed(doc, variants(results[0]))
    return {
        "prompt_level_strict_acc": float(all(strict)),
        "inst_level_strict_acc": strict,
        "prompt_level_loose_acc": float(all(loose)),
        "inst_level_loose_acc": loose,
    }


def share(lists: Iterable[Sequence[bool]]) -> float | None:
    """Tell which share of the instructions of all prompts is followed, from 0 to 1.

    Args:
        lists: For each prompt, whether its instructions are.

    Returns:
        The share; None where there are no instructions.
    """
    every = [value for values in lists for value in values]
    return sum(every) / len(every) if every else None


def followed(doc: Mapping[str, Any], answers: Iterable[str]) -> list[bool]:
    """Tell for each instruction whether one of several forms of an answer follows it.

    An empty answer follows none.

    Raises:
        ValueError: An instruction is unknown, or its arguments are.
    """
    said = [answer for answer in answers if answer.strip()]
    return [
        any(_check(name, answer, given) for answer in said)
        for name, given in zip(doc["instruction_id_list"], doc["kwargs"], strict=True)
    ]


def variants(answer: str) -> list[str]:
    """Write an answer in the eight forms of which a loose check wants one to do.

    They are with and without its first line, its last line, and asterisks.
    """
    lines = answer.split("\n")
    parts = [answer, *("\n".join(cut) for cut in (lines[1:], lines[:-1], lines[1:-1]))]
    cut = [parts[0], *(part.strip() for part in parts[1:])]
    return [*cut, *(part.replace("*", "") for part in cut)]


def ideal(doc: Mapping[str, Any]) -> str:
    """Give an answer that follows all instructions, which documents of the sample have.

    Of the data set itself nobody wrote any; theirs is empty.
    """
    return _ideals().get(str(doc["key"]), "")


@lru_cache(maxsize=1)
def _ideals() -> dict[str, str]:
    file = Path(__file__).with_name("sample") / "ideal.json"
    answers: dict[str, str] = json.loads(file.read_text("utf-8"))
    return answers


def _check(name: str, answer: str, given: Mapping[str, Any]) -> bool:
    if name not in CHECKS:
        raise ValueError(f"unknown instruction {name!r}; valid: {', '.join(CHECKS)}")
    # In tables, each row has a column for the arguments of every instruction.
    arguments = {key: value for key, value in given.items() if value is not None}
    try:
        return CHECKS[name](answer, **arguments)
    except TypeError as error:
        message = f"{name} does not take the arguments {arguments!r}"
        raise ValueError(message) from error


def _compared(count: int, relation: str, bound: int) -> bool:
    if relation not in ("less than", "at least"):
        raise ValueError(f"unknown relation {relation!r}; valid: less than, at least")
    return count < bound if relation == "less than" else count >= bound


def _occurrences(text: str, answer: str) -> int:
    return len(re.findall(re.escape(text.strip()), answer, re.IGNORECASE))


def _has_keywords(answer: str, *, keywords: Sequence[str]) -> bool:
    return all(_occurrences(keyword, answer) for keyword in keywords)


def _keyword_frequency(
    answer: str, *, keyword: str, frequency: int, relation: str
) -> bool:
    return _compared(_occurrences(keyword, answer), relation, frequency)


def _lacks_words(answer: str, *, forbidden_words: Sequence[str]) -> bool:
    return not any(
        re.search(rf"\b{re.escape(word)}\b", answer, re.IGNORECASE)
        for word in forbidden_words
    )


def _letter_frequency(
    answer: str, *, letter: str, let_frequency: int, let_relation: str
) -> bool:
    count = answer.lower().count(letter.strip().lower())
    return _compared(count, let_relation, let_frequency)


def _is_in_language(answer: str, *, language: str) -> bool:
    return detected(answer) == language


def _sentences(answer: str, *, num_sentences: int, relation: str) -> bool:
    return _compared(sentences(answer), relation, num_sentences)


def _words(answer: str, *, num_words: int, relation: str) -> bool:
    return _compared(len(re.findall(r"\w+", answer)), relation, num_words)


def _divided_paragraphs(answer: str, *, num_paragraphs: int) -> bool:
    first, *rest = re.split(r"\s?\*\*\*\s?", answer)
    inner, last = (rest[:-1], rest[-1:]) if rest else ([], [])
    if not all(paragraph.strip() for paragraph in inner):
        return False
    ends = [paragraph for paragraph in (first, *last) if paragraph.strip()]
    return len(inner) + len(ends) == num_paragraphs


def _nth_paragraph(
    answer: str, *, num_paragraphs: int, nth_paragraph: int, first_word: str
) -> bool:
    paragraphs = [part for part in re.split(r"\n\n", answer) if part.strip()]
    if len(paragraphs) != num_paragraphs or not 1 <= nth_paragraph <= num_paragraphs:
        return False
    word = paragraphs[nth_paragraph - 1].split()[0].lstrip("'").lstrip('"')
    return re.split(r"[.,?!'\"]", word)[0].lower() == first_word.lower()


def _placeholders(answer: str, *, num_placeholders: int) -> bool:
    return len(re.findall(r"\[.*?\]", answer)) >= num_placeholders


def _postscript(answer: str, *, postscript_marker: str) -> bool:
    marker = postscript_marker.strip()
    patterns = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
    pattern = patterns.get(marker, re.escape(marker))
    return re.search(pattern, answer, re.IGNORECASE) is not None


def _bullets(answer: str, *, num_bullets: int) -> bool:
    stars = re.findall(r"^\s*\*[^*].*$", answer, re.MULTILINE)
    dashes = re.findall(r"^\s*-.*$", answer, re.MULTILINE)
    return len(stars) + len(dashes) == num_bullets


def _is_option(answer: str) -> bool:
    return any(option in answer for option in _OPTIONS)


def _highlights(answer: str, *, num_highlights: int) -> bool:
    single = re.findall(r"\*([^\n*]*)\*", answer)
    double = re.findall(r"\*\*([^\n*]*)\*\*", answer)
    count = sum(bool(highlight.strip()) for highlight in (*single, *double))
    return count >= num_highlights


def _sections(answer: str, *, section_spliter: str, num_sections: int) -> bool:
    marker = rf"{re.escape(section_spliter.strip())}\s?\d+"
    return len(re.findall(marker, answer)) >= num_sections


def _is_json(answer: str) -> bool:
    text = answer.strip()
    if fenced := _FENCE.fullmatch(text):
        text = fenced[1]
    try:
        json.loads(text.strip())
    except ValueError:
        return False
    return True


def _has_title(answer: str) -> bool:
    titles = re.findall(r"<<[^\n]+>>", answer)
    return any(title.lstrip("<").rstrip(">").strip() for title in titles)


def _two_responses(answer: str) -> bool:
    first, *rest = (part.strip() for part in answer.split("******"))
    if not all(rest[:-1]):
        return False
    responses = [part for part in (first, *rest) if part]
    return len(responses) == 2 and responses[0] != responses[1]  # noqa: PLR2004 - two


def _repeats_prompt(answer: str, *, prompt_to_repeat: str) -> bool:
    return answer.strip().lower().startswith(prompt_to_repeat.strip().lower())


def _ends_with(answer: str, *, end_phrase: str) -> bool:
    return answer.strip().strip('"').lower().endswith(end_phrase.strip().lower())


def _is_quoted(answer: str) -> bool:
    text = answer.strip()
    return len(text) > 1 and text.startswith('"') and text.endswith('"')


def _capital_words(
    answer: str, *, capital_frequency: int, capital_relation: str
) -> bool:
    count = sum(word.isupper() for word in _TOKEN.findall(answer))
    return _compared(count, capital_relation, capital_frequency)


def _is_english_in_capitals(answer: str) -> bool:
    # The profiles of languages are of ordinary text.
    return answer.isupper() and detected(answer.lower()) == "en"


def _is_english_in_lower_case(answer: str) -> bool:
    return answer.islower() and detected(answer) == "en"


def _has_no_comma(answer: str) -> bool:
    return "," not in answer


CHECKS: Mapping[str, Callable[..., bool]] = {
    "change_case:capital_word_frequency": _capital_words,
    "change_case:english_capital": _is_english_in_capitals,
    "change_case:english_lowercase": _is_english_in_lower_case,
    "combination:repeat_prompt": _repeats_prompt,
    "combination:two_responses": _two_responses,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:constrained_response": _is_option,
    "detectable_format:json_format": _is_json,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:title": _has_title,
    "keywords:existence": _has_keywords,
    "keywords:forbidden_words": _lacks_words,
    "keywords:frequency": _keyword_frequency,
    "keywords:letter_frequency": _letter_frequency,
    "language:response_language": _is_in_language,
    "length_constraints:nth_paragraph_first_word": _nth_paragraph,
    "length_constraints:number_paragraphs": _divided_paragraphs,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_words": _words,
    "punctuation:no_comma": _has_no_comma,
    "startend:end_checker": _ends_with,
    "startend:quotation": _is_quoted,
}
_OF_LANGUAGE = frozenset(
    {
        "change_case:english_capital",
        "change_case:english_lowercase",
        "language:response_language",
    }
)


def sentences(text: str) -> int:
    """Count sentences.

    One ends at marks such as ``.``, ``!`` and ``?`` before white space, unless an
    abbreviation, an initial or the number of an item comes before the full stop, or a
    word in lower case after several marks, as in ``"No!" he said``. What is left without
    such marks is one more.
    """
    count, start = 0, 0
    for match in _STOP.finditer(text):
        sentence = text[start : match.end()]
        if _ends_sentence(sentence, match.group(), text[match.end() :].lstrip()):
            count += bool(re.search(r"\w", sentence))
            start = match.end()
    return count + bool(re.search(r"\w", text[start:]))


def _ends_sentence(sentence: str, mark: str, rest: str) -> bool:
    if not rest:
        return True
    if rest[0].islower() and mark not in (".", "!", "?"):
        return False
    if mark != ".":
        return True
    word = sentence.rsplit(maxsplit=1)[-1][:-1].lstrip("(\"'*_").casefold()
    is_initial = len(word) == 1 and word.isalpha() and word != "i"
    is_item = bool(re.fullmatch(r"\s*[-*]?\s*\d{1,3}\.", sentence))
    return not (is_initial or is_item or _ABBREVIATIONS.fullmatch(word))


def detected(text: str) -> str | None:
    """Tell the language of a text, always the same of the same text.

    Returns:
        Its code in ISO 639-1, for Chinese with a region; None where nothing tells.
    """
    from langdetect.lang_detect_exception import LangDetectException

    detector = _detectors().create()
    detector.append(text)
    try:
        return str(detector.detect())
    except LangDetectException:
        return None


@lru_cache(maxsize=1)
def _detectors() -> Any:
    """Make detectors whose draws, which the method rests on, begin at a fixed seed."""
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    factory = DetectorFactory()
    factory.seed = 0
    factory.load_profile(PROFILES_DIRECTORY)
    return factory
