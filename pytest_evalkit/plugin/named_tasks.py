"""Tasks asked for by name: ``--tasks gsm8k,mmlu`` or a group's file, not their files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import pytest_evalkit
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.plugin.place import is_task_path
from pytest_evalkit.tasks import Catalogue, Group, TaskReference

_PACKAGE = Path(pytest_evalkit.__file__).parent
_GROUP = re.compile(rb"""^["']?group["']?[ \t]*:""", re.MULTILINE)
_TASK = re.compile(rb"""^["']?task["']?[ \t]*:""", re.MULTILINE)
_LIST_OF_TASKS = re.compile(
    rb"""^["']?task["']?[ \t]*:(?:[ \t\r]*(?:\#[^\n]*)?\n)*[ \t]*(?:\[|-\s)""",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for by name.

    Attributes:
        groups: The groups, outer ones before those within them.
        tasks: The tasks of each file; a group may ask for several forms of one.
        given: Files and folders that were named beside them.
    """

    groups: tuple[Group, ...] = ()
    tasks: Mapping[Path, Sequence[TaskReference]] = field(default_factory=dict)
    given: tuple[Path, ...] = ()

    def references(self, path: Path) -> Sequence[TaskReference | None]:
        """List what of a file is to be collected; None is the task as it is there.

        Args:
            path: A task file.
        """
        asked = self.tasks.get(path, ())
        is_given = path in self.given or any(up in self.given for up in path.parents)
        is_plain = any(not reference.overrides for reference in asked)
        if not asked or (is_given and not is_plain):
            return (*asked, None)
        return asked

    def reference(self, path: Path, name: str) -> TaskReference | None:
        """Find what was asked for by its name; None for a task as its file has it."""
        for reference in self.tasks.get(path, ()):
            if reference.name == name:
                return reference
        return None


_ASKED_KEY: pytest.StashKey[Asked] = pytest.StashKey()
_NOTHING = Asked()


def asked_of(config: pytest.Config) -> Asked:
    """Get what the command line asks for by name."""
    return config.stash.get(_ASKED_KEY, _NOTHING)


def packaged_benchmarks() -> Path:
    """Find the benchmarks that come with the package.

    They lie inside it where it was installed from a wheel, and beside it in a checkout.
    """
    installed = _PACKAGE / "_benchmarks"
    return installed if installed.is_dir() else _PACKAGE.parent / "benchmarks"


def add_named_tasks(config: pytest.Config, options: RunOptions) -> None:
    """Make pytest collect the tasks that were named, and those of a group's file.

    Paths given on the command line stay; a default such as ``testpaths`` does not, since
    whoever names tasks wants these.

    Raises:
        OptionError: There is no such task, or several of one name.
        TaskError: A group is wrong.
    """
    is_given = config.args_source is pytest.Config.ArgsSource.ARGS
    if options.tasks and not is_given:
        config.args[:] = []
    files = _group_files(config)
    if not options.tasks and not files:
        return
    folders = dict.fromkeys(file.parent for file in files)
    roots = [packaged_benchmarks(), *options.include_paths, *folders]
    patterns = [*options.tasks, *map(str, files)]
    selection = Catalogue.of(roots).select(patterns)
    tasks: dict[Path, list[TaskReference]] = {}
    for reference in selection.tasks:
        tasks.setdefault(_absolute(reference.path), []).append(reference)
    kept = [arg for arg in config.args if _path(config, arg) not in files]
    config.args[:] = [*kept, *map(str, tasks)]
    config.stash[_ASKED_KEY] = Asked(
        groups=selection.groups,
        tasks=tasks,
        given=tuple(_path(config, arg) for arg in kept) if is_given else (),
    )


def _group_files(config: pytest.Config) -> list[Path]:
    """List the arguments that are files of groups."""
    paths = [_path(config, arg) for arg in config.args if is_task_path(arg)]
    return [path for path in dict.fromkeys(paths) if _is_group(path)]


def _is_group(path: Path) -> bool:
    """Tell a group's file from a task's, where ``group`` is a tag and ``task`` a name."""
    try:
        text = path.read_bytes()
    except OSError:
        # pytest itself says best that there is no such file.
        return False
    has_list = _LIST_OF_TASKS.search(text) or not _TASK.search(text)
    return bool(_GROUP.search(text) and has_list)


def _path(config: pytest.Config, arg: str) -> Path:
    """Find the file or folder of an argument, as pytest does."""
    return _absolute(config.invocation_params.dir / arg.partition("::")[0])


def _absolute(path: Path) -> Path:
    """Write a path as pytest writes those of its nodes: links are not followed."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolving would follow links
