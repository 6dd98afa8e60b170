"""Thoughts that a model writes into its answer: told apart before anything is scored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import OptionError

ReasoningTags = tuple[tuple[str, str], ...]

DEFAULT_REASONING_TAGS: ReasoningTags = (
    ("<think>", "</think>"),
    ("<analysis>", "</analysis>"),
)

# What auto_strip_thinking of a task takes out where nobody names tags.
THINKING_TAGS: ReasoningTags = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
)


class Stripped(Struct, frozen=True, kw_only=True):
    """An answer without the thoughts it was written with.

    Attributes:
        text: What is to be scored.
        reasoning: The thoughts, one after another, or None where no tag was found.
        truncated: True when a thought was begun and never ended.
    """

    text: str
    reasoning: str | None
    truncated: bool


def strip_reasoning(text: str, tags: Sequence[tuple[str, str]]) -> Stripped:
    """Tell the answer from the thoughts between opening and closing tags.

    What stands between a pair is a thought. Before a closing tag that nothing
    opened, all is thought: chat templates often write the opening tag into the
    prompt. After an opening tag that nothing closes, all is thought too: the
    generation ended before the answer began. Tags are case-sensitive. White space
    around the answer goes only where a tag was found.

    Args:
        text: The answer as received.
        tags: Pairs of an opening and a closing tag; empty to leave texts alone.

    >>> strip_reasoning("<think>2+2</think> 4", DEFAULT_REASONING_TAGS)
    Stripped(text='4', reasoning='2+2', truncated=False)
    """
    for start, end in tags:
        if start in text or end in text:
            return _stripped(text, tags)
    return Stripped(text=text, reasoning=None, truncated=False)


def _stripped(text: str, tags: Sequence[tuple[str, str]]) -> Stripped:
    outside, thoughts, truncated = _split(text, tags)
    before, answer = _around_last_closing(outside, tags)
    if before is not None:
        thoughts.insert(0, before)
    return Stripped(
        text=answer.strip(),
        reasoning="\n".join(thought.strip() for thought in thoughts),
        truncated=truncated,
    )


def _split(text: str, tags: Sequence[tuple[str, str]]) -> tuple[str, list[str], bool]:
    """Take out each thought that was opened; say whether the last one never ended."""
    closing_of = dict(tags)
    opening = re.compile("|".join(re.escape(start) for start in closing_of))
    outside: list[str] = []
    thoughts: list[str] = []
    position = 0
    while found := opening.search(text, position):
        outside.append(text[position : found.start()])
        closing = closing_of[found.group()]
        end = text.find(closing, found.end())
        if end < 0:
            thoughts.append(text[found.end() :])
            return "".join(outside), thoughts, True
        thoughts.append(text[found.end() : end])
        position = end + len(closing)
    outside.append(text[position:])
    return "".join(outside), thoughts, False


def _around_last_closing(
    text: str, tags: Sequence[tuple[str, str]]
) -> tuple[str | None, str]:
    """Part a text at the last closing tag; None before it where there is none."""
    ends = [(text.rfind(end), end) for _, end in tags if end in text]
    if not ends:
        return None, text
    begin, end = max(ends)
    return text[:begin], text[begin + len(end) :]


def parse_reasoning_tags(option: Any) -> ReasoningTags:
    """Read the pairs of tags that an option or a task names.

    Args:
        option: ``none``, pairs as JSON text, or the pairs themselves, as a task
            file holds them.

    Raises:
        OptionError: It is none of these.
    """
    if isinstance(option, str):
        if option.strip().lower() == "none":
            return ()
        try:
            return _pairs(decode(option), option)
        except CodecError:
            raise _tags_error(option) from None
    return _pairs(option, option)


def _pairs(value: Any, option: Any) -> ReasoningTags:
    if not isinstance(value, list | tuple) or not value:
        raise _tags_error(option)
    if not all(_is_pair(pair) for pair in value):
        raise _tags_error(option)
    return tuple((start, end) for start, end in value)


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == len(("start", "end"))
        and all(isinstance(tag, str) and tag for tag in value)
    )


def _tags_error(option: Any) -> OptionError:
    return OptionError(
        f"reasoning tags are 'none' or pairs such as "
        f'[["<think>", "</think>"]], not {option!r}'
    )
