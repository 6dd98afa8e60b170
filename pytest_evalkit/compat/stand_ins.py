"""Modules in place of ``lm_eval``, ``lmms_eval`` and ``loguru`` that are not installed.

They have what tasks import from them. Whatever else is asked for is an error that
says what to install.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_evalkit.compat.modules import alias, package_of, provide
from pytest_evalkit.compat.trees import PROJECTS, add_tree, given_tree


def install(task_root: Path | None = None) -> None:
    """Let tasks import from the two projects where these are not installed.

    The finder stands last, so that nothing which can be found is ever replaced. A
    stand-in for ``loguru`` is seen by modules of tasks alone: other code asks whether
    it is installed, and uses more of it.

    Args:
        task_root: A folder of task folders, which ``lm_eval.tasks`` means to files
            that are in no tree of their own; None to name none.
    """
    if task_root is not None:
        add_tree(task_root)
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)
        provide("loguru", _loguru)


def is_stand_in(package: str) -> bool:
    """Tell whether a package was imported and is one of ours."""
    return isinstance(sys.modules.get(package), StandIn)


class StandIn(ModuleType):
    """A module that stands in for another.

    Attributes:
        names: What it has.
    """

    def __init__(self, name: str, names: Mapping[str, Any]) -> None:
        super().__init__(name)
        vars(self).update(names)
        self._names = tuple(names)

    def __getattr__(self, name: str) -> Any:
        """Say what is missing, and what to install.

        Raises:
            AttributeError: It is a module, or a name of Python's own.
            ImportError: Nothing by that name is there.
        """
        full_name = f"{self.__name__}.{name}"
        if name.startswith("__") or full_name in _surface() or name == "tasks":
            raise AttributeError(f"module {self.__name__!r} has no {name!r}")
        raise _missing(self.__name__, name)


class _Finder(MetaPathFinder, Loader):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find a stand-in, or a module of a given tree.

        Raises:
            ModuleNotFoundError: There is no such module in a package we stand in for.
        """
        del path, target
        package, _, rest = fullname.partition(".")
        if package not in PROJECTS:
            return None
        if getattr(sys.modules.get(package), "__file__", None):
            # The package is there, and has no such module.
            return None
        if fullname in _surface() or rest == "tasks":
            return ModuleSpec(fullname, self, is_package=True)
        names = rest.split(".")[1:]
        if rest.startswith("tasks.") and (tree := given_tree(names)) is not None:
            return alias(fullname, ".".join((package_of(tree), *names)))
        raise _missing(fullname)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandIn(spec.name, _surface().get(spec.name, {}))

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module is complete."""


_FINDER = _Finder()


@cache
def _loguru() -> ModuleType:
    return StandIn("loguru", _surface()["loguru"])


def _surface() -> Mapping[str, Mapping[str, Any]]:
    # Only now, since most runs need none of it.
    from pytest_evalkit.compat.surface import SURFACE

    return SURFACE


def _missing(module: str, name: str = "") -> ImportError:
    """Make the error for a module, or for a name in one, that is not there."""
    from pytest_evalkit.compat.surface import DISTRIBUTIONS

    package = module.partition(".")[0]
    wanted = f"{module}.{name}" if name else module
    message = (
        f"{wanted} is not among what stands in for {package}; "
        f"pip install {DISTRIBUTIONS[package]} to have all of it"
    )
    if name:
        return ImportError(message, name=package)
    return ModuleNotFoundError(message, name=module)
