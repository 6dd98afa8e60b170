"""Which tasks, groups and tags there are below some folders, and what a name means."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pytest_evalkit.errors import OptionError
from pytest_evalkit.tasks.catalogue_cache import Definition
from pytest_evalkit.tasks.catalogue_scan import scan, scan_file
from pytest_evalkit.tasks.entries import Entries, Entry
from pytest_evalkit.tasks.expansion import Expansion
from pytest_evalkit.tasks.groups import Selection

_SUFFIXES = (".yaml", ".yml")


class DuplicateNameWarning(UserWarning):
    """Several files define a task or group of one name; says which of them counts."""


class Catalogue:
    """The tasks and groups below some folders.

    Attributes:
        entries: What their files define.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Take the entries; of two of one name the first one counts."""
        self.entries = Entries(entries)

    @classmethod
    def of(cls, roots: Iterable[Path]) -> Catalogue:
        """List what is below some folders; nothing is imported, no data are opened.

        Args:
            roots: The folders. Where two of them define one name the later one counts,
                so that a user's own folder goes last; within one, the first by path.
        """
        folders = {os.path.realpath(root): root.absolute() for root in roots}
        return cls(_entries(reversed(folders.items())))

    def select(self, patterns: Sequence[str]) -> Selection:
        """Find tasks by the names of tasks, groups and tags, by globs, or by files.

        A name that is a task's or a group's means that, else the tasks with that tag. A
        glob means every task and group whose name it matches, and every tag.

        Args:
            patterns: Names, globs, and paths of task or group files; each must find
                something.

        Raises:
            OptionError: Nothing is called so (names the nearest), or a task is asked
                for twice with different settings.
            TaskError: A group is wrong: a member that does not exist, a group that
                contains itself.
        """
        expansion = Expansion(self.entries)
        for pattern in patterns:
            for name in self._named(pattern):
                expansion.add(name)
        selection = expansion.selection()
        self._warn(selection)
        return selection

    def _named(self, pattern: str) -> Sequence[str]:
        if names := self.entries.named(pattern):
            return names
        if pattern.endswith(_SUFFIXES) and Path(pattern).is_file():
            return (self.add_file(Path(pattern)),)
        if names := self.entries.matching(pattern):
            return names
        hint = self.entries.nearest(pattern)
        raise OptionError(f"unknown task {pattern!r}; {hint}")

    def add_file(self, path: Path) -> str:
        """Take in a file, in place of another that defines its name.

        Args:
            path: A file of a task, or of a group, whose members may lie beside it.

        Returns:
            What it defines.

        Raises:
            OptionError: It defines nothing.
        """
        path = path.absolute()
        definition = scan_file(os.path.normpath(path))
        if definition is None:
            raise OptionError(
                f"{path} defines no task and no group: a task has task: and other "
                "keys of a task, a group has group: and a list task:"
            )
        self.entries.put(_entry(path, definition))
        if definition.kind == "group":
            # Its members may lie beside it, outside of the folders searched so far.
            for entry in _entries([(os.path.realpath(path.parent), path.parent)]):
                if entry.name not in self.entries.by_name:
                    self.entries.add(entry)
        return definition.name

    def _warn(self, selection: Selection) -> None:
        chosen = {task.name for task in selection.tasks}
        chosen.update(group.name for group in selection.groups)
        for name in sorted(chosen & self.entries.duplicates.keys()):
            first, *others = self.entries.duplicates[name]
            warnings.warn(
                f"{name!r} is defined by {first} and by "
                f"{', '.join(str(path) for path in others)}; the first of these counts",
                DuplicateNameWarning,
                stacklevel=3,
            )


def _entries(folders: Iterable[tuple[str, Path]]) -> Iterator[Entry]:
    """List the entries of folders; a file that several folders hold is listed once."""
    seen: set[str] = set()
    for real, folder in folders:
        for path, definition in scan(real):
            file = f"{real}/{path}"
            if file not in seen:
                seen.add(file)
                yield _entry(folder / path, definition)


def _entry(path: Path, definition: Definition) -> Entry:
    return Entry(path=path, **definition._asdict())
