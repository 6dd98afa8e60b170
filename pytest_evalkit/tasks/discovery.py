"""Which YAML files are tasks, and which tasks there are, without parsing them all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from pytest_evalkit.errors import OptionError, TaskError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.tasks.schema import ALL_KEYS
from pytest_evalkit.tasks.source import read_source

_SUFFIXES = (".yaml", ".yml")
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules"})
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KEY = re.compile(r"^[\"']?([A-Za-z_][\w-]*)[\"']?[ \t]*:(?=\s|$)", re.MULTILINE)


class _Named(NamedTuple):
    """What a task is called by."""

    name: str
    tags: tuple[str, ...]
    path: Path


def is_task_file(path: Path, *, explicit: bool) -> bool:
    """Tell whether a file is a task, or someone else's YAML.

    A task has ``task:`` and at least one other key of a task file, itself or through
    its includes. What cannot be read as such is left alone.

    Args:
        path: Any file.
        explicit: True for a file that the user named: its suffix decides.
    """
    if path.suffix not in _SUFFIXES:
        return False
    if explicit:
        return True
    text = _text(path)
    keys = set(_KEY.findall(text))
    if not keys & {"task", "group", "include"}:
        return False
    if "task" in keys:
        return bool(keys & (ALL_KEYS - {"task"})) and _is_ours(text)
    return "include" in keys and _merged_name(path, text) is not None


def find_tasks(patterns: Sequence[str], roots: Sequence[Path]) -> list[Path]:
    """Find task files by the name of the task, a glob over names, or a tag.

    Args:
        patterns: Names, globs and tags; each must find something.
        roots: Folders that are searched, with all that is in them.

    Returns:
        The files, in the order of the patterns and then by name, each once.

    Raises:
        OptionError: Nothing is called so (with the nearest name), or two files are.
    """
    tasks = list(_named_tasks(roots))
    found: dict[Path, None] = {}
    for pattern in patterns:
        matches = [task for task in tasks if _matches(task, pattern)]
        if not matches:
            names = {task.name for task in tasks}
            names.update(tag for task in tasks for tag in task.tags)
            raise OptionError(f"unknown task {pattern!r}; {suggestion(pattern, names)}")
        _refuse_twice(matches)
        found.update((task.path, None) for task in sorted(matches))
    return list(found)


def _matches(task: _Named, pattern: str) -> bool:
    return fnmatchcase(task.name, pattern) or pattern in task.tags


def _refuse_twice(tasks: Iterable[_Named]) -> None:
    paths: dict[str, Path] = {}
    for task in tasks:
        if task.name in paths:
            raise OptionError(
                f"two tasks are called {task.name!r}: {paths[task.name]} and "
                f"{task.path}; rename one or search fewer folders"
            )
        paths[task.name] = task.path


def _named_tasks(roots: Iterable[Path]) -> Iterator[_Named]:
    seen: set[Path] = set()
    for root in roots:
        for path in _yaml_files(root):
            resolved = path.resolve()
            if resolved in seen or not is_task_file(path, explicit=False):
                continue
            seen.add(resolved)
            text = _text(path)
            name = _fragment(text, "task") or _merged_name(path, text)
            if isinstance(name, str):
                yield _Named(name, _tags(path, text), path)


def _yaml_files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _SKIPPED_FOLDERS
        )
        yield from (
            Path(folder, name) for name in sorted(files) if name.endswith(".yaml")
        )


def _text(path: Path) -> str:
    """Read a file that may be anything; what is no text has no keys."""
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""


def _is_ours(text: str) -> bool:
    """Tell a task's ``task:`` and ``include:`` from a CI job or a compose file."""
    task, include = _fragment(text, "task"), _fragment(text, "include")
    names = include if isinstance(include, list) else [include]
    is_plain = all(name is None or isinstance(name, str) for name in names)
    return is_plain and isinstance(task, str | list)


def _fragment(text: str, key: str) -> Any:
    """Read one top-level key without parsing the rest of the file.

    Returns:
        Its value, or None where it is absent or cannot be read alone.
    """
    start = re.search(rf"^[\"']?{key}[\"']?[ \t]*:(?=\s|$)", text, re.MULTILINE)
    if start is None:
        return None
    end = re.compile(r"^(?![\s#-]|$)", re.MULTILINE).search(text, start.end())
    fragment = text[start.start() : end.start() if end else len(text)]
    # Nothing is imported here; the name of a function reads as text.
    fragment = fragment.replace("!function ", "")
    try:
        value = yaml.load(fragment, Loader=_LOADER)  # noqa: S506 (it is the safe loader, written in C)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return value.get(key) if isinstance(value, dict) else None


def _merged_name(path: Path, text: str) -> str | None:
    """Read the name of a task that has it from a file it includes."""
    include = _fragment(text, "include")
    names = include if isinstance(include, list) else [include]
    if not all(isinstance(name, str) for name in names):
        return None
    try:
        values = read_source(path).values
    except TaskError:
        return None
    name = values.get("task")
    is_task = isinstance(name, str) and values.keys() & (ALL_KEYS - {"task"})
    return name if is_task else None


def _tags(path: Path, text: str) -> tuple[str, ...]:
    value = _fragment(text, "tag")
    if value is None and _fragment(text, "include") is not None:
        try:
            value = read_source(path).values.get("tag")
        except TaskError:
            # Loading the task will say what is wrong; its name is known already.
            return ()
    if isinstance(value, str):
        return (value,)
    return tuple(str(tag) for tag in value) if isinstance(value, list) else ()
