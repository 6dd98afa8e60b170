"""Whether the tasks and groups below some folders load, and why those do not."""

from __future__ import annotations

import os
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_evalkit.cli.loader import Loaded, load_tasks
from pytest_evalkit.errors import EvalkitError, OptionError
from pytest_evalkit.tasks import Catalogue, Entry, TaskReference
from pytest_evalkit.tasks.catalogue import DuplicateNameWarning


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What became of the tasks and groups.

    Attributes:
        tasks: Each task file.
        groups: How many groups there are.
        broken_groups: What is wrong with those whose members cannot all be found, or
            whose own tasks, written in their files, do not load.
        families: By task, the top folder it lies in, named as below the path given.
        warnings: What was warned of, each once.
    """

    tasks: tuple[Loaded, ...]
    groups: int
    broken_groups: tuple[str, ...]
    families: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def failed(self) -> tuple[Loaded, ...]:
        """The tasks that are wrong."""
        return tuple(
            task
            for task in self.tasks
            if task.problem and task.package is None and task.credential is None
        )

    @property
    def lacking(self) -> tuple[Loaded, ...]:
        """The tasks that a package is missing for."""
        return tuple(task for task in self.tasks if task.package)

    @property
    def unauthorized(self) -> tuple[Loaded, ...]:
        """The tasks that a credential is missing for."""
        return tuple(task for task in self.tasks if task.credential is not None)

    @property
    def loaded(self) -> int:
        """How many tasks load."""
        return sum(task.problem is None for task in self.tasks)

    @property
    def packages(self) -> Counter[str]:
        """The missing packages, and how many tasks each would serve."""
        return Counter(task.package for task in self.tasks if task.package)

    @property
    def credentials(self) -> Counter[str]:
        """The variables of missing credentials, and how many tasks each would serve."""
        return Counter(task.credential or "unnamed" for task in self.unauthorized)

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """The variables of credentials that are not set, and that anything did for."""
        names = {name for task in self.tasks for name in task.stand_ins}
        return tuple(sorted(names))

    def by_family(self) -> dict[str, tuple[int, int]]:
        """Count for each family the tasks that load, and all its tasks."""
        outcomes: defaultdict[str, list[bool]] = defaultdict(list)
        for family, task in zip(self.families, self.tasks, strict=True):
            outcomes[family].append(task.problem is None)
        return {family: (sum(loads), len(loads)) for family, loads in outcomes.items()}

    def shares(self) -> dict[str, float]:
        """Tell for each family the share of its tasks that load, from 0 to 1."""
        counts = self.by_family().items()
        return {family: loaded / total for family, (loaded, total) in counts}


def validate(paths: Sequence[Path]) -> Validation:
    """Load every task below some paths without its data, and resolve every group.

    Args:
        paths: Task files, group files, and folders of them.

    Raises:
        OptionError: A path does not exist, or there is no task below any.
    """
    catalogue = _catalogue(paths)
    entries = catalogue.entries.by_name.values()
    groups = [entry for entry in entries if entry.kind == "group"]
    references = [_reference(entry) for entry in entries if entry.kind != "group"]
    references += _clashing(catalogue)
    inline: dict[tuple[Path, str], TaskReference] = {}
    broken: list[str] = []
    for group in groups:
        try:
            written = _inline(catalogue, group)
        except EvalkitError as error:
            broken.append(str(error))
        else:
            inline.update(((task.path, task.name), task) for task in written)
    if not references and not groups:
        names = ", ".join(str(path) for path in paths)
        raise OptionError(f"there is no task below {names}")
    loaded = sorted(
        load_tasks(_chunks((*references, *inline.values())), _processes()), key=_place
    )
    tasks = [task for task in loaded if (task.path, task.name) not in inline]
    own = (task for task in loaded if (task.path, task.name) in inline and task.problem)
    # One line for each group's file is enough.
    broken += {
        task.path: f"{task.problem} (task {task.name!r})" for task in own
    }.values()
    return Validation(
        tasks=tuple(tasks),
        groups=len(groups),
        broken_groups=tuple(broken),
        families=tuple(_family(task.path, paths) for task in tasks),
        warnings=tuple(
            dict.fromkeys(text for task in loaded for text in task.warnings)
        ),
    )


def _catalogue(paths: Sequence[Path]) -> Catalogue:
    for path in paths:
        if not path.exists():
            raise OptionError(f"{path} does not exist")
    catalogue = Catalogue.of(path for path in paths if path.is_dir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateNameWarning)
        for path in paths:
            if path.is_file():
                catalogue.add_file(path)
    return catalogue


def _reference(entry: Entry) -> TaskReference:
    return TaskReference(name=entry.name, path=entry.path)


def _clashing(catalogue: Catalogue) -> Iterator[TaskReference]:
    """List the tasks whose name another file took."""
    for name, (_, *others) in catalogue.entries.duplicates.items():
        for path in others:
            yield TaskReference(name=name, path=path)


def _inline(catalogue: Catalogue, group: Entry) -> list[TaskReference]:
    """Resolve a group; list the tasks that are written in its file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateNameWarning)
        tasks = catalogue.select([group.name]).tasks
    return [task for task in tasks if task.path == group.path]


def _chunks(references: Iterable[TaskReference]) -> list[list[TaskReference]]:
    """Put tasks of one folder together, since they import the same modules."""
    folders: defaultdict[Path, list[TaskReference]] = defaultdict(list)
    for reference in references:
        folders[reference.path.parent].append(reference)
    return list(folders.values())


def _processes() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _place(task: Loaded) -> tuple[str, str]:
    return str(task.path), task.name


def _family(path: Path, roots: Iterable[Path]) -> str:
    for root in roots:
        if path.is_relative_to(root.absolute()):
            parts = path.relative_to(root.absolute()).parts
            return parts[0] if len(parts) > 1 else "."
    return "."
