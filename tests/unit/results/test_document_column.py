from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.results.document_column import DocumentColumn


@given(st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers(0, 3))))
def test_a_column_is_what_a_dictionary_is(
    changes: list[tuple[int, int | None]],
) -> None:
    column, expected = DocumentColumn[int](), dict[int, int]()

    for document, value in changes:
        if value is None:
            column.discard(document)
            expected.pop(document, None)
        else:
            column[document] = expected[document] = value

    assert column == expected
    assert list(column) == sorted(expected)
    assert column.known() == [expected[document] for document in sorted(expected)]
    assert len(column) == len(expected)
    assert [n in column for n in range(-1, 42)] == [
        n in expected for n in range(-1, 42)
    ]


def test_none_is_a_value_as_any_other() -> None:
    column = DocumentColumn[None]()

    column[3] = None

    assert 3 in column
    assert column.get(2, "nothing") == "nothing"


@pytest.mark.parametrize("document", [-1, 0, 7])
def test_a_document_without_a_value_is_told(document: int) -> None:
    column = DocumentColumn[str]()
    column[1] = "known"

    with pytest.raises(KeyError):
        column[document]
    with pytest.raises(KeyError):
        del column[document]
