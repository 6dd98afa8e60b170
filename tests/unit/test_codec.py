from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.codec import (
    CodecError,
    decode,
    encode,
    encode_canonical,
    encode_pretty,
)

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_JSON)
def test_a_value_is_read_back_as_it_was(value: Any) -> None:
    line = encode(value)

    assert b"\n" not in line
    assert decode(line) == value


@given(st.text(st.characters(categories=["L", "Cs"])))
def test_lone_surrogates_survive(text: str) -> None:
    # Halves that meet are one character once they were read.
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")

    assert decode(encode({"said": text})) == {"said": expected}


def test_surrogates_are_written_as_escapes() -> None:
    assert encode({"said": "\ud83d!"}) == b'{"said":"\\ud83d!"}'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("text", ["plain", "\ud800"])
def test_what_json_has_no_number_for_is_null(number: float, text: str) -> None:
    line = encode([number, text])

    assert json.loads(line, parse_constant=pytest.fail)[0] is None


def test_numbers_of_libraries_become_plain() -> None:
    import numpy as np

    values = {
        "float": np.float64(0.5),
        "int": np.int64(3),
        "truth": np.bool_(1),
        "table": np.array([[1, 2], [3, 4]]),
    }

    assert decode(encode(values)) == {
        "float": 0.5,
        "int": 3,
        "truth": True,
        "table": [[1, 2], [3, 4]],
    }


def test_tuples_become_lists() -> None:
    assert decode(encode((1, ("a", None)))) == [1, ["a", None]]


@pytest.mark.parametrize("text", ["plain", "\ud800"])
def test_what_is_no_json_is_told(text: str) -> None:
    with pytest.raises(CodecError, match="complex is not a JSON value"):
        encode({"value": 1j, "said": text})


def test_a_value_that_contains_itself_is_told() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(CodecError):
        encode(value)


def test_the_canonical_form_does_not_depend_on_the_order_of_keys() -> None:
    one = {"b": 1, "a": {"d": 2, "c": "\ud800"}}
    other = {"a": {"c": "\ud800", "d": 2}, "b": 1}

    assert encode_canonical(one) == encode_canonical(other)
    assert encode_canonical({"b": 1, "a": 2}) == b'{"a":2,"b":1}'


def test_the_pretty_form_is_indented_and_ends_its_line() -> None:
    assert encode_pretty({"a": [1]}) == b'{\n  "a": [\n    1\n  ]\n}\n'


@pytest.mark.parametrize("text", [b"", b"{", b"nope", b'{"a": 1} x', b"\xff"])
def test_what_is_not_json_is_told(text: bytes) -> None:
    with pytest.raises(CodecError, match="not JSON"):
        decode(text)


def test_what_other_writers_call_json_is_read() -> None:
    assert math.isnan(decode('{"value": NaN}')["value"])
    assert decode('"\\ud800"') == "\ud800"
