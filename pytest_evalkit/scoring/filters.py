"""Filters: from what a model answered to the answer that is scored.

A filter takes the responses to one request of a document, one per repeat, and the
document.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.choices import multi_choice_regex
from pytest_evalkit.scoring.edits import (
    format_span,
    lowercase,
    mapping,
    remove_whitespace,
    strip_thinking,
    uppercase,
)
from pytest_evalkit.scoring.extraction import regex, regex_pos
from pytest_evalkit.scoring.parsers import (
    choice_filter,
    final_answer_filter,
    number_filter,
    yes_no_filter,
)
from pytest_evalkit.scoring.plan import Filter
from pytest_evalkit.scoring.selection import majority_vote, take_first, take_first_k


def custom(*, filter_fn: Callable[..., Any]) -> Filter:
    """Apply a function of the task to lists of one.

    Args:
        filter_fn: Called with the responses and with the document, each in a list.

    Raises:
        OptionError: It is no function.
    """
    if not callable(filter_fn):
        raise OptionError(
            f"filter 'custom' needs a !function as filter_fn, not {filter_fn!r}"
        )
    return _of_function(filter_fn, {})


FILTERS: Mapping[str, Callable[..., Filter]] = {
    "choice": choice_filter,
    "custom": custom,
    "final_answer": final_answer_filter,
    "format_span": format_span,
    "lowercase": lowercase,
    "majority_vote": majority_vote,
    "map": mapping,
    "multi_choice_regex": multi_choice_regex,
    "number": number_filter,
    "regex": regex,
    "regex_pos": regex_pos,
    "remove_whitespace": remove_whitespace,
    "strip_thinking": strip_thinking,
    "take_first": take_first,
    "take_first_k": take_first_k,
    "uppercase": uppercase,
    "yes_no": yes_no_filter,
}

# Arguments that say what the whole task follows; a filter's own keys have other names.
TASK_ARGUMENTS = ("compat", "dialect")

# Filters that tasks' modules bring with them, under names of their own.
_REGISTERED: dict[str, Any] = {}


def register_filter(name: str, factory: Any) -> None:
    """Make a filter of a task's module known by name, until the process ends.

    Args:
        name: What ``function`` in a filter list may say from now on. A later factory of
            the same name takes the place of an earlier one.
        factory: A class or function as ``filter_of`` takes it.

    Raises:
        OptionError: A built-in filter has that name.
    """
    if name in FILTERS:
        raise OptionError(f"filter {name!r} is built in; register it by another name")
    _REGISTERED[name] = factory


def filter_of(
    function: Any,
    kwargs: Mapping[str, Any],
    *,
    dialect: str = "lm",
    compat: str = "fixed",
) -> Filter:
    """Make the filter that a task names.

    Args:
        function: A name; a class whose instances have ``apply(resps, docs)``, made
            with ``kwargs``; or a function of ``(resps, docs, **kwargs)``. The last
            two are given lists of one: the responses to one request, the document.
        kwargs: The filter's keyword arguments.
        dialect: Whose rules the task follows, ``lm`` or ``lmms``.
        compat: ``strict`` for the reference's rules where they are known to be wrong.

    Raises:
        OptionError: There is no such filter, or it has no such argument.
    """
    is_name = isinstance(function, str)
    if is_name and function in FILTERS:
        return _built_in(function, kwargs, {"dialect": dialect, "compat": compat})
    made = _REGISTERED.get(function, function) if is_name else function
    if isinstance(made, type):
        return _of_class(made, kwargs)
    if callable(made):
        return _of_function(made, kwargs)
    raise _unknown(function)


def _built_in(name: str, kwargs: Mapping[str, Any], said: Mapping[str, str]) -> Filter:
    factory = FILTERS[name]
    parameters = inspect.signature(factory).parameters
    own = [parameter for parameter in parameters if parameter not in TASK_ARGUMENTS]
    for key in kwargs:
        if key not in own:
            hint = suggestion(key, own) if own else "it has none"
            raise OptionError(f"filter {name!r} has no argument {key!r}; {hint}")
    for key in own:
        if parameters[key].default is inspect.Parameter.empty and key not in kwargs:
            raise OptionError(f"filter {name!r} needs the argument {key!r}")
    given = {key: value for key, value in said.items() if key in parameters}
    return factory(**kwargs, **given)


def _of_class(kind: type, kwargs: Mapping[str, Any]) -> Filter:
    try:
        made = kind(**kwargs)
    # A class of a task is a stranger's code, and may raise anything.
    except (Exception, SystemExit) as error:
        problem = f"{type(error).__name__}: {error}"
        raise OptionError(
            f"filter {kind.__name__!r} cannot be made with {dict(kwargs)!r}: {problem}"
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
    if function == "decontaminate":
        return OptionError(
            "filter 'decontaminate' does nothing in lm-evaluation-harness; leave it out"
        )
    known = (*FILTERS, *_REGISTERED)
    return OptionError(
        f"unknown filter {function!r}; {suggestion(str(function), known)}"
    )
