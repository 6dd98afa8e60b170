"""JSON as bytes: the one place that knows how wire forms become text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

import msgspec

from pytest_evalkit.errors import EvalkitError

_T = TypeVar("_T")

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A whole number from 0, as large as columns of numbers hold."""


class CodecError(EvalkitError):
    """A value is not JSON, or a text is not."""


def _plain(value: Any) -> Any:
    """Turn what numeric libraries return into plain numbers and lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not a JSON value")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
_CANONICAL_ENCODER = msgspec.json.Encoder(enc_hook=_plain, order="sorted")
_DECODER = msgspec.json.Decoder()
# What writing raises, where a value is no plain JSON.
_UNUSUAL = (TypeError, ValueError, OverflowError, RecursionError)


def encode(value: Any) -> bytes:
    """Write a value as one line of JSON, without a newline.

    Not-a-number and the infinities become null, as JSON has none of them.

    Raises:
        CodecError: Part of the value has no JSON form.
    """
    try:
        return _ENCODER.encode(value)
    except _UNUSUAL as error:
        return _otherwise(value, error, is_sorted=False)


def encode_lines(values: Iterable[Any]) -> bytes:
    """Write values as lines of JSON, each with its newline.

    Not-a-number and the infinities become null.

    Raises:
        CodecError: Part of a value has no JSON form.
    """
    return b"".join([encode(value) + b"\n" for value in values])


def encode_canonical(value: Any) -> bytes:
    """Write a value as one line of JSON with sorted keys, to be hashed.

    Raises:
        CodecError: Part of the value has no JSON form.
    """
    try:
        return _CANONICAL_ENCODER.encode(value)
    except _UNUSUAL as error:
        return _otherwise(value, error, is_sorted=True)


def _otherwise(value: Any, error: Exception, *, is_sorted: bool) -> bytes:
    """Write what the fast writer does not, if anything can."""
    # Models do emit lone surrogates; only escapes can carry them. And whole numbers may
    # have any size, which only Python's own writer knows.
    if isinstance(error, UnicodeEncodeError | OverflowError):
        return _escaped(value, is_sorted=is_sorted)
    raise CodecError(str(error)) from error


def _escaped(value: Any, *, is_sorted: bool) -> bytes:
    try:
        text = json.dumps(value, default=_plain)
        finite = json.loads(text, parse_constant=lambda _: None)
    except (TypeError, ValueError, RecursionError) as error:
        raise CodecError(str(error)) from error
    return json.dumps(finite, sort_keys=is_sorted, separators=(",", ":")).encode()


def encode_pretty(value: Any, indent: int = 2) -> bytes:
    """Write a value as indented JSON that ends in a newline.

    Args:
        value: Plain JSON.
        indent: How many spaces stand before what is one step further in.

    Raises:
        CodecError: Part of the value has no JSON form.
    """
    return msgspec.json.format(encode(value), indent=indent) + b"\n"


def decode(text: bytes | str) -> Any:
    """Read one JSON value.

    Raises:
        CodecError: The text is not JSON.
    """
    try:
        return _DECODER.decode(text)
    # Bytes that are no text are found only where keys are made of them.
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _decode_tolerantly(text)


def part_reader(kind: type[_T]) -> Callable[[bytes], _T]:
    """Make a fast reader of a part of JSON objects.

    Args:
        kind: A TypedDict of the keys that are wanted; others are passed over unread.

    Returns:
        What reads one object. It raises CodecError where the text is not JSON, or a
        wanted key is of another type.
    """
    decoder = msgspec.json.Decoder(kind)

    def read(text: bytes) -> _T:
        try:
            return decoder.decode(text)
        except msgspec.ValidationError as error:
            raise CodecError(str(error)) from error
        except (msgspec.DecodeError, UnicodeError):
            value: _T = _decode_tolerantly(text)
            return value

    return read


def decode_as(text: bytes, kind: type[_T]) -> _T:
    """Read one JSON value of a type, such as a tuple with names, checking each part.

    Raises:
        CodecError: The text is not JSON, or a part of it is of another type.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise CodecError(str(error)) from error


def convert(value: Any, kind: Any) -> Any:
    """Make of a value of JSON one of a type, such as a dataclass or a TypedDict.

    What the type does not have is left out.

    Raises:
        CodecError: A part of it is of another type; says which.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, OverflowError, UnicodeError) as error:
        raise CodecError(f"of another form: {error}") from error


def is_of(value: Any, kind: type[msgspec.Struct]) -> bool:
    """Tell whether a value of JSON has what a Struct asks for; more does not matter."""
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, OverflowError, UnicodeError):
        return False
    return True


def _decode_tolerantly(text: bytes | str) -> Any:
    """Read what Python's own reader accepts too: lone surrogates, NaN."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CodecError(f"not JSON: {error}") from error
