"""Which tasks, groups and tags there are below some folders, and what a name means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_evalkit.tasks.groups import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file that defines a task or a group, as far as its index needs to know it.

    Attributes:
        name: Its name.
        path: The file.
        kind: ``task``, ``group``, or ``python`` for a task that is a Python class.
        tags: Its tags.
        output_type: What it asks of a model, or None where it does not say.
        dataset_path: Its data set, or None.
        dataset_name: The data set's configuration, or None.
        members: For a group, the names of its direct children.
    """

    name: str
    path: Path
    kind: str
    tags: tuple[str, ...] = ()
    output_type: str | None = None
    dataset_path: str | None = None
    dataset_name: str | None = None
    members: tuple[str, ...] = ()


class Catalogue:
    """The tasks and groups below some folders.

    Attributes:
        entries: By name; of two files of one name, the one that counts.
        duplicates: One line for each name that several files claim: the files, and
            which of them counts.
    """

    def __init__(self, entries: Mapping[str, Entry], duplicates: Sequence[str]) -> None:
        self.entries = entries
        self.duplicates = tuple(duplicates)

    @classmethod
    def of(cls, roots: Iterable[Path]) -> Catalogue:
        """List what is below some folders; nothing is imported, no data are opened.

        Args:
            roots: The folders; where two have a task of one name, the later one counts.
        """
        raise NotImplementedError

    def select(self, patterns: Sequence[str]) -> Selection:
        """Find tasks by the names of tasks, groups and tags, by globs, or by files.

        Args:
            patterns: Names, globs over names, and paths of task or group files; each
                must find something.

        Raises:
            OptionError: Nothing is called so; names the nearest.
            TaskError: A group is wrong: a member that does not exist, a group that
                contains itself.
        """
        raise NotImplementedError
