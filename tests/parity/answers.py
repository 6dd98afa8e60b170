"""The model of both systems: what it answers follows from a hash of what it is asked.

Imports nothing but the standard library, since the reference's python runs it too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypedDict


class Script(TypedDict):
    """What may be answered to the documents of one task.

    Attributes:
        right: Good answers by a text that only the prompt of their document ends with.
        wrong: Other answers, for every document; at least one.
    """

    right: Mapping[str, Sequence[str]]
    wrong: Sequence[str]


def share(*texts: str) -> float:
    """Draw a number from 0 to 1, always the same for the same texts."""
    digest = hashlib.sha256("\x1f".join(texts).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def likelihood(context: str, continuation: str) -> tuple[float, bool]:
    """Tell how likely a continuation is, and whether it is the likeliest one.

    Longer ones tend to be less likely, so that normalising by length matters.
    """
    surprise = 12 * share("likelihood", context, continuation)
    n_bytes = len(continuation.encode())
    return -surprise - 0.1 * n_bytes, share("greedy", context, continuation) < 0.5


def rolling(text: str) -> float:
    """Tell how likely a whole text is."""
    return -(0.5 + share("rolling", text)) * len(text.encode())


def answer(prompt: str, script: Script, repeat: int) -> str:
    """Answer a prompt: rightly about two times of three.

    Args:
        prompt: What is asked, with whatever stands before it.
        script: The answers of the task.
        repeat: Which of several draws of the same question, from zero.
    """
    draw = share("answer", prompt, str(repeat))
    right = _nearest(prompt, script["right"])
    texts = right if right and draw < 0.65 else script["wrong"]
    return texts[int(share("which", prompt, str(repeat)) * len(texts))]


def _nearest(prompt: str, right: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Find the answers to what is asked last; shots stand before it."""
    place, marker = max(
        ((prompt.rfind(marker), marker) for marker in right), default=(-1, "")
    )
    return right[marker] if place >= 0 else ()
