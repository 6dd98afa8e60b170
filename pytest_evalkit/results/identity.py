"""By what a task and a model are known again, and in what two of them differ.

An identity is a mapping of aspects to short texts. It stands in the journal from the
start, so that a run that was killed can be told from another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pytest_evalkit.codec import encode_canonical

# What is longer is told by its beginning and its hash.
_LONGEST = 60
_BEGINNING = 24
_HASH_DIGITS = 12
_ABSENT = "nothing"


def short_text(value: Any) -> str:
    """Write a JSON value so short that it can stand in a message.

    Two values have one text only where they are equal.

    >>> short_text({"until": ["Q:"]})
    '{"until":["Q:"]}'
    """
    text = encode_canonical(value).decode("utf-8", "replace")
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[:_BEGINNING]}... (sha256 {digest[:_HASH_DIGITS]})"


def differences(
    what: str, was: Mapping[str, str] | None, now: Mapping[str, str]
) -> list[str]:
    """Name the aspects in which two identities differ, each with both its values.

    Args:
        what: What they are of, such as ``task 'mme'``.
        was: The recorded one; None where none was recorded.
        now: The one at hand.
    """
    if was is None:
        return [f"of {what}, nothing was recorded by which it could be known again"]
    return [
        f"{what}: {aspect} was {was.get(aspect, _ABSENT)}, "
        f"is {now.get(aspect, _ABSENT)}"
        for aspect in dict.fromkeys((*was, *now))
        if was.get(aspect) != now.get(aspect)
    ]
