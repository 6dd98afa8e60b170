"""What the files of a catalogue define, by name and by tag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pytest_evalkit.naming import suggestion

# More names than these are no help to someone who misspelt one.
_LISTED = 50


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
        modalities: What it shows besides text; ``text`` alone for nothing, empty where
            that is not known.
        documents: How many it says that it has, or None.
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
    modalities: tuple[str, ...] = ()
    documents: int | None = None


class Entries:
    """Tasks and groups by name; a name means one of them.

    Attributes:
        by_name: Of several files of one name, the one that counts.
        tags: The names of the tasks that have a tag, in order, by tag.
        duplicates: For each name that several files claim, the files; the first one
            counts.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Take the entries; of two of one name the first one counts."""
        self.by_name: dict[str, Entry] = {}
        self.tags: dict[str, list[str]] = {}
        self.duplicates: dict[str, list[Path]] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Take one more entry, unless its name is taken."""
        first = self.by_name.setdefault(entry.name, entry)
        if first is entry:
            self._tag(entry)
        elif first.path != entry.path:
            paths = self.duplicates.setdefault(entry.name, [first.path])
            paths.append(entry.path)

    def put(self, entry: Entry) -> None:
        """Take one more entry, in place of another of its name."""
        self.by_name[entry.name] = entry
        self._tag(entry)

    def named(self, name: str) -> Sequence[str]:
        """Tell which tasks and groups a name stands for; none for an unknown one.

        It is the task or group of that name, else the tasks that have it as a tag.
        """
        return (name,) if name in self.by_name else sorted(self.tags.get(name, ()))

    def matching(self, glob: str) -> list[str]:
        """List the tasks and groups whose name or tag matches, names before tags."""
        names = [name for name in sorted(self.by_name) if fnmatchcase(name, glob)]
        for tag in sorted(self.tags):
            if fnmatchcase(tag, glob):
                names += self.named(tag)
        return names

    def nearest(self, name: str) -> str:
        """Point to the nearest name that there is, as a clause to end a message with."""
        known = [*self.by_name, *self.tags]
        hint = suggestion(name, known)
        if len(known) <= _LISTED or "did you mean" in hint:
            return hint
        return (
            "no name is similar; `evalkit tasks` lists them all, and --include-path DIR "
            "looks in a folder of yours"
        )

    def _tag(self, entry: Entry) -> None:
        if entry.kind == "group":
            return
        for tag in entry.tags:
            names = self.tags.setdefault(tag, [])
            if entry.name not in names:
                names.append(entry.name)
