"""What a scorer asks of a judge.

A scorer that wants a judge is a flow: a generator that yields questions, is sent a number
for each, and returns its mapping of metrics. Whom it asks, it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeQuestion:
    """One question to a judge, in words for either kind of it.

    Attributes:
        text: What is judged, which is all that a judge is told that rates texts.
        prompt: How a model that writes is asked for its verdict; holds the text.
        read: Takes the verdict out of what such a model wrote; None where it says none.
    """

    text: str
    prompt: str
    read: Callable[[str], float | None]
