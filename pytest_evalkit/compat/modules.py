"""Python modules of task folders: one of each per file, however it is named.

A file is imported under a name made of its path, so that no ``utils`` meets another.
In such a module, ``import`` looks for siblings, and ``lm_eval.tasks`` means the tree
that the file is in. Neither leaves a trace in ``sys.modules`` under its short name.
"""

from __future__ import annotations

import builtins
import importlib
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, resolve_name, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_evalkit.compat.isolation import added_to_path, undisturbed
from pytest_evalkit.compat.trees import (
    PROJECTS,
    add_task_folder,
    holds,
    is_foreign,
    is_tree,
    sibling_folder,
    tree_of,
)

# Modules of task folders live under this name.
ROOT = "_evalkit_tasks"

# By folder: what its modules added to the search path while they were imported.
_added: dict[Path, tuple[list[str], list[str]]] = {}
_executed: set[str] = set()
# By name: what makes a module that only modules of task folders find.
_provided: dict[str, Callable[[], ModuleType]] = {}


def import_from(folder: Path, name: str) -> ModuleType | None:
    """Import a module as a task file names it.

    Args:
        folder: The absolute path of the folder in which the task file lies.
        name: A module beside the file, ``a.b`` for ``a/b.py``, or one of
            ``lm_eval.tasks`` or ``lmms_eval.tasks``.

    Returns:
        The module, or None where there is none by that name.
    """
    names = name.split(".")
    add_task_folder(folder)
    if holds(folder, names):
        return _load(f"{package_of(folder)}.{name}", ())
    project, _, rest = name.partition(".tasks.")
    if project in PROJECTS and rest:
        # Any file in the folder would do to start from.
        tree = tree_of(project, rest.split("."), folder / "__init__.py")
        if tree is not None:
            return _load(f"{package_of(tree)}.{rest}", ())
    return None


def provide(name: str, make: Callable[[], ModuleType]) -> None:
    """Let modules of task folders, and no others, find a module.

    Args:
        name: A top-level module; where one by that name is installed, that is found.
        make: Makes it; called once for each import.
    """
    _provided[name] = make


def package_of(folder: Path) -> str:
    """Name the package that stands for a folder, and its parents; make them exist."""
    _install()
    name = ROOT
    parent = _package(name, None)
    for position, part in enumerate(folder.parts, start=1):
        # A dot would end the name of the package.
        tail = part.replace("%", "%25").replace(".", "%2E")
        name = f"{name}.{tail}"
        package = _package(name, Path(*folder.parts[:position]))
        vars(parent).setdefault(tail, package)
        parent = package
    return name


def alias(name: str, task_module: str) -> ModuleSpec:
    """Make the spec that gives a module of a task folder a second name.

    Args:
        name: The second name.
        task_module: The name that it has already, or will have.
    """
    return ModuleSpec(name, _Alias(task_module))


def is_task_module(name: str) -> bool:
    """Tell whether a module's name is that of a module of a task folder."""
    return name.startswith(f"{ROOT}.")


def is_task_code(file: str) -> bool:
    """Tell whether a file was executed as a module of a task folder."""
    return file in _executed


def readable(message: str) -> str:
    """Write paths in place of the names that modules of task folders have."""

    def path(match: re.Match[str]) -> str:
        parts = match.group(1).split(".")
        decoded = (part.replace("%2E", ".").replace("%25", "%") for part in parts)
        return os.path.join(*decoded)  # noqa: PTH118 (a text)

    return re.sub(rf"{ROOT}\.([^\s'\":,]+)", path, message)


class Folder(ModuleType):
    """A folder as a package; its ``__init__.py`` runs once somebody asks for more.

    What stands above a task is not executed for the sake of the task.
    """

    def __init__(self, name: str, path: Path | None) -> None:
        super().__init__(name)
        self.__path__ = [] if path is None else [str(path)]
        self.__spec__ = ModuleSpec(name, None, is_package=True)
        self.__package__ = name
        self._path = path

    def start(self, wanted: Sequence[str]) -> None:
        """Run ``__init__.py``, unless all that is wanted are modules in the folder.

        Args:
            wanted: What is imported from the package; empty for the package itself.
        """
        if self._path is None or "__file__" in vars(self) or is_tree(self._path):
            return
        if wanted and all(holds(self._path, [name]) for name in wanted):
            return
        file = self._path / "__init__.py"
        if not file.is_file():
            return
        self.__file__ = str(file)
        try:
            _Loader(self.__name__, str(file)).exec_module(self)
        except BaseException:
            # Whoever asks next shall hear of it too.
            del self.__file__
            raise


class _Loader(SourceFileLoader):
    """Executes a file with an ``import`` that knows the file's surroundings."""

    def exec_module(self, module: ModuleType) -> None:
        file = Path(self.path)
        _executed.add(self.path)
        own = dict(vars(builtins))
        own["__import__"] = _import
        vars(module)["__builtins__"] = own
        with undisturbed(is_foreign=is_foreign(file)):
            try:
                super().exec_module(module)
            finally:
                self._remember_path(file.parent)

    @staticmethod
    def _remember_path(folder: Path) -> None:
        first, last = added_to_path()
        known_first, known_last = _added.get(folder, ([], []))
        if first or last:
            _added[folder] = (
                list(dict.fromkeys((*first, *known_first))),
                list(dict.fromkeys((*known_last, *last))),
            )


class _Alias(Loader):
    """Gives a module of a task folder a second name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        del spec
        module = importlib.import_module(self._name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import put its own in place, and the module was executed before.
        module.__spec__ = self._spec


class _Finder(MetaPathFinder):
    """Finds the modules and packages of task folders, and nothing else."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        del target
        package, _, tail = fullname.rpartition(".")
        if not is_task_module(fullname):
            parent = sys.modules.get(package)
            if not isinstance(parent, Folder):
                return None
            # The folder has a second name, so what is in it has one too.
            return alias(fullname, f"{parent.__name__}.{tail}")
        if not path:
            return None
        tail = tail.replace("%2E", ".").replace("%25", "%")
        at = Path(path[0], tail)
        source = at.with_name(f"{tail}.py")
        if (at / "__init__.py").is_file() or (at.is_dir() and not source.is_file()):
            return ModuleSpec(fullname, _FolderLoader(at), is_package=True)
        if not source.is_file():
            return None
        loader = _Loader(fullname, str(source))
        return spec_from_file_location(fullname, source, loader=loader)


class _FolderLoader(Loader):
    """Makes the package of a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Folder(spec.name, self._path)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the file runs when it is needed."""


_FINDER = _Finder()


def _install() -> None:
    if _FINDER not in sys.meta_path:
        # In front, since no other finder knows what these names mean.
        sys.meta_path.insert(0, _FINDER)


def _package(name: str, path: Path | None) -> ModuleType:
    if name not in sys.modules:
        sys.modules[name] = Folder(name, path)
    return sys.modules[name]


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,  # noqa: A002 (the signature of Python)
    locals: Mapping[str, Any] | None = None,  # noqa: A002 (the same)
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """Import as Python does, but for siblings and for the tree of the file."""
    own, wanted = globals or {}, fromlist or ()
    if level:
        _load(resolve_name(f"{'.' * level}{name}", own["__package__"]), wanted)
    elif file := own.get("__file__"):
        names = name.split(".")
        found = (
            _in_tree(names, Path(file), wanted)
            or _beside(names, Path(file), wanted)
            or _for_tasks(name)
        )
        if found is not None:
            return found
    return builtins.__import__(name, globals, locals, wanted, level)


def _in_tree(
    names: Sequence[str], file: Path, wanted: Sequence[str]
) -> ModuleType | None:
    """Import from ``lm_eval.tasks``; return what the statement binds, or None."""
    project, below = names[0], names[2:]
    if project not in PROJECTS or names[1:2] != ["tasks"]:
        return None
    tree = tree_of(project, below, file)
    if tree is None:
        return None
    if not below and not all(holds(tree, [name]) for name in wanted):
        # A name of the package itself, which is not in the tree's files.
        return None
    package = package_of(tree)
    module = _load(".".join((package, *below)), wanted)
    return module if wanted else _project(project, sys.modules[package])


def _project(name: str, tasks: ModuleType) -> ModuleType:
    """Make what ``import lm_eval.tasks.a`` binds: the project, with the file's tree."""
    project = ModuleType(name)
    vars(project)["tasks"] = tasks
    vars(project)["__getattr__"] = lambda wanted: getattr(
        importlib.import_module(name), wanted
    )
    return project


def _beside(
    names: Sequence[str], file: Path, wanted: Sequence[str]
) -> ModuleType | None:
    """Import a sibling; return what the statement binds, or None."""
    first, last = added_to_path()
    known_first, known_last = _added.get(file.parent, ([], []))
    folder = sibling_folder(names, file, (first + known_first, last + known_last))
    if folder is None:
        return None
    package = package_of(folder)
    module = _load(".".join((package, *names)), wanted)
    return module if wanted else sys.modules[f"{package}.{names[0]}"]


def _for_tasks(name: str) -> ModuleType | None:
    make = _provided.get(name)
    return make() if make is not None and find_spec(name) is None else None


def _load(name: str, wanted: Sequence[str]) -> ModuleType:
    """Import a module, and what is wanted of it where that is a module too."""
    module = importlib.import_module(name)
    if isinstance(module, Folder):
        module.start(wanted)
    if wanted:
        return builtins.__import__(name, fromlist=wanted)
    return module
