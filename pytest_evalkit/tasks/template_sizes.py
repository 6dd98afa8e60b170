"""How large what a template makes may become, told before it is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sized
from functools import wraps
from typing import Any

# Characters of one text, and of all that one rendering puts out.
MAX_CHARACTERS = 32 << 20
# Items of one list, with all within it; repetitions and calls of one rendering.
MAX_ITEMS = 1_000_000
# Bits of a whole number; more than any document counts.
MAX_BITS = 10_000
# Characters of an indent, a margin or a padding.
MAX_WIDTH = 10_000

# A width or precision of more digits than that, in either language of formats.
_WIDE = re.compile(r"%(\([^)]*\))?[-+ #0]*(\d{5}|\d*\.\d{5})|\{[^{}]*:[^{}]*\d{5}")
_PADDING = frozenset({"center", "expandtabs", "ljust", "rjust", "zfill"})

Filter = Callable[..., Any]


class TemplateTooLargeError(Exception):
    """A template wants more than a prompt can need."""


def require_characters(count: int) -> None:
    """Refuse a text that is too long.

    Raises:
        TemplateTooLargeError: It is.
    """
    if count > MAX_CHARACTERS:
        raise TemplateTooLargeError(
            f"it makes a text of more than {MAX_CHARACTERS:,} characters"
        )


def require_steps(count: int) -> None:
    """Refuse to go on where too much was repeated.

    Raises:
        TemplateTooLargeError: It was.
    """
    if count > MAX_ITEMS:
        raise TemplateTooLargeError(
            f"it repeats something more than {MAX_ITEMS:,} times"
        )


def text_of(value: Any) -> str:
    """Write a value as text; a list that holds one thing many times grows by that.

    Raises:
        TemplateTooLargeError: The text would be too long.
    """
    if not isinstance(value, str):
        _require_whole(value)
    return str(value)


def require_operation(operator: str, left: Any, right: Any) -> None:
    """Refuse ``**``, ``*``, ``+`` or ``%`` where too much would come of it.

    Raises:
        TemplateTooLargeError: It would.
    """
    _REQUIRED[operator](left, right)


def require_call(
    function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    """Refuse to call a method of a text where too much would come of it.

    Raises:
        TemplateTooLargeError: It would.
    """
    # The sandbox wraps what formats.
    method = getattr(function, "__wrapped__", function)
    text, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    if not isinstance(text, str | bytes):
        return
    if name in _PADDING:
        _require_widths(args)
    elif name in ("format", "format_map"):
        given = args[0] if name == "format_map" and args else {}
        told = given.values() if isinstance(given, Mapping) else ()
        _require_formatted(text, (*args, *kwargs.values(), *told))
    elif name == "replace":
        _require_replaced(text, *(*args, "", "")[:2])
    elif name == "join" and args:
        _require_joined(args[0], text)
    elif name == "translate":
        raise TemplateTooLargeError("it calls translate, which has no bound; replace")


def _require_items(count: int) -> None:
    if count > MAX_ITEMS:
        raise TemplateTooLargeError(f"it makes a list of more than {MAX_ITEMS:,} items")


def _require_whole(value: Any) -> None:
    """Count what is within a value, and the characters of its texts."""
    pending, items, characters = [value], 0, 0
    while pending:
        one = pending.pop()
        if isinstance(one, str | bytes):
            characters += len(one)
            require_characters(characters)
        elif isinstance(one, Mapping | list | tuple | set | frozenset):
            items += len(one)
            _require_items(items)
            pending.extend(one)
            pending.extend(one.values() if isinstance(one, Mapping) else ())


def _require_bits(bits: int) -> None:
    if bits > MAX_BITS:
        raise TemplateTooLargeError(f"it makes a number of more than {MAX_BITS:,} bits")


def _require_widths(values: Iterable[Any]) -> None:
    if any(isinstance(value, int) and abs(value) > MAX_WIDTH for value in values):
        raise TemplateTooLargeError(f"it asks for a width above {MAX_WIDTH:,}")


def _require_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _require_bits(left.bit_length() * abs(right))


def _require_product(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _require_bits(left.bit_length() + right.bit_length())
        return
    sized, times = (left, right) if isinstance(right, int) else (right, left)
    if isinstance(sized, Sized) and isinstance(times, int):
        is_text = isinstance(sized, str | bytes)
        (require_characters if is_text else _require_items)(len(sized) * times)


def _require_sum(left: Any, right: Any) -> None:
    if isinstance(left, Sized) and isinstance(right, Sized):
        is_text = isinstance(left, str | bytes)
        (require_characters if is_text else _require_items)(len(left) + len(right))


def _require_formatted(text: Any, values: Any) -> None:
    """Look at what formats, with ``%`` or braces: its widths, and what goes in."""
    if not isinstance(text, str | bytes):
        return
    said = text if isinstance(text, str) else text.decode("latin-1")
    if _WIDE.search(said):
        raise TemplateTooLargeError(f"it asks for a width above {MAX_WIDTH:,}")
    given = values if isinstance(values, tuple) else (values,)
    if "*" in said or re.search(r":[^}]*\{", said):
        _require_widths(given)
    places = said.count("%") + said.count("{")
    require_characters(len(said) + places * sum(len(text_of(one)) for one in given))


_REQUIRED: Mapping[str, Callable[[Any, Any], None]] = {
    "**": _require_power,
    "*": _require_product,
    "+": _require_sum,
    "%": _require_formatted,
}


def _require_replaced(text: Any, old: Any, new: Any) -> None:
    if isinstance(old, type(text)) and isinstance(new, type(text)):
        require_characters(len(text) + text.count(old) * len(new))


def _require_joined(values: Any, between: Any) -> None:
    if isinstance(values, Sized):
        _require_whole(values)
        require_characters(len(values) * len(between))


def _format(_: Filter) -> Filter:
    def bounded(value: Any, *args: Any, **kwargs: Any) -> str:
        text = text_of(value)
        _require_formatted(text, (*args, *kwargs.values()))
        return text % (kwargs or args)

    return bounded


def _replace(_: Filter) -> Filter:
    def bounded(s: Any, old: Any, new: Any, count: int | None = None) -> str:
        text, gone, come = text_of(s), text_of(old), text_of(new)
        _require_replaced(text, gone, come)
        return text.replace(gone, come, -1 if count is None else count)

    return bounded


def _regex_replace(_: Filter | None) -> Filter:
    """The filter that lm-evaluation-harness has besides Jinja's."""

    def bounded(text: str, pattern: str, repl: str, count: int = 0) -> str:
        require_characters((len(text) + 1) * (len(repl) + 1))
        return re.sub(pattern, repl, text, count=count)

    return bounded


def _join(usual: Filter) -> Filter:
    @wraps(usual)
    def bounded(context: Any, value: Any, d: Any = "", attribute: Any = None) -> Any:
        values = value if isinstance(value, Sized) else list(value)
        if attribute is None:
            _require_joined(values, text_of(d))
        return usual(context, values, d, attribute)

    return bounded


def _sum(usual: Filter) -> Filter:
    @wraps(usual)
    def bounded(
        environment: Any, iterable: Any, attribute: Any = None, start: Any = 0
    ) -> Any:
        if isinstance(start, Sized):
            raise TemplateTooLargeError("it adds up lists; that has no bound")
        return usual(environment, iterable, attribute, start)

    return bounded


def _within_width(usual: Filter) -> Filter:
    """Bound a filter that has every line begin or end with something."""

    @wraps(usual)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        _require_widths(given)
        lines = max(
            (one.count("\n") for one in given if isinstance(one, str)), default=0
        )
        widths = [one for one in given if isinstance(one, int)]
        require_characters((lines + 1) * max(widths, default=0))
        return usual(*args, **kwargs)

    return bounded


def _wordwrap(usual: Filter) -> Filter:
    @wraps(usual)
    def bounded(environment: Any, s: str, *args: Any, **kwargs: Any) -> Any:
        between = [one for one in (*args, *kwargs.values()) if isinstance(one, str)]
        require_characters((len(s) + 1) * (1 + sum(map(len, between))))
        return usual(environment, s, *args, **kwargs)

    return bounded


def _of_whole(usual: Filter) -> Filter:
    """Bound a filter that writes all that is within a value."""

    @wraps(usual)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        for one in args:
            _require_whole(one)
        _require_widths(kwargs.values())
        return usual(*args, **kwargs)

    return bounded


# Each makes a filter of Jinja's own, or None where it has none, a bounded one.
BOUNDED_FILTERS: Mapping[str, Callable[[Any], Filter]] = {
    "batch": _within_width,
    "center": _within_width,
    "format": _format,
    "indent": _within_width,
    "join": _join,
    "pprint": _of_whole,
    "regex_replace": _regex_replace,
    "replace": _replace,
    "round": _within_width,
    "slice": _within_width,
    "string": _of_whole,
    "sum": _sum,
    "tojson": _of_whole,
    "wordwrap": _wordwrap,
}
