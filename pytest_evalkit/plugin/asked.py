"""What the command line asks for: paths, and tasks by name.

Light on purpose: every YAML file that pytest sees is looked up here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_evalkit.tasks import Group, TaskReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for.

    Attributes:
        groups: The groups asked for by name, outer ones before those within them.
        tasks: The tasks asked for by name, in order, by their files; a group may ask
            for several forms of one.
        given: Files and folders that stand on the command line themselves.
    """

    groups: tuple[Group, ...] = ()
    tasks: Mapping[Path, Sequence[TaskReference]] = field(default_factory=dict)
    given: frozenset[Path] = frozenset()

    def is_given(self, path: Path) -> bool:
        """Tell whether a file or folder, or one above it, is on the command line."""
        if not self.given:
            return False
        return path in self.given or any(up in self.given for up in path.parents)

    def references(self, path: Path) -> Sequence[TaskReference | None]:
        """List what of a file is to be collected; None is the task as it is there.

        A task asked for by name and by its folder is collected once, as the name has it.

        Args:
            path: A file of a task or a group.
        """
        return self.tasks.get(path) or (None,)

    def reference(self, path: Path, name: str) -> TaskReference | None:
        """Find what was asked for by its name; None for a task as its file has it."""
        for reference in self.tasks.get(path, ()):
            if reference.name == name:
                return reference
        return None


_ASKED_KEY: pytest.StashKey[Asked] = pytest.StashKey()
_NOTHING = Asked()


def asked_of(config: pytest.Config) -> Asked:
    """Get what the command line asks for, where that was looked into."""
    return config.stash.get(_ASKED_KEY, _NOTHING)


def set_asked(config: pytest.Config, asked: Asked) -> None:
    """Tell what the command line asks for."""
    config.stash[_ASKED_KEY] = asked
