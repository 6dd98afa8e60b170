"""Backends by name, and how one is made from a name and arguments."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import msgspec

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.backend import Backend
from pytest_evalkit.models.masking import masked
from pytest_evalkit.naming import import_object, suggestion

_CHAT = "pytest_evalkit.models.openai_chat:OpenAIChat"
_COMPLETIONS = "pytest_evalkit.models.openai_completions:OpenAICompletions"

# References, not classes: a backend is imported when a run asks for it.
BACKENDS: dict[str, str] = {
    "openai": _CHAT,
    "async_openai": _CHAT,
    "openai-chat-completions": _CHAT,
    "local-chat-completions": _CHAT,
    "openai-completions": _COMPLETIONS,
    "local-completions": _COMPLETIONS,
    "replay": "pytest_evalkit.models.replay:Replay",
    "oracle": "pytest_evalkit.models.oracle:Oracle",
    "random": "pytest_evalkit.models.chance:Random",
    "constant": "pytest_evalkit.models.chance:Constant",
    "demo": "pytest_evalkit.models.demo:Demo",
}


def make_backend(name: str, args: Mapping[str, Any]) -> Backend:
    """Make a backend.

    Args:
        name: A name in ``BACKENDS``, or ``package.module:Class``.
        args: Keyword arguments of its constructor; texts are converted to what the
            constructor's annotations ask for.

    Raises:
        OptionError: There is no such backend, it does not take these arguments, or it
            is not a backend.
    """
    factory = _factory(name)
    arguments = _converted(name, factory, args)
    try:
        backend = factory(**arguments)
    except (OptionError, ValueError) as error:
        raise OptionError(f"model {name!r}: {error}") from error
    if not isinstance(backend, Backend):
        raise OptionError(
            f"model {name!r} makes a {type(backend).__name__}, which is not a backend: "
            "it needs model_name, describe(), generate() and aclose()"
        )
    return backend


def _factory(name: str) -> Any:
    if name not in BACKENDS and ":" not in name:
        raise OptionError(
            f"unknown model {name!r}; {suggestion(name, BACKENDS)} "
            "Your own is written package.module:Class"
        )
    factory = import_object(BACKENDS.get(name, name))
    if not callable(factory):
        raise OptionError(f"model {name!r} is a {type(factory).__name__}, not a class")
    return factory


def _converted(name: str, factory: Any, args: Mapping[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(factory).parameters
    named = {
        key: parameter
        for key, parameter in parameters.items()
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    }
    is_open = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if not is_open:
        _refuse_unknown(name, args, named)
    _refuse_missing(name, args, named)
    hints = _annotations(factory)
    return {
        key: _convert(name, key, value, hints.get(key, Any))
        for key, value in args.items()
    }


def _refuse_unknown(
    name: str, args: Mapping[str, Any], named: Mapping[str, inspect.Parameter]
) -> None:
    for key in args:
        if key not in named:
            raise OptionError(
                f"model {name!r} takes no argument {key!r}; {suggestion(key, named)}"
            )


def _refuse_missing(
    name: str, args: Mapping[str, Any], named: Mapping[str, inspect.Parameter]
) -> None:
    missing = [
        key
        for key, parameter in named.items()
        if parameter.default is parameter.empty and key not in args
    ]
    if missing:
        wanted = ",".join(f"{key}=..." for key in missing)
        raise OptionError(f"model {name!r} needs --model-args {wanted}")


def _annotations(factory: Any) -> dict[str, Any]:
    # A data class writes its own constructor; its fields have the annotations.
    is_plain_class = isinstance(factory, type) and not dataclasses.is_dataclass(factory)
    return get_type_hints(factory.__init__ if is_plain_class else factory)


def _convert(name: str, key: str, value: Any, kind: Any) -> Any:
    if _takes_text(kind) and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    try:
        return msgspec.convert(value, kind, strict=False, dec_hook=_convert_custom)
    except (msgspec.ValidationError, TypeError) as error:
        shown = masked({key: value})[key]
        raise OptionError(
            f"argument {key!r} of model {name!r} must be {_spelling(kind)}, "
            f"got {shown!r}{_quoting_remedy(kind, value)}"
        ) from error


def _takes_text(kind: Any) -> bool:
    """Whether a value may be a text but no number: ``7`` is then a name."""
    kinds = set(get_args(kind) or (kind,)) - {NoneType}
    return kinds == {str}


def _convert_custom(kind: type, value: Any) -> Any:
    if isinstance(value, kind):
        return value
    if issubclass(Path, kind) and isinstance(value, str):
        return Path(value)
    raise TypeError(f"{value!r} is not a {kind.__name__}")


def _spelling(kind: Any) -> str:
    return kind.__name__ if type(kind) is type else str(kind).replace("typing.", "")


def _quoting_remedy(kind: Any, value: Any) -> str:
    if _takes_text(kind) and (value is None or isinstance(value, int | float)):
        return "; to mean it as text, put it in quotes"
    return ""
