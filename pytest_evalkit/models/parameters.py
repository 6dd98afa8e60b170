"""What a backend takes: the parameters of its constructor, groups of them laid flat.

A backend with many settings keeps them in groups, each a data class of its own. Whoever
names the settings need not know the groups: their names stand side by side.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

GROUPED = {"evalkit_group": True}
"""Metadata of a field of a backend whose own fields are arguments of the backend.

The field's ``default_factory`` is their data class.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument of a backend.

    Attributes:
        name: What ``--model-args`` calls it.
        annotation: The type it is converted to.
        default: Its value where not given; ``inspect.Parameter.empty`` for none.
        owner: The class whose docstring tells its meaning.
        group: The parameter of the constructor that it is part of, or None.
    """

    name: str
    annotation: Any
    default: Any
    owner: Any
    group: str | None = None

    @property
    def is_required(self) -> bool:
        """Whether there is no default."""
        return self.default is inspect.Parameter.empty


def parameters_of(factory: Any) -> dict[str, Parameter]:
    """List the arguments of a class or function by name, groups laid flat."""
    hints = _annotations(factory)
    groups = _groups(factory)
    listed: dict[str, Parameter] = {}
    for name, given in inspect.signature(factory).parameters.items():
        if given.kind not in (given.KEYWORD_ONLY, given.POSITIONAL_OR_KEYWORD):
            continue
        if name in groups:
            listed |= _members(name, groups[name])
            continue
        listed[name] = Parameter(
            name=name,
            annotation=hints.get(name, Any),
            default=given.default,
            owner=factory,
        )
    return listed


def takes_anything(factory: Any) -> bool:
    """Tell whether the constructor has a ``**`` parameter."""
    parameters = inspect.signature(factory).parameters.values()
    return any(given.kind is given.VAR_KEYWORD for given in parameters)


def aliases_of(factory: Any) -> dict[str, str]:
    """List other names of arguments, of the backend's own and of its groups'."""
    named: dict[str, str] = {}
    for owner in (*_groups(factory).values(), factory):
        for part in reversed(getattr(owner, "__mro__", (owner,))):
            named.update(vars(part).get("argument_aliases", {}))
    return named


def remedies_of(factory: Any) -> Mapping[str, str]:
    """List arguments of other systems that are none here, and what to do instead."""
    remedies: Mapping[str, str] = getattr(factory, "argument_remedies", {})
    return remedies


def nested(factory: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Put arguments that were named flatly into the groups that they belong to.

    Raises:
        EvalkitError: A group refuses its values; whatever it raises.
        ValueError: The same.
    """
    parameters = parameters_of(factory)
    flat: dict[str, Any] = {}
    members: dict[str, dict[str, Any]] = {}
    for name, value in arguments.items():
        group = parameters[name].group if name in parameters else None
        if group is None:
            flat[name] = value
        else:
            members.setdefault(group, {})[name] = value
    groups = _groups(factory)
    return flat | {name: groups[name](**given) for name, given in members.items()}


def settings_of(backend: Any) -> dict[str, Any]:
    """List the values of a backend's fields by name, groups laid flat."""
    groups = _groups(type(backend))
    settings: dict[str, Any] = {}
    for named in dataclasses.fields(backend):
        value = getattr(backend, named.name)
        if named.name in groups:
            settings |= settings_of(value)
        elif named.init:
            settings[named.name] = value
    return settings


def _groups(factory: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(factory):
        return {}
    return {
        named.name: named.default_factory
        for named in dataclasses.fields(factory)
        if named.metadata.keys() >= GROUPED.keys()
    }


def _members(group: str, settings: Any) -> dict[str, Parameter]:
    return {
        name: dataclasses.replace(member, group=group)
        for name, member in parameters_of(settings).items()
    }


def _annotations(factory: Any) -> dict[str, Any]:
    # A data class writes its own constructor; its fields have the annotations.
    is_plain_class = isinstance(factory, type) and not dataclasses.is_dataclass(factory)
    return get_type_hints(factory.__init__ if is_plain_class else factory)
