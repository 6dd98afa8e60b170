"""Filters that rewrite each response.

Once ``take_first`` has made one value of the responses, they edit that value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.scoring.plan import Filter
from pytest_evalkit.scoring.reasoning import parse_reasoning_tags, strip_reasoning

_THINKING = (("<think>", "</think>"), ("<thinking>", "</thinking>"))
# What models write for the labels of MasakhaNER.
_LABELS = {
    "person": "per",
    "people": "per",
    "persons": "per",
    "per": "per",
    "location": "loc",
    "counties": "loc",
    "places": "loc",
    "country": "loc",
    "continent": "loc",
    "loc": "loc",
    "organization": "org",
    "company": "org",
    "org": "org",
    "time": "date",
    "date": "date",
}
_LABEL = re.compile(rf"\b({'|'.join(_LABELS)})\s*:")
_SPAN = re.compile(r"\b(PER|LOC|ORG|DATE):\s*([^$]+)")


def each(edit: Callable[[Any], Any]) -> Filter:
    """Make a filter that edits each response, or the one value there is."""

    def apply(responses: Any, _doc: Mapping[str, Any]) -> Any:
        if isinstance(responses, list):
            return [edit(response) for response in responses]
        return edit(responses)

    return apply


def each_found(edit: Callable[[str], Any]) -> Filter:
    """Make a filter that edits each response but those in which nothing was found."""
    return each(lambda response: None if response is None else edit(response))


def remove_whitespace(*, dialect: str = "lm") -> Filter:
    """Strip white space from both ends of each response.

    Args:
        dialect: In ``lmms`` it is one space at the beginning that is removed.
    """
    if dialect == "lmms":
        return each_found(lambda response: response.removeprefix(" "))
    return each_found(lambda response: response.strip())


def lowercase() -> Filter:
    """Write each response in lower case."""
    return each_found(lambda response: response.lower())


def uppercase() -> Filter:
    """Write each response in upper case."""
    return each_found(lambda response: response.upper())


def mapping(
    *, mapping_dict: Mapping[Any, Any] | None = None, default_value: Any = None
) -> Filter:
    """Look each response up.

    Args:
        mapping_dict: What each response stands for; None for an empty table.
        default_value: What stands for a response that is not in it.

    Raises:
        OptionError: ``mapping_dict`` is not a mapping.
    """
    if mapping_dict is not None and not isinstance(mapping_dict, Mapping):
        raise OptionError(
            f"filter 'map' needs a mapping as mapping_dict, not {mapping_dict!r}"
        )
    table = dict(mapping_dict or {})
    return each(lambda response: table.get(response, default_value))


def strip_thinking(*, tag_pairs: Any = None) -> Filter:
    """Take thoughts out of each response.

    Args:
        tag_pairs: Pairs of an opening and a closing tag; None for ``<think>`` and
            ``<thinking>``.

    Raises:
        OptionError: They are no pairs.
    """
    tags = parse_reasoning_tags(tag_pairs) if tag_pairs else _THINKING

    def strip(response: Any) -> Any:
        if not isinstance(response, str):
            return response
        return strip_reasoning(response, tags).text.strip()

    return each(strip)


def format_span() -> Filter:
    """Write the named entities of each response as ``label: entity $ label: entity``.

    Labels are ``per``, ``loc``, ``org`` and ``date``, also where the response has other
    words for them; entities that share a label are told apart by commas.
    """
    return each(_spans)


def _spans(response: str) -> str:
    marked = _LABEL.sub(lambda found: f"{_LABELS[found[1]].upper()}:", response.lower())
    marked = marked.replace("$$", "$").rstrip("$").replace("\n", "$").strip()
    return " $ ".join(
        f"{label.lower()}: {entity.strip()}"
        for label, entities in _SPAN.findall(marked)
        for entity in entities.split(",")
        if entity.strip().lower() != "none"
    )
