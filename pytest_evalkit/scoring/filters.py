"""Filters: from what a model answered to the answer that is scored.

A filter takes the responses of one document, one per repeat, and the document. Those
that edit texts edit each response; once ``take_first`` has made one value of them,
they edit that value.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.plan import Filter


def take_first() -> Filter:
    """Keep the first response, as a value of its own."""

    def apply(responses: Any, _doc: Mapping[str, Any]) -> Any:
        return responses[0] if isinstance(responses, list) else responses

    return apply


def take_first_k(*, k: int) -> Filter:
    """Keep the first ``k`` responses.

    The filter raises ScoringError where there are fewer.

    Raises:
        OptionError: ``k`` is not a whole number from one.
    """
    if not _is_whole(k) or k < 1:
        raise OptionError(f"filter 'take_first_k' needs k >= 1, not {k!r}")

    def apply(responses: Any, _doc: Mapping[str, Any]) -> Any:
        if len(responses) < k:
            raise ScoringError(
                f"filter 'take_first_k' wants {k} responses of each document; "
                f"there are {len(responses)}: ask more often with repeats"
            )
        return list(responses[:k])

    return apply


def majority_vote() -> Filter:
    """Keep the most common response, in a list; of equals, the first seen."""

    def apply(responses: Any, _doc: Mapping[str, Any]) -> Any:
        return [Counter(responses).most_common(1)[0][0]]

    return apply


def regex(
    *,
    regex_pattern: str = r"#### (\-?[0-9\.\,]+)",
    group_select: int = 0,
    fallback: Any = "[invalid]",
) -> Filter:
    """Keep what a pattern matches, without white space around it.

    Args:
        regex_pattern: Of a pattern with several groups, the first group that
            matched something is kept.
        group_select: Which of the pattern's matches; negative ones count from the
            last.
        fallback: What stands for a response without such a match.

    Raises:
        OptionError: The pattern does not compile, or ``group_select`` is no number.
    """
    pattern = compiled(regex_pattern, "filter 'regex'")
    if not _is_whole(group_select):
        raise OptionError(
            f"filter 'regex' needs a whole number as group_select, not {group_select!r}"
        )

    def extract(response: Any) -> Any:
        matches = pattern.findall(response) if isinstance(response, str) else []
        if not -len(matches) <= group_select < len(matches):
            return fallback
        match = matches[group_select]
        if isinstance(match, tuple):
            match = next(filter(None, match), None)
        return fallback if match is None else match.strip()

    return _each(extract)


def remove_whitespace() -> Filter:
    """Strip white space from both ends of each response."""
    return _each(lambda response: response.strip())


def lowercase() -> Filter:
    """Write each response in lower case."""
    return _each(lambda response: response.lower())


def uppercase() -> Filter:
    """Write each response in upper case."""
    return _each(lambda response: response.upper())


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
    return _each(lambda response: table.get(response, default_value))


FILTERS: Mapping[str, Callable[..., Filter]] = {
    "lowercase": lowercase,
    "majority_vote": majority_vote,
    "map": mapping,
    "regex": regex,
    "remove_whitespace": remove_whitespace,
    "take_first": take_first,
    "take_first_k": take_first_k,
    "uppercase": uppercase,
}

# Names that task files of the two systems may use and that have no function here.
_UNSUPPORTED = (
    "ACP_grammar_filter",
    "custom",
    "decontaminate",
    "format_span",
    "multi_choice_regex",
    "regex_pos",
    "strip_thinking",
)


def filter_of(function: Any, kwargs: Mapping[str, Any]) -> Filter:
    """Make the filter that a task names.

    Args:
        function: A name; a class whose instances have ``apply(resps, docs)``, made
            with ``kwargs``; or a function of ``(resps, docs, **kwargs)``. The last
            two are given lists of one: the document's responses, the document.
        kwargs: The filter's keyword arguments.

    Raises:
        OptionError: There is no such filter, or it has no such argument.
    """
    if isinstance(function, type):
        return _of_class(function, kwargs)
    if callable(function):
        return _of_function(function, kwargs)
    if not isinstance(function, str) or function not in FILTERS:
        raise _unknown(function)
    factory = FILTERS[function]
    parameters = inspect.signature(factory).parameters
    for name in kwargs:
        if name not in parameters:
            raise OptionError(
                f"filter {function!r} has no argument {name!r}; "
                f"{_valid_arguments(name, parameters)}"
            )
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in kwargs:
            raise OptionError(f"filter {function!r} needs the argument {name!r}")
    return factory(**kwargs)


def compiled(pattern: Any, owner: str) -> re.Pattern[str]:
    """Compile a pattern of a task file.

    Args:
        pattern: The pattern.
        owner: What it belongs to, to begin the message with.

    Raises:
        OptionError: It is not a regular expression.
    """
    try:
        return re.compile(pattern)
    except (re.error, TypeError) as error:
        raise OptionError(
            f"{owner}: {pattern!r} is not a regular expression: {error}"
        ) from error


def _each(edit: Callable[[Any], Any]) -> Filter:
    def apply(responses: Any, _doc: Mapping[str, Any]) -> Any:
        if isinstance(responses, list):
            return [edit(response) for response in responses]
        return edit(responses)

    return apply


def _of_class(kind: type, kwargs: Mapping[str, Any]) -> Filter:
    try:
        made = kind(**kwargs)
    except TypeError as error:
        raise OptionError(
            f"filter {kind.__name__!r} cannot be made with {dict(kwargs)!r}: {error}"
        ) from error
    if not callable(getattr(made, "apply", None)):
        raise OptionError(f"filter {kind.__name__!r} has no method apply(resps, docs)")

    def apply(responses: Any, doc: Mapping[str, Any]) -> Any:
        return _only(made.apply([responses], [doc]), kind.__name__)

    return apply


def _of_function(function: Callable[..., Any], kwargs: Mapping[str, Any]) -> Filter:
    name = getattr(function, "__name__", type(function).__name__)

    def apply(responses: Any, doc: Mapping[str, Any]) -> Any:
        return _only(function([responses], [doc], **kwargs), name)

    return apply


def _only(results: Any, name: str) -> Any:
    """Unwrap the result of a filter that works on lists of documents."""
    if not hasattr(results, "__iter__"):
        raise ScoringError(
            f"filter {name!r} returned {type(results).__name__}, not a list"
        )
    kept: Sequence[Any] = list(results)
    if len(kept) != 1:
        raise ScoringError(
            f"filter {name!r} made {len(kept)} results of one document, not one"
        )
    return kept[0]


def _unknown(function: Any) -> OptionError:
    if function in _UNSUPPORTED:
        return OptionError(
            f"filter {function!r} is not supported yet; "
            f"supported: {', '.join(sorted(FILTERS))}, or a !function"
        )
    return OptionError(
        f"unknown filter {function!r}; {suggestion(str(function), FILTERS)}"
    )


def _valid_arguments(name: str, parameters: Mapping[str, Any]) -> str:
    return suggestion(name, parameters) if parameters else "it has none"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
