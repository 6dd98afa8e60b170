"""Backends by name, and how one is made from a name and arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import msgspec

from pytest_evalkit.errors import (
    MissingCredentialError,
    MissingPackageError,
    OptionError,
)
from pytest_evalkit.models.backend import Backend
from pytest_evalkit.models.masking import masked
from pytest_evalkit.models.parameters import (
    Parameter,
    aliases_of,
    nested,
    parameters_of,
    remedies_of,
    takes_anything,
)
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
    "vllm": "pytest_evalkit.models.vllm:VLLM",
    "sglang": "pytest_evalkit.models.sglang:SGLang",
    "replay": "pytest_evalkit.models.replay:Replay",
    "oracle": "pytest_evalkit.models.oracle:Oracle",
    "random": "pytest_evalkit.models.chance:Random",
    "constant": "pytest_evalkit.models.chance:Constant",
    "demo": "pytest_evalkit.models.demo:Demo",
    "huggingface": "pytest_evalkit.models.local.huggingface:HuggingFace",
    "qwen2_5_vl": "pytest_evalkit.models.local.qwen2_5_vl:Qwen2_5_VL",
    "qwen3_vl": "pytest_evalkit.models.local.qwen3_vl:Qwen3VL",
}


def is_local(name: str) -> bool:
    """Tell whether a model is loaded into the process that asks it: once is enough.

    Raises:
        OptionError: There is no such backend.
    """
    return getattr(_factory(name), "is_local", False) is True


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
    return construct(_factory(name), args, _MODEL.called(name))


@dataclass(frozen=True, slots=True)
class Role:
    """What a backend is made for, in the words of the command line.

    Attributes:
        title: How messages call it: the role, and the name that was given.
        option: Where its arguments are given.
    """

    title: str
    option: str

    def called(self, name: str) -> Role:
        """Say which one."""
        return Role(f"{self.title} {name!r}", self.option)


_MODEL = Role("model", "--model-args")
JUDGE = Role("judge", "--judge-args")
"""What models and judges are called where something about them is wrong."""


def construct(factory: Any, args: Mapping[str, Any], role: Role) -> Backend:
    """Make a backend by calling what makes it.

    Args:
        factory: A class of backends, or a function that returns one.
        args: Its keyword arguments, texts among them to be converted.
        role: What it is made for.

    Raises:
        OptionError: There is no such backend, it does not take these arguments, or it
            is not a backend.
    """
    arguments = _converted(role, factory, args)
    try:
        backend = factory(**nested(factory, arguments))
    except (MissingPackageError, MissingCredentialError):
        raise
    except (OptionError, ValueError) as error:
        raise OptionError(f"{role.title}: {error}") from error
    if not isinstance(backend, Backend):
        raise OptionError(
            f"{role.title} makes a {type(backend).__name__}, which is not a backend: "
            "it needs model_name, describe(), generate() and aclose()"
        )
    return backend


def _factory(name: str) -> Any:
    if name not in BACKENDS and ":" not in name:
        raise OptionError(
            f"unknown model {name!r}; {suggestion(name, BACKENDS)} (your own is "
            "written package.module:Class)"
        )
    return made_by(BACKENDS.get(name, name), _MODEL.called(name))


def made_by(reference: str, role: Role) -> Any:
    """Import what makes a backend.

    Raises:
        OptionError: It does not exist, or cannot be called.
    """
    factory = import_object(reference)
    if not callable(factory):
        raise OptionError(f"{role.title} is a {type(factory).__name__}, not a class")
    return factory


def _converted(role: Role, factory: Any, args: Mapping[str, Any]) -> dict[str, Any]:
    parameters = parameters_of(factory)
    args = _canonical(role, factory, args)
    if not takes_anything(factory):
        known = {*parameters, *aliases_of(factory)}
        _refuse_unknown(role, args, known, remedies_of(factory))
    _refuse_missing(role, args, parameters)
    return {
        key: _convert(role, key, value, _kind(parameters.get(key)))
        for key, value in args.items()
    }


def _canonical(role: Role, factory: Any, args: Mapping[str, Any]) -> dict[str, Any]:
    """Call each argument by its own name."""
    aliases = aliases_of(factory)
    named: dict[str, Any] = {}
    for key, value in args.items():
        own = aliases.get(key, key)
        if own in named:
            raise OptionError(
                f"{role.title}: {key!r} says the same as another argument; "
                f"give {own!r} once"
            )
        named[own] = value
    return named


def _kind(parameter: Parameter | None) -> Any:
    return Any if parameter is None else parameter.annotation


def _refuse_unknown(
    role: Role, args: Mapping[str, Any], known: set[str], remedies: Mapping[str, str]
) -> None:
    for key in args:
        if key not in known:
            remedy = remedies.get(key) or suggestion(key, known)
            raise OptionError(f"{role.title} takes no argument {key!r}; {remedy}")


def _refuse_missing(
    role: Role, args: Mapping[str, Any], parameters: Mapping[str, Parameter]
) -> None:
    missing = [
        key
        for key, parameter in parameters.items()
        if parameter.is_required and key not in args
    ]
    if missing:
        wanted = ",".join(f"{key}=..." for key in missing)
        raise OptionError(f"{role.title} needs {role.option} {wanted}")


def _convert(role: Role, key: str, value: Any, kind: Any) -> Any:
    if _takes_text(kind) and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value == "none" and NoneType in get_args(kind) and str not in get_args(kind):
        return None
    try:
        return msgspec.convert(value, kind, strict=False, dec_hook=_convert_custom)
    except (msgspec.ValidationError, TypeError) as error:
        shown = masked({key: value})[key]
        raise OptionError(
            f"argument {key!r} of {role.title} must be {_spelling(kind)}, "
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
