"""Task files as written: YAML with positions, ``!function`` and ``include``.

Nothing is imported or looked up here; a function stays a reference until the task is
loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pytest_evalkit.errors import TaskError
from pytest_evalkit.naming import suggestion

# The parser written in C is ten times faster, where the wheel has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Aliases may stand for each other; what they expand to is bounded.
MAX_NODES = 200_000

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


class Place(NamedTuple):
    """Where something is said.

    Attributes:
        path: The file.
        line: The line in it, from one, or None where none is known.
    """

    path: Path
    line: int | None


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """A ``!function`` value before it is imported.

    Attributes:
        name: What the file says, such as ``utils.process_docs``.
        place: The file in which it says so, and the line.
    """

    name: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A task file with all that it includes.

    Attributes:
        path: The file itself.
        values: The merged keys; functions are still references.
        dialect: ``lm`` or ``lmms``; decides where the two systems differ.
    """

    path: Path
    values: Mapping[str, Any]
    dialect: str
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
        return Place(layer.path, _line_of(layer.root, (key, *steps)))

    def error(self, message: str, key: str, *steps: str | int) -> TaskError:
        """Make the error that points to a key."""
        path, line = self.place(key, *steps)
        return TaskError(message, path=path, line=line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """One file: its own keys, and the files that it includes."""

    path: Path
    root: MappingNode
    values: dict[str, Any]
    includes: tuple[_Layer, ...]


class _Constructor(SafeConstructor):
    """Builds plain values, and a reference where a function is named."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def construct_function(self, node: Node) -> FunctionReference:
        """Read ``!function module.name``."""
        place = Place(self.path, node.start_mark.line + 1)
        if not isinstance(node, ScalarNode) or not node.value.strip():
            raise TaskError(
                "!function takes one name, such as utils.process_docs",
                path=place.path,
                line=place.line,
            )
        return FunctionReference(node.value.strip(), place)

    yaml_constructors: ClassVar = {
        **SafeConstructor.yaml_constructors,
        "!function": construct_function,
    }


def read_source(path: Path) -> Source:
    """Read a task file and, in turn, the files that it includes.

    Includes are relative to the file that names them; own keys win, whole values are
    replaced. Of several includes the last one wins in the lm dialect, the first one
    in the lmms dialect.

    Raises:
        TaskError: A file is missing, is no mapping with text keys, gives a key twice,
            expands beyond bounds, or includes itself.
    """
    root = _read_layer(path, (), {})
    dialect = _dialect(root)
    values: dict[str, Any] = {}
    layers: dict[str, _Layer] = {}
    for key, layer in _merged(root, dialect, {}).items():
        values[key] = layer.values[key]
        layers[key] = layer
    return Source(path=path, values=values, dialect=dialect, layers=layers)


def _read_layer(
    path: Path, trail: tuple[Path, ...], known: dict[Path, _Layer]
) -> _Layer:
    if path in known:
        return known[path]
    root = _compose(path)
    values = _construct(root, path)
    trail = (*trail, path)
    includes = tuple(
        _read_layer(_included(name, path, place, trail), trail, known)
        for name, place in _include_names(path, root, values)
    )
    values.pop("include", None)
    if len(trail) > 1:
        values.pop("task_list", None)
    layer = _Layer(path=path, root=root, values=values, includes=includes)
    known[path] = layer
    return layer


def _compose(path: Path) -> MappingNode:
    """Parse a file to nodes, and refuse what would be read wrongly."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TaskError(f"cannot be read: {error.strerror}", path=path) from error
    except UnicodeDecodeError as error:
        raise TaskError("is not UTF-8 text", path=path) from error
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise _yaml_error(error, path) from error
    except RecursionError as error:
        raise TaskError("is nested too deeply", path=path) from error
    if not isinstance(root, MappingNode):
        raise TaskError("a task file is a mapping of keys to values", path=path)
    _check(root, path)
    return root


def _yaml_error(error: yaml.YAMLError, path: Path) -> TaskError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    line = mark.line + 1 if mark is not None else None
    return TaskError(f"is not YAML: {problem}", path=path, line=line)


def _check(root: MappingNode, path: Path) -> None:
    """Refuse duplicate keys, and aliases that contain themselves or explode."""
    sizes: dict[int, int] = {}
    # A node is pushed twice: to open it, and to sum up once its children are known.
    pending: list[tuple[Node, bool]] = [(root, False)]
    opened: set[int] = set()
    while pending:
        node, is_summed = pending.pop()
        if is_summed:
            opened.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in _children(node))
        elif id(node) in opened:
            raise _node_error("an alias contains itself", node, path)
        elif id(node) not in sizes:
            _check_keys(node, path)
            opened.add(id(node))
            pending.append((node, True))
            pending.extend((child, False) for child in _children(node))
    if sizes[id(root)] > MAX_NODES:
        raise TaskError(
            f"its aliases expand to more than {MAX_NODES:,} values", path=path
        )


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, SequenceNode):
        yield from node.value


def _check_keys(node: Node, path: Path) -> None:
    if not isinstance(node, MappingNode):
        return
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, ScalarNode):
            continue
        name = (key.tag, key.value)
        if name in lines:
            message = f"{key.value!r} is given twice, first in line {lines[name]}"
            raise _node_error(message, key, path)
        lines[name] = key.start_mark.line + 1


def _node_error(message: str, node: Node, path: Path) -> TaskError:
    return TaskError(message, path=path, line=node.start_mark.line + 1)


def _construct(root: MappingNode, path: Path) -> dict[str, Any]:
    try:
        values = _Constructor(path).construct_document(root)
    except yaml.YAMLError as error:
        raise _yaml_error(error, path) from error
    except (ValueError, TypeError) as error:
        # An impossible date, or a key that cannot be one.
        raise TaskError(f"holds an impossible value: {error}", path=path) from error
    for key in values:
        if not isinstance(key, str):
            raise TaskError(f"the key {key!r} is not text; quote it", path=path)
    return dict(values)


def _include_names(
    path: Path, root: MappingNode, values: Mapping[str, Any]
) -> list[tuple[str, Place]]:
    value = values.get("include")
    if value is None:
        return []
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        line = _line_of(root, ("include",))
        raise TaskError("include takes a file or a list of files", path=path, line=line)
    return [
        (name, Place(path, _line_of(root, ("include", position))))
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
                line=_line_of(layer.root, ("dialect",)),
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


def _line_of(root: Node, steps: tuple[str | int, ...]) -> int | None:
    node, line = root, None
    for step in steps:
        found = _descend(node, step)
        if found is None:
            break
        node, line = found
    return line


def _descend(node: Node, step: str | int) -> tuple[Node, int] | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, key.start_mark.line + 1
        return None
    if isinstance(node, SequenceNode) and isinstance(step, int):
        child = node.value[step]
        return child, child.start_mark.line + 1
    return None
