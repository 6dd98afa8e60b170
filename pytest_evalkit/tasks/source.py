"""A task file with all that it includes, each key with the place where it is said."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode

from pytest_evalkit.errors import TaskError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.tasks.yaml_file import (
    FunctionReference,
    Place,
    Repetition,
    compose,
    construct,
    line_of,
)

__all__ = ["FunctionReference", "Place", "Source", "read_source"]

# Keys that the lmms dialect alone has, or spells this way.
_LMMS_KEYS = frozenset(
    {
        "doc_to_visual",
        "doc_to_messages",
        "lmms_eval_specific_kwargs",
        "model_specific_generation_kwargs",
        "model_specific_target_kwargs",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A task file with all that it includes; equal to nothing but itself.

    Attributes:
        path: The file itself.
        values: The merged keys; functions are still references.
        dialect: ``lm`` or ``lmms``; decides where the two systems differ.
        repetitions: Keys that a file gives twice with different values.
    """

    path: Path
    values: Mapping[str, Any]
    dialect: str
    repetitions: tuple[Repetition, ...] = ()
    layers: Mapping[str, _Layer] = field(repr=False)

    def place(self, key: str, *steps: str | int) -> Place:
        """Find the line of a key, or of something inside its value.

        Args:
            key: A key of the file; one that is absent yields the file alone.
            steps: Keys and positions that lead into the value, as far as they hold.
        """
        layer = self.layers.get(key)
        if layer is None:
            return Place(self.path, None)
        return Place(layer.path, line_of(layer.root, (key, *steps)))

    def error(self, message: str, key: str, *steps: str | int) -> TaskError:
        """Make the error that points to a key."""
        path, line = self.place(key, *steps)
        return TaskError(message, path=path, line=line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """One file: its own keys, and the files that it includes.

    Keys that were laid over a file have no nodes and so no lines.
    """

    path: Path
    root: MappingNode | None
    values: dict[str, Any]
    includes: tuple[_Layer, ...]
    repetitions: tuple[Repetition, ...] = ()


def read_source(
    path: Path, overrides: Mapping[str, Any] | None = None, name: str | None = None
) -> Source:
    """Read a task file and, in turn, the files that it includes.

    Includes are relative to the file that names them; own keys win, whole values are
    replaced. Of several includes the last one wins in the lm dialect, the first one
    in the lmms dialect.

    Args:
        path: The file. Where it defines a group, the overrides alone are the task.
        overrides: Keys laid over the merged file; they may include files too.
        name: Replaces what ``task`` says.

    Raises:
        TaskError: A file is missing, is no mapping with text keys, expands beyond
            bounds, or includes itself.
    """
    known: dict[Path, _Layer] = {}
    root = _overridden(_read_layer(path, (), known), overrides or {}, name, known)
    dialect = _dialect(root)
    values: dict[str, Any] = {}
    layers: dict[str, _Layer] = {}
    for key, layer in _merged(root, dialect, {}).items():
        values[key] = layer.values[key]
        layers[key] = layer
    return Source(
        path=path,
        values=values,
        dialect=dialect,
        layers=layers,
        repetitions=tuple(
            note for layer in known.values() for note in layer.repetitions
        ),
    )


def is_group(values: Mapping[str, Any]) -> bool:
    """Tell the keys of a group from those of a task, whose ``group`` is a tag."""
    task = values.get("task")
    return isinstance(task, list) or (task is None and "group" in values)


def _overridden(
    root: _Layer,
    overrides: Mapping[str, Any],
    name: str | None,
    known: dict[Path, _Layer],
) -> _Layer:
    """Lay keys over a file; what they include is laid under it."""
    values = dict(overrides)
    if name is not None and name != root.values.get("task"):
        values["task"] = name
    if not values:
        return root
    included = tuple(
        _read_layer(_included(name, root.path, place, ()), (root.path,), known)
        for name, place in _include_names(root.path, None, values)
    )
    values.pop("include", None)
    own = {} if is_group(root.values) else root.values
    below = replace(root, values=own, includes=(*included, *root.includes))
    return _Layer(path=root.path, root=None, values=values, includes=(below,))


def _read_layer(
    path: Path, trail: tuple[Path, ...], known: dict[Path, _Layer]
) -> _Layer:
    if path in known:
        return known[path]
    root, repetitions = compose(path)
    values = construct(root, path)
    trail = (*trail, path)
    includes = tuple(
        _read_layer(_included(name, path, place, trail), trail, known)
        for name, place in _include_names(path, root, values)
    )
    values.pop("include", None)
    if len(trail) > 1:
        values.pop("task_list", None)
    layer = _Layer(
        path=path,
        root=root,
        values=values,
        includes=includes,
        repetitions=repetitions,
    )
    known[path] = layer
    return layer


def _include_names(
    path: Path, root: MappingNode | None, values: Mapping[str, Any]
) -> list[tuple[str, Place]]:
    value = values.get("include")
    if value is None:
        return []
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        line = line_of(root, ("include",))
        raise TaskError("include takes a file or a list of files", path=path, line=line)
    return [
        (name, Place(path, line_of(root, ("include", position))))
        for position, name in enumerate(names)
    ]


def _included(name: str, path: Path, place: Place, trail: tuple[Path, ...]) -> Path:
    # Without resolving links: a linked file includes what lies beside the link.
    target = Path(_normal(path.parent / name))
    if any(target == Path(_normal(seen)) for seen in trail):
        raise TaskError(
            f"include: {name} includes itself", path=place.path, line=place.line
        )
    if not target.is_file():
        folder = target.parent
        present = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        hint = suggestion(target.name, present) if present else f"no folder {folder}"
        raise TaskError(
            f"include: {name} does not exist; {hint}", path=place.path, line=place.line
        )
    return target


def _normal(path: Path) -> str:
    return os.path.normpath(path.absolute())


def _dialect(root: _Layer) -> str:
    """Tell whose rules hold: as the file says, else by its keys."""
    keys = _merged(root, "lm", {})
    if "dialect" in keys:
        layer = keys["dialect"]
        value = layer.values["dialect"]
        if value not in ("lm", "lmms"):
            raise TaskError(
                f"dialect is {value!r}; valid: lm, lmms",
                path=layer.path,
                line=line_of(layer.root, ("dialect",)),
            )
        return str(value)
    if any(keys[key].values[key] is not None for key in _LMMS_KEYS & set(keys)):
        return "lmms"
    generation = keys.get("generation_kwargs")
    options = generation.values["generation_kwargs"] if generation else None
    has_lmms_spelling = isinstance(options, dict) and "max_new_tokens" in options
    return "lmms" if has_lmms_spelling else "lm"


def _merged(
    layer: _Layer, dialect: str, known: dict[int, dict[str, _Layer]]
) -> dict[str, _Layer]:
    """Tell for each key which file's value counts."""
    if id(layer) not in known:
        keys: dict[str, _Layer] = {}
        order = layer.includes if dialect == "lm" else reversed(layer.includes)
        for included in order:
            keys.update(_merged(included, dialect, known))
        keys.update(dict.fromkeys(layer.values, layer))
        known[id(layer)] = keys
    return known[id(layer)]
