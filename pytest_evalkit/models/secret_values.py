"""Secrets told by their values, wherever they turn up: servers say them back."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from pytest_evalkit.codec import decode, encode
from pytest_evalkit.models.masking import (
    LEAST_LENGTH,
    MASK,
    may_let_in,
    names_headers,
    names_secret,
)

# What people write where a key is asked for and none is needed: to mask these words
# wherever they occur would hide answers and no secret.
_PLACEHOLDERS = frozenset(
    {
        "anything", "changeme", "lm-studio", "llamacpp", "no-key-required",
        "not-needed", "notneeded", "not-used", "password", "placeholder",
        "sk-no-key-required", "undefined",
    }
)  # fmt: skip
# Letters alone, below this length, are rather a setting than a secret.
_WORD_LENGTH = 16
# What stands where Python cut a value short; a part of fewer characters tells nothing.
_CUT = "..."
_LEAST_PART = 4
_URL = re.compile(r"\w+://[^\s,\"'}]+")
_FLAG = re.compile(r"--?([\w-]+)[=\s]+([^\s,\"'}]+)")
_NUMBER = re.compile(rb"[\d.eE+-]+")
_PATH = re.compile(r"(~|\.{0,2})/")


class SecretValues:
    """The secrets of a run, to be masked in whatever is written.

    Args:
        values: The secrets. What is shorter than eight characters is left out: it would
            be found in texts that have nothing to do with it.
    """

    __slots__ = ("_contents", "_numbers", "_texts")

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {
            form
            for value in values
            if len(value) >= LEAST_LENGTH and value.lower() not in _PLACEHOLDERS
            for form in _forms(value)
        }
        # The longest first: one secret may contain another.
        self._texts = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._contents = tuple(form.encode(errors="replace") for form in self._texts)
        self._numbers = tuple(
            form for form in self._contents if _NUMBER.fullmatch(form) is not None
        )

    @classmethod
    def of(cls, arguments: Mapping[str, Any], environment: Mapping[str, str]) -> Self:
        """Find the secrets that a run is given.

        Args:
            arguments: Those of the model: what is named as a secret, every header, and
                credentials in URLs, at any depth.
            environment: The variables; likewise.
        """
        return cls([*_in_arguments(arguments), *_in_environment(environment)])

    def __bool__(self) -> bool:
        return bool(self._texts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._texts)} forms)"

    @property
    def forms(self) -> tuple[str, ...]:
        """What to look for, the longest first."""
        return self._texts

    def text(self, text: str) -> str:
        """Copy a text with every secret in it replaced by ``***``.

        What Python cut short, as it does in tracebacks, may end in a part of a secret.
        """
        for form in self._texts:
            if form in text:
                text = text.replace(form, MASK)
        return self._without_parts(text) if _CUT in text else text

    def _without_parts(self, text: str) -> str:
        for form in self._texts:
            for size in range(len(form) - 1, _LEAST_PART - 1, -1):
                if form[:_LEAST_PART] in text:
                    text = text.replace(form[:size] + _CUT, MASK + _CUT)
                if form[-_LEAST_PART:] in text:
                    text = text.replace(_CUT + form[-size:], _CUT + MASK)
        return text

    def content(self, content: bytes) -> bytes:
        """Copy bytes with every secret in them replaced by ``***``."""
        for form in self._contents:
            if form in content:
                content = content.replace(form, MASK.encode())
        return content

    def lines(self, content: bytes) -> bytes:
        """Copy lines of JSON with every secret in their texts replaced by ``***``.

        A secret of digits may stand within a number, which is none.
        """
        numbers = self._numbers
        if not numbers or not any(form in content for form in numbers):
            return self.content(content)
        values = map(decode, content.splitlines())
        return b"".join(encode(self.plain(value)) + b"\n" for value in values)

    def plain(self, value: Any) -> Any:
        """Copy a value of JSON with every secret in its texts and keys masked."""
        if not self:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.plain(name): self.plain(inner) for name, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.plain(inner) for inner in value]
        return value


def _forms(value: str) -> set[str]:
    """List how a secret may be written: as it is, in a URL, quoted once or twice."""
    plain = {value, quote(value), quote(value, safe=""), quote_plus(value)}
    once = {form for one in plain for form in _quoted(one)}
    return {form for one in once for form in _quoted(one)}


def _quoted(text: str) -> set[str]:
    """List how a text is written within JSON or within a message of Python."""
    return {text, encode(text).decode()[1:-1], json.dumps(text)[1:-1], repr(text)[1:-1]}


def _in_arguments(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            if names_headers(str(name)):
                yield from _in_headers(value)
            yield from _in_arguments(value)
        elif isinstance(value, list | tuple):
            yield from _in_arguments(dict.fromkeys(map(str, value)))
            yield from (each for one in value for each in _in_arguments({name: one}))
        elif isinstance(value, str):
            if names_secret(str(name)):
                yield value
            yield from _in_text(value)


def _in_text(text: str) -> Iterator[str]:
    """Find what a text holds: URLs with credentials, flags of a command."""
    for match in _URL.finditer(text):
        yield from _in_url(match.group())
    for name, value in _FLAG.findall(text):
        if names_secret(name.replace("-", "_")):
            yield value


def _in_headers(headers: Mapping[str, Any]) -> Iterator[str]:
    for name, value in headers.items():
        if isinstance(value, str):
            # The scheme before a credential, such as Bearer, is none.
            for word in value.split():
                is_secret = names_secret(str(name)) or _is_mixed(word)
                if is_secret and may_let_in(word):
                    yield word


def _in_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    user_info, at, _ = parts.netloc.rpartition("@")
    if at:
        user, _, password = user_info.partition(":")
        plain = f"{unquote(user)}:{unquote(password)}"
        # As it is sent in a header.
        yield base64.b64encode(plain.encode()).decode()
        yield from (user_info, plain)
        yield unquote(password or user)
        if _is_mixed(user):
            yield unquote(user)
    for name, value in parse_qsl(parts.query):
        if names_secret(name) or may_let_in(value):
            yield value


def _in_environment(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        is_place = _PATH.match(value) is not None and Path(value).expanduser().exists()
        is_word = value.isalpha() and len(value) < _WORD_LENGTH
        if names_secret(name) and may_let_in(value) and not is_place and not is_word:
            yield value
        elif "@" in value and "://" in value:
            yield from _in_text(value)


def _is_mixed(word: str) -> bool:
    """Tell whether letters and digits stand together, as in most credentials."""
    has_digit = any(character.isdigit() for character in word)
    return has_digit and any(character.isalpha() for character in word)
