"""One YAML file as written: its nodes with their lines, and its plain values.

Nothing is imported or looked up here; a function stays a reference until the task is
loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import yaml
from yaml.constructor import SafeConstructor
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pytest_evalkit.errors import TaskError

# The parser written in C is ten times faster, where the wheel has it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Aliases may stand for each other; what they expand to is bounded.
MAX_NODES = 200_000
MAX_DEPTH = 100

# What constructors of YAML let through: of an impossible date, a key that cannot be
# one, a word that is tagged as a number, a truth value or a date.
IMPOSSIBLE_VALUES = (
    ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError
)  # fmt: skip

# As deep as the parser may go: a small part of the stack that a process has.
_PARSED_DEPTH = 1000


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


class DuplicateKeyWarning(UserWarning):
    """A file gives a key twice, with different values; the last one counts."""


class Repetition(NamedTuple):
    """A key that is given twice with different values.

    Attributes:
        key: The key.
        first: The line where it stands first.
        place: Where it stands again; what is said there counts.
    """

    key: str
    first: int
    place: Place


def compose(path: Path) -> tuple[MappingNode, tuple[Repetition, ...]]:
    """Parse a file to nodes, and refuse what would be read wrongly.

    Returns:
        The nodes, and the keys that are given twice with different values.

    Raises:
        TaskError: The file cannot be read, is no mapping, or expands beyond bounds.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TaskError(f"cannot be read: {error.strerror}", path=path) from error
    except UnicodeDecodeError as error:
        raise TaskError("is not UTF-8 text", path=path) from error
    try:
        if is_too_deep(text):
            raise TaskError("is nested too deeply", path=path)
        root = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise _yaml_error(error, path) from error
    if not isinstance(root, MappingNode):
        raise TaskError("a task file is a mapping of keys to values", path=path)
    return root, tuple(_repetitions(_nodes(root, path), path))


def is_too_deep(text: str) -> bool:
    """Tell whether a text is nested deeper than a parser's stack may bear.

    The parser written in C recurses without a bound, and ends the process.

    Raises:
        YAMLError: The text is not YAML.
    """
    # Below this, no text can be as deep: each level takes one of these characters, or
    # is indented by one more blank than the level above it.
    openers = text.count("[") + text.count("{") + text.count("- ") + text.count("? ")
    if openers < _PARSED_DEPTH and len(text) < _PARSED_DEPTH**2 // 2:
        return False
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > _PARSED_DEPTH:
                return True
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
    return False


def _yaml_error(error: yaml.YAMLError, path: Path) -> TaskError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    line = mark.line + 1 if mark is not None else None
    return TaskError(f"is not YAML: {problem}", path=path, line=line)


def _nodes(root: MappingNode, path: Path) -> list[MappingNode]:
    """List the mappings; refuse aliases that contain themselves or explode."""
    mappings: list[MappingNode] = []
    sizes: dict[int, int] = {}
    heights: dict[int, int] = {}
    # A node is pushed twice: to open it, and to sum up once its children are known.
    pending: list[tuple[Node, bool]] = [(root, False)]
    opened: set[int] = set()
    while pending:
        node, is_summed = pending.pop()
        if is_summed:
            opened.discard(id(node))
            below = [id(child) for child in _children(node)]
            sizes[id(node)] = 1 + sum(sizes[child] for child in below)
            heights[id(node)] = 1 + max((heights[child] for child in below), default=0)
        elif id(node) in opened:
            raise _node_error("an alias contains itself", node, path)
        elif id(node) not in sizes:
            if isinstance(node, MappingNode):
                mappings.append(node)
            opened.add(id(node))
            pending.append((node, True))
            pending.extend((child, False) for child in _children(node))
    if sizes[id(root)] > MAX_NODES:
        raise TaskError(
            f"its aliases expand to more than {MAX_NODES:,} values", path=path
        )
    if heights[id(root)] > MAX_DEPTH:
        raise TaskError("is nested too deeply", path=path)
    return mappings


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, SequenceNode):
        yield from node.value


def _repetitions(mappings: Iterable[MappingNode], path: Path) -> Iterator[Repetition]:
    for mapping in mappings:
        given: dict[tuple[str, str], tuple[int, Node]] = {}
        for key, value in mapping.value:
            if not isinstance(key, ScalarNode):
                continue
            name, line = (key.tag, key.value), key.start_mark.line + 1
            first, before = given.get(name, (line, value))
            if before is not value and _form(before) != _form(value):
                yield Repetition(key.value, first, Place(path, line))
            given[name] = first, value


def _form(node: Node) -> Any:
    """Write a node as plain values that equal those of a node that says the same."""
    if isinstance(node, MappingNode):
        return [(_form(key), _form(value)) for key, value in node.value]
    if isinstance(node, SequenceNode):
        return [_form(item) for item in node.value]
    return node.tag, node.value


def _node_error(message: str, node: Node, path: Path) -> TaskError:
    return TaskError(message, path=path, line=node.start_mark.line + 1)


def construct(root: MappingNode, path: Path) -> dict[str, Any]:
    """Make plain values of nodes.

    Args:
        root: What ``compose`` returned.
        path: The file, for messages and for references.

    Raises:
        TaskError: A value is impossible, or a key is not text.
    """
    try:
        values = _Constructor(path).construct_document(root)
    except yaml.YAMLError as error:
        raise _yaml_error(error, path) from error
    except IMPOSSIBLE_VALUES as error:
        raise TaskError(f"holds an impossible value: {error}", path=path) from error
    for key in values:
        if not isinstance(key, str):
            raise TaskError(f"the key {key!r} is not text; quote it", path=path)
    return dict(values)


def line_of(root: Node | None, steps: tuple[str | int, ...]) -> int | None:
    """Find the line of a key or an item.

    Args:
        root: Where to start; None for values that no file holds.
        steps: Keys and positions that lead to it, as far as they hold.
    """
    if root is None:
        return None
    node, line = root, None
    for step in steps:
        found = _descend(node, step)
        if found is None:
            break
        node, line = found
    return line


def _descend(node: Node, step: str | int) -> tuple[Node, int] | None:
    if isinstance(node, MappingNode):
        # Of a key that is given twice the last one counts.
        for key, value in reversed(node.value):
            if key.value == step:
                return value, key.start_mark.line + 1
        return None
    if isinstance(node, SequenceNode) and isinstance(step, int):
        child = node.value[step]
        return child, child.start_mark.line + 1
    return None
