from __future__ import annotations

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import import_object, printable, suggestion


@pytest.mark.parametrize(
    ("name", "valid", "expected"),
    [
        ("orcale", ["oracle", "openai"], "did you mean 'oracle'?"),
        ("xyz", ["mean", "median"], "valid: mean, median"),
        ("xyz", {"b": 1, "a": 2}, "valid: a, b"),
        ("xyz", [], "there is none"),
    ],
)
def test_a_misspelt_name_is_answered_by_the_nearest_or_by_all(
    name: str, valid: list[str], expected: str
) -> None:
    assert suggestion(name, valid) == expected


def test_an_object_is_imported_by_its_reference() -> None:
    assert import_object("pytest_evalkit.errors:OptionError") is OptionError


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("no_such_package:Thing", "cannot import 'no_such_package:Thing': No module"),
        (
            "pytest_evalkit.errors:OptionEror",
            "module 'pytest_evalkit.errors' has no 'OptionEror'; did you mean",
        ),
    ],
)
def test_a_wrong_reference_is_told(reference: str, message: str) -> None:
    with pytest.raises(OptionError) as told:
        import_object(reference)

    assert str(told.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is\n\tand so on", "as it is\n\tand so on"),
        ("grün 数学 👩‍👩‍👧 שלום", "grün 数学 👩‍👩‍👧 שלום"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("over\rwritten\x08\x7f", "over\\rwritten\\x08\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202etxt.exe\u2066", "\\u202etxt.exe\\u2066"),
        ("a\u2028b\ufeff", "a\\u2028b\\ufeff"),
        ("half \ud83d", "half \\ud83d"),
        ("hidden \U000e0041", "hidden \\U000e0041"),
    ],
)
def test_a_terminal_is_told_nothing_by_a_text_that_it_shows(
    text: str, shown: str
) -> None:
    assert printable(text) == shown


def test_a_name_has_one_line() -> None:
    assert printable("a\nb\tc", keep="") == "a\\nb\\tc"
