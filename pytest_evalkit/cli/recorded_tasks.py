"""The tasks of a run that has ended, loaded again as the run had them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import decode, encode
from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.masking import masked
from pytest_evalkit.results.agreement import changed_keys
from pytest_evalkit.results.cases import case_facts
from pytest_evalkit.results.concluding import facts_of_task
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.journal import GroupDict, RunDict, SelectionDict
from pytest_evalkit.results.task_record import TaskFacts
from pytest_evalkit.tasks import (
    Catalogue,
    Task,
    TaskReference,
    TaskSettings,
    load_task,
)
from pytest_evalkit.tasks.packaged import packaged_benchmarks


class RecordedTasks:
    """Loads tasks by what the journals of a run say.

    A file is looked for where it was in the run; else at the end of the same path below
    the current folder, and by the name of its task.

    Args:
        said: What the run says of itself.
        groups: The groups that it was asked for.
        configs: The files of its tasks as they were resolved, as far as that is known.
        include_paths: Further folders to look for tasks in.

    Attributes:
        loaded: The tasks by name.
    """

    def __init__(
        self,
        said: RunDict,
        groups: Iterable[GroupDict],
        configs: Mapping[str, Mapping[str, Any]],
        include_paths: Sequence[Path],
    ) -> None:
        self._said = said
        self._groups = list(groups)
        self._configs = configs
        self._include_paths = include_paths
        settings = TaskSettings.from_dict(said["settings"])
        # Loading runs nothing that a model wrote.
        self._settings = replace(settings, confirm_unsafe=True)
        self.loaded: dict[str, Task] = {}

    def facts(self, folder: RunFolder, selection: SelectionDict) -> TaskFacts:
        """Say of a task what concluding needs to know.

        Args:
            folder: The run's folder, which says what cases in Python recorded.
            selection: A line of its journals.

        Raises:
            OptionError: The task's file is not there any more, or has changed.
            TaskError: It is wrong now.
        """
        name, path = selection["task"], selection["path"]
        if path is None:
            return case_facts(folder, name)
        found = self._found(Path(path), name)
        reference = self._references.get(name)
        overrides = None if reference is None else reference.overrides
        called = None if reference is None else name
        task = load_task(found, self._settings, overrides, called)
        self._require_unchanged(task)
        self.loaded[name] = task
        return facts_of_task(task)

    def _require_unchanged(self, task: Task) -> None:
        """Refuse a file that would aggregate otherwise than what was scored."""
        known = self._configs.get(task.name)
        if known is None:
            return
        today = decode(encode(masked(task.config)))
        changed = next(changed_keys(known, today), None)
        if changed is not None:
            key, was, now = changed
            raise OptionError(
                f"{task.path}: {key!r} has changed since the run: it was {was!r:.80}, and "
                f"is {now!r:.80}; merge with the file as it was"
            )

    def _found(self, path: Path, name: str) -> Path:
        moved = _moved(path)
        if moved is not None:
            return moved
        entry = self._catalogue.entries.by_name.get(name)
        if entry is None:
            raise OptionError(
                f"the file of task {name!r} is not at {path} any more; name the folder "
                "that has it with --include-path DIR"
            )
        return entry.path

    @cached_property
    def _catalogue(self) -> Catalogue:
        recorded = map(Path, self._said["options"].get("include_path") or ())
        folders = [*filter(Path.is_dir, recorded), *self._include_paths]
        return Catalogue.of([packaged_benchmarks(), *folders])

    @cached_property
    def _references(self) -> Mapping[str, TaskReference]:
        """What the run was asked for by name, with what groups lay over files."""
        given = self._said["options"].get("tasks") or ()
        names = [name.strip() for text in given for name in text.split(",")]
        if not names and not self._groups:
            return {}
        selection = self._catalogue.select([name for name in names if name])
        known = {group.name for group in selection.groups}
        files = [
            str(_moved(Path(group["path"])) or group["path"])
            for group in self._groups
            if group["name"] not in known
        ]
        if files:
            folders = dict.fromkeys(Path(file).parent for file in files)
            roots = [packaged_benchmarks(), *self._include_paths, *folders]
            others = Catalogue.of(roots).select(files)
            return {task.name: task for task in (*others.tasks, *selection.tasks)}
        return {task.name: task for task in selection.tasks}


def _moved(path: Path) -> Path | None:
    """Find a file where it was, or at the longest end of its path below this folder."""
    if path.is_file():
        return path
    for start in range(1, len(path.parts) - 1):
        candidate = Path.cwd().joinpath(*path.parts[start:])
        if candidate.is_file():
            return candidate
    return None
