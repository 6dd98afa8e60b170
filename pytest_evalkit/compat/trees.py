"""Where modules of task folders lie: the trees of the two projects, and siblings.

Nothing is imported here; paths go in, paths come out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path

# The two projects, whose tasks import from them by these names.
PROJECTS = ("lm_eval", "lmms_eval")

# Folders that installers put packages into.
_INSTALLED = frozenset({"site-packages", "dist-packages"})

_given: list[Path] = []
_task_folders: set[Path] = set()


def add_tree(root: Path) -> None:
    """Let ``lm_eval.tasks`` and ``lmms_eval.tasks`` mean a folder, where no other fits.

    Args:
        root: A folder of task folders, such as one given by ``--include-path``.
    """
    if root not in _given:
        _given.append(root)


def add_task_folder(folder: Path) -> None:
    """Note a folder that holds a task file: what lies below it may import from it."""
    _task_folders.add(folder)


def is_tree(folder: Path) -> bool:
    """Tell whether a folder is the ``tasks`` folder of one of the two projects."""
    return folder.name == "tasks" and folder.parent.name in PROJECTS


def is_project_folder(folder: Path) -> bool:
    """Tell whether a folder is one of the two projects, or belongs to its tasks."""
    if folder.name in PROJECTS and (folder / "tasks").is_dir():
        return True
    return any(map(is_tree, (folder, *folder.parents)))


def is_foreign(file: Path) -> bool:
    """Tell whether a file is somebody else's: in such a tree, or installed."""
    return not _INSTALLED.isdisjoint(file.parts) or any(map(is_tree, file.parents))


def tree_of(project: str, names: Sequence[str], file: Path) -> Path | None:
    """Find the tree that ``lm_eval.tasks`` means to a file that says so.

    It is the ``tasks`` folder of that project around the file; else the nearest
    folder around it in which the names lead to something; else a folder given by
    ``add_tree`` in which they do.

    Args:
        project: ``lm_eval`` or ``lmms_eval``.
        names: What follows ``tasks`` in the name of the module.
        file: The file that imports.
    """
    for folder in file.parents:
        if is_tree(folder) and folder.parent.name == project:
            return folder if holds(folder, names) else None
    around: Iterable[Path] = file.parents if names else ()
    return next((at for at in (*around, *_given) if holds(at, names)), None)


def given_tree(names: Sequence[str]) -> Path | None:
    """Find the first given tree in which the names lead to something."""
    return next((root for root in _given if holds(root, names)), None)


def holds(folder: Path, names: Sequence[str]) -> bool:
    """Tell whether names, one below the other, lead from a folder to a module."""
    path = str(folder.joinpath(*names))
    return os.path.isfile(f"{path}.py") or os.path.isdir(path)  # noqa: PTH112, PTH113 (a third of the time)


def sibling_folder(
    names: Sequence[str], file: Path, added: tuple[list[str], list[str]]
) -> Path | None:
    """Find the folder from which a module of a task folder imports another one.

    What is part of Python, or installed, is never looked for.

    Args:
        names: The parts of the module's name.
        file: The file that imports.
        added: Folders that were added to the path to be searched before all others,
            and after all others.
    """
    top = names[0]
    if top in sys.stdlib_module_names or top == __package__.partition(".")[0]:
        return None
    first, last = added
    folders = (*map(Path, first), *_around(file), *map(Path, last))
    for folder in dict.fromkeys(folders):
        if _has_module(folder, names, file):
            return None if is_installed(top) else folder
    return None


def is_installed(name: str) -> bool:
    """Tell whether a top-level module is part of Python or was installed."""
    if name in sys.stdlib_module_names:
        return True
    try:
        spec = PathFinder.find_spec(name)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    # Only what lies right in such a folder: task trees may be installed too.
    places = map(Path, spec.submodule_search_locations or (spec.origin or "",))
    return any(place.parent.name in _INSTALLED for place in places)


def _around(file: Path) -> Iterator[Path]:
    """List the file's folder, then those around it that belong to its tasks."""
    yield file.parent
    tree = next((folder for folder in file.parents if is_tree(folder)), None)
    for folder in file.parents[1:]:
        if folder in _task_folders or (tree and folder.is_relative_to(tree)):
            yield folder


def _has_module(folder: Path, names: Sequence[str], importer: Path) -> bool:
    """Tell whether a folder holds a module by that name, other than the importer."""
    path = folder.joinpath(*names)
    source = path.with_name(f"{path.name}.py")
    if source.is_file():
        return source != importer
    if len(names) > 1:
        return path.is_dir()
    # A folder of data must not stand for a package that is missing.
    return (path / "__init__.py").is_file()
