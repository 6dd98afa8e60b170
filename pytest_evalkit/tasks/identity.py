"""By what a task is known again: all that can change a prompt or a score."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pytest_evalkit import compat
from pytest_evalkit.models.masking import masked
from pytest_evalkit.scoring import ReasoningTags
from pytest_evalkit.tasks.code_files import with_imported
from pytest_evalkit.tasks.settings import TaskSettings
from pytest_evalkit.tasks.task import Task

# Keys that change neither what is asked nor what it scores.
_OUTWARD = frozenset({"gate", "tag", "group", "group_alias", "task_alias", "needs"})
_CODE = "its Python"
_HASH_DIGITS = 12


def task_identity(
    task: Task, settings: TaskSettings, tags: ReasoningTags
) -> dict[str, Any]:
    """Tell all of a task that can change a prompt or a score, by names users know.

    Args:
        task: The task as it is run.
        settings: What the command line says about every task.
        tags: Pairs around thought that is taken out of its answers.

    Returns:
        JSON values: the keys of the merged file, the options that no key shows, and a
        hash of the code.
    """
    identity = {
        key: value for key, value in masked(task.config).items() if key not in _OUTWARD
    }
    identity["--seed"] = settings.fewshot_seed
    identity["--system-instruction"] = settings.system_instruction
    identity["--fewshot-as-multiturn"] = settings.fewshot_as_multiturn
    identity["reasoning tags"] = list(tags)
    identity[_CODE] = _code_hash(task)
    return identity


def _code_hash(task: Task) -> str:
    """Hash the files behind the task's functions, and those that these import.

    The same code in another folder has the same hash.
    """
    python = task.recipe.python
    code = list(_functions(task.recipe.values.values()))
    if python is not None:
        code.append(type(python.instance))
    files = with_imported(_files(code))
    if not files:
        return "none"
    hashes = sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:_HASH_DIGITS]


def _files(code: Iterable[Any]) -> Iterator[Path]:
    """Find the files of task folders that functions and classes come from."""
    for value in code:
        name = getattr(value, "__module__", None) or ""
        if compat.is_task_module(name):
            yield Path(str(sys.modules[name].__file__))


def _functions(values: Iterable[Any]) -> Iterator[Any]:
    """Find what is callable in values, however deep."""
    for value in values:
        if isinstance(value, partial):
            yield value.func
        elif callable(value):
            yield value
        elif isinstance(value, Mapping):
            yield from _functions(value.values())
        elif isinstance(value, list | tuple):
            yield from _functions(value)
