"""``lmms_eval_specific_kwargs``: wordings of a prompt, chosen by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion


class Variant(NamedTuple):
    """The arguments that were chosen.

    Attributes:
        name: The key they stood under, or None where there was no choice.
        kwargs: What the task's functions receive as their second argument.
    """

    name: str | None
    kwargs: Mapping[str, Any]


def choose(
    options: Mapping[str, Any], variant: str | None, model_name: str | None
) -> Variant:
    """Choose the arguments for a model.

    A key named like the variant, else like the model, is taken alone; else ``default``
    is merged over the rest; else ``dataset`` is taken alone; else the mapping itself.

    Args:
        options: The mapping of the task.
        variant: What the user asked for, or None.
        model_name: The name of the model, or None.

    Raises:
        OptionError: The task has no such variant.
    """
    names = [name for name, value in options.items() if isinstance(value, Mapping)]
    if variant is not None and variant not in names:
        raise OptionError(
            f"no prompt variant {variant!r} here; {suggestion(variant, names)}"
        )
    for name in (variant, model_name):
        if name is not None and name in names:
            return Variant(name, dict(options[name]))
    if "default" in names:
        rest = {key: value for key, value in options.items() if key != "default"}
        return Variant("default", {**rest, **options["default"]})
    if "dataset" in names:
        return Variant("dataset", dict(options["dataset"]))
    return Variant(None, dict(options))


def of_model(options: Mapping[str, Any], model_name: str | None) -> Any:
    """Choose what a task says for a model alone, or for every other one.

    So are ``model_specific_generation_kwargs`` and ``model_specific_target_kwargs``
    read: unlike with ``choose``, what stands under the names of other models is never
    taken.

    Args:
        options: The mapping of the task.
        model_name: The name of the model, or None.

    Returns:
        What stands under the model's name, else under ``default``, of whatever type;
        None where neither is there.
    """
    if model_name is not None and model_name in options:
        return options[model_name]
    return options.get("default")


def bind(function: Callable[..., Any], kwargs: Any) -> Callable[[Any], Any]:
    """Give a function of a task its second argument, where it takes one.

    Args:
        function: Called with a document, or with a document and the arguments.
        kwargs: The arguments, or None where the task has none.
    """
    if kwargs is None or not _takes_two(function):
        return function
    return lambda doc: function(doc, kwargs)


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        given = inspect.signature(function).parameters.values()
    except ValueError:
        # Functions written in C need not have a signature.
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    least = 2
    return sum(parameter.kind in kinds for parameter in given) >= least
