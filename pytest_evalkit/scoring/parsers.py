"""The filters that read an answer and tell whether they found one."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from msgspec.structs import replace

from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.choice_answer import options_of, read_option
from pytest_evalkit.scoring.final_answer import read_final_answer
from pytest_evalkit.scoring.number_answer import WHICH, read_number
from pytest_evalkit.scoring.parsed import Parsed, ParserFilter, parser
from pytest_evalkit.scoring.yes_no_answer import read_yes_no

_GIVEN = ("letter", "text", "position")
_PERCENT = ("ignore", "fraction")


def choice_filter(
    *,
    options: str | Sequence[str] | Callable[[Mapping[str, Any]], Any] | None = None,
    letters: str | Sequence[str] | None = None,
    absent: Sequence[str] = (),
    give: str = "letter",
) -> ParserFilter:
    """Find which of the document's options a response names; none where it is unclear.

    Args:
        options: The column that lists them, a column for each of them, or a function of
            the document. None for what ``doc_to_choice`` gives, else for as many as
            there are letters.
        letters: Of each option in turn; None for A, B, C and so on.
        absent: Texts that stand for an option which the document does not have. An
            empty text and null always do.
        give: ``letter``, ``text`` or ``position`` (from zero) of the option.

    Raises:
        OptionError: An argument has the wrong form.
    """
    names = None if letters is None else _letters(letters)
    _check("choice", "give", give, _GIVEN)
    if options is not None and not callable(options) and not _are_columns(options):
        raise OptionError(
            "filter 'choice' needs a column, a list of columns or a !function as "
            f"options, not {options!r}"
        )

    def read(text: str, doc: Mapping[str, Any], choices: Sequence[str]) -> Parsed:
        texts = _texts(options, names, doc, choices)
        if not isinstance(texts, int):
            texts = [None if each in absent else each for each in texts]
        try:
            own = options_of(texts, names)
        except ValueError as error:
            raise ScoringError(f"filter 'choice': {error}") from error
        return _given(read_option(text, own), texts, give, names or ascii_uppercase)

    return parser(read)


def number_filter(
    *, which: str = "last", words: bool = True, percent: str = "ignore"
) -> ParserFilter:
    """Find the number that a response says.

    Args:
        which: Of several the ``last`` or the ``first``; ``only`` finds none where
            different ones are said.
        words: Whether English words count where there are no digits.
        percent: ``ignore`` reads "50%" as 50, ``fraction`` as 0.5.

    Raises:
        OptionError: An argument has the wrong form.
    """
    _check("number", "which", which, WHICH)
    _check("number", "percent", percent, _PERCENT)
    is_worded = bool(words)
    return parser(
        lambda text, _doc, _choices: read_number(
            text, which=which, words=is_worded, percent=percent
        )
    )


def yes_no_filter() -> ParserFilter:
    """Find whether a response says ``yes`` or ``no``."""
    return parser(lambda text, _doc, _choices: read_yes_no(text))


def final_answer_filter() -> ParserFilter:
    r"""Keep the last ``<answer>``, else the last ``\boxed{}``, else the response."""
    return parser(lambda text, _doc, _choices: read_final_answer(text))


def _check(owner: str, key: str, value: Any, known: Sequence[str]) -> None:
    if value not in known:
        raise OptionError(
            f"filter {owner!r} has no {key} {value!r}; {suggestion(str(value), known)}"
        )


def _letters(value: Any) -> tuple[str, ...]:
    names = tuple(str(each) for each in value)
    if not names or len(set(names)) < len(names) or not all(names):
        raise OptionError(f"filter 'choice' needs different letters, not {value!r}")
    return names


def _are_columns(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(each, str) for each in value)
    )


def _texts(
    options: Any,
    letters: Sequence[str] | None,
    doc: Mapping[str, Any],
    choices: Sequence[str],
) -> int | list[str | None]:
    """Tell the options' texts, or how many there are."""
    if callable(options):
        return _listed(options(doc), "its options function")
    if isinstance(options, str):
        return _listed(_column(doc, options), f"column {options!r}")
    if options is not None:
        return [_text(_column(doc, each)) for each in options]
    if choices:
        return list(choices)
    if letters is not None:
        return len(letters)
    raise ScoringError(
        "filter 'choice' knows no options; give it options or letters, or set "
        "doc_to_choice"
    )


def _column(doc: Mapping[str, Any], name: str) -> Any:
    if name not in doc:
        raise ScoringError(
            f"filter 'choice' needs a column {name!r}; {suggestion(name, map(str, doc))}"
        )
    return doc[name]


def _listed(value: Any, source: str) -> list[str | None]:
    """Read a list of texts; some data sets write it as the text of one."""
    items = value
    if isinstance(value, str):
        try:
            items = ast.literal_eval(value)
        except (SyntaxError, ValueError):
            items = None
    if isinstance(items, Sequence) and not isinstance(items, str):
        return [_text(item) for item in items]
    raise ScoringError(f"filter 'choice': {source} holds no list but {value!r}")


def _text(value: Any) -> str | None:
    is_nothing = value is None or (isinstance(value, float) and math.isnan(value))
    return None if is_nothing else str(value)


def _given(
    parsed: Parsed,
    texts: int | Sequence[str | None],
    give: str,
    letters: Sequence[str],
) -> Parsed:
    if not parsed.is_found or give == "letter":
        return parsed
    position = list(letters).index(parsed.value)
    if give == "position" or isinstance(texts, int):
        return replace(parsed, value=position)
    return replace(parsed, value=texts[position])
