from __future__ import annotations

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import import_object, suggestion


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
