"""Which Python files a task's functions come from, with those that they import.

Read from the source, not from what happens to be imported: the answer is the same in
every process.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

# Under these names the two projects' tasks import each other.
_PROJECTS = (("lm_eval", "tasks"), ("lmms_eval", "tasks"))


def with_imported(files: Iterable[Path]) -> set[Path]:
    """Find files and, however far, the files of task folders that they import.

    What is installed is left out.

    Args:
        files: Modules of task folders.
    """
    found: set[Path] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting.extend(_imported(file))
    return found


def _imported(file: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield from _beside(file.parent, name.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            folder = file.parents[max(0, node.level - 1)]
            parts = node.module.split(".") if node.module else []
            yield from _beside(folder, parts)
            for name in node.names:
                yield from _beside(folder, [*parts, name.name])


def _beside(folder: Path, parts: list[str]) -> Iterator[Path]:
    """Find the file of a module: in the folder, or in the task tree around it."""
    folders: Iterable[Path] = (folder,)
    if tuple(parts[:2]) in _PROJECTS:
        parts, folders = parts[2:], (folder, *folder.parents)
    for root in folders if parts else ():
        place = root.joinpath(*parts)
        for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if file.is_file():
                yield file
                return
