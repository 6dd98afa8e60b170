"""Which YAML files are tasks, and which files the names of tasks stand for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_evalkit.tasks.catalogue import Catalogue
from pytest_evalkit.tasks.outline import Outlines, kind_of

_SUFFIXES = (".yaml", ".yml")


def is_task_file(path: Path, *, explicit: bool) -> bool:
    """Tell whether a file is a task, or a group, or someone else's YAML.

    A task has ``task:`` and at least one other key of a task file, itself or through
    its includes. What cannot be read as such is left alone. A group is none, since its
    tasks have files of their own that are found by walking too.

    Args:
        path: Any file.
        explicit: True for a file that the user named: its suffix decides.
    """
    if path.suffix not in _SUFFIXES:
        return False
    return explicit or _kind(path) in ("task", "python")


def is_group_file(path: Path) -> bool:
    """Tell whether a file defines a group: ``group:`` and a list ``task:``."""
    return path.suffix in _SUFFIXES and _kind(path) == "group"


def find_tasks(patterns: Sequence[str], roots: Sequence[Path]) -> list[Path]:
    """Find the files of tasks, without what groups lay over them.

    Args:
        patterns: As for ``Catalogue.select``.
        roots: Folders that are searched, with all that is in them.

    Raises:
        OptionError: As ``Catalogue.select``.
        TaskError: The same.
    """
    tasks = Catalogue.of(roots).select(patterns).tasks
    return list(dict.fromkeys(task.path for task in tasks))


def _kind(path: Path) -> str | None:
    outlines, name = Outlines(), str(path.absolute())
    return kind_of(outlines.own(name), outlines.merged(name))
