"""Tasks asked for by name: ``--tasks gsm8k,mmlu`` or a group's file, not their files."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

import pytest

import pytest_evalkit
from pytest_evalkit.plugin.asked import Asked, set_asked
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.plugin.place import is_task_path
from pytest_evalkit.tasks import Catalogue, Selection, TaskReference

_PACKAGE = Path(pytest_evalkit.__file__).parent
_GROUP = re.compile(rb"""^["']?group["']?[ \t]*:""", re.MULTILINE)
_TASK = re.compile(rb"""^["']?task["']?[ \t]*:""", re.MULTILINE)
_LIST_OF_TASKS = re.compile(
    rb"""^["']?task["']?[ \t]*:(?:[ \t\r]*(?:\#[^\n]*)?\n)*[ \t]*(?:\[|-\s)""",
    re.MULTILINE,
)


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
    if options.tasks and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = []
    paths = {arg: _path(config, arg) for arg in config.args}
    groups = [arg for arg, path in paths.items() if _is_group(path)]
    # Behind a group's file may stand a node: a document of a task written in it.
    nodes = [paths[arg] for arg in groups if "::" in arg]
    whole = [arg for arg in groups if "::" not in arg]
    kept = [arg for arg in config.args if arg not in whole]
    selection = _select(options, options.tasks, [paths[arg] for arg in whole])
    tasks = _by_file(selection)
    for path, references in _by_file(_select(options, (), nodes)).items():
        if path in nodes:
            tasks.setdefault(path, references)
    given = frozenset(paths[arg] for arg in kept)
    above_nodes = {up for arg in kept if "::" in arg for up in paths[arg].parents}
    config.args[:] = [*kept, *_places(tasks.keys() - given, above_nodes)]
    asked = Asked(groups=selection.groups, tasks=tasks, given=given)
    set_asked(config, asked)
    config.pluginmanager.register(NamedTasks(asked), "evalkit-named-tasks")


def _places(files: Iterable[Path], above_nodes: Container[Path]) -> list[str]:
    """Choose what pytest is to go to, to find some files.

    It would list a folder anew for every file in it that is an argument, so the folder
    is, unless one below it stands for a single node of its own file.
    """
    places = [
        file if file.parent in above_nodes else file.parent for file in sorted(files)
    ]
    return list(dict.fromkeys(map(str, places)))


def _select(
    options: RunOptions, names: Sequence[str], groups: Sequence[Path]
) -> Selection:
    if not names and not groups:
        return Selection(tasks=(), groups=())
    folders = dict.fromkeys(path.parent for path in groups)
    roots = [packaged_benchmarks(), *options.include_paths, *folders]
    return Catalogue.of(roots).select([*names, *map(str, groups)])


def _by_file(selection: Selection) -> dict[Path, list[TaskReference]]:
    tasks: dict[Path, list[TaskReference]] = {}
    for reference in selection.tasks:
        tasks.setdefault(_absolute(reference.path), []).append(reference)
    return tasks


def _is_group(path: Path) -> bool:
    """Tell a group's file from a task's, where ``group`` is a tag and ``task`` a name."""
    if not is_task_path(path.name):
        return False
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


class NamedTasks:
    """Keeps pytest from whatever stands beside the files that it is to collect.

    Args:
        asked: What it is to collect.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        files = (*asked.tasks, *asked.given)
        self._above = frozenset(folder for file in files for folder in file.parents)
        names = (
            reference.name
            for references in asked.tasks.values()
            for reference in references
        )
        self._rank = {name: rank for rank, name in enumerate(names)}

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Take the tasks that were named, leave others, and let pytest judge the rest."""
        if collection_path in self._asked.tasks:
            return False
        if collection_path in self._above or self._asked.is_given(collection_path):
            return None
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the tasks in the order in which they were named."""
        if self._rank:
            items.sort(key=self._place)

    def _place(self, item: pytest.Item) -> int:
        opened = getattr(item.parent, "opened", None)
        return -1 if opened is None else self._rank.get(opened.task.name, -1)
