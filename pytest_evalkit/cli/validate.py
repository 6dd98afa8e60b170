"""``evalkit validate``: which tasks load, without their data, and why others do not."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_evalkit.cli.loader import Loaded
from pytest_evalkit.cli.validation import Validation, validate

EXIT_FAILED = 1
"""Exit status where a task or a group is wrong."""


def report(paths: Sequence[Path]) -> int:
    """Load every task below some paths, and print what became of them.

    Args:
        paths: Task files, group files, and folders of them.

    Returns:
        The exit status: 0 where all load, but for packages that are not installed and
        credentials that are not set; else 1.

    Raises:
        OptionError: A path does not exist, or there is no task below any.
    """
    validation = validate(paths)
    for line in _lines(validation):
        sys.stdout.write(f"{line}\n")
    return EXIT_FAILED if validation.failed or validation.broken_groups else 0


def _lines(validation: Validation) -> Iterator[str]:
    yield from map(_line, validation.failed)
    yield from validation.broken_groups
    for task in validation.lacking:
        yield f"{_line(task)} (missing package: {task.package})"
    yield from map(_line, validation.unauthorized)
    yield from (f"warning: {text}" for text in validation.warnings)
    total, loaded = len(validation.tasks), validation.loaded
    yield f"loaded {loaded} of {total} tasks{_percent(loaded, total)}"
    equipped = total - len(validation.lacking) - len(validation.unauthorized)
    if 0 < equipped < total:
        share = f"{loaded / equipped:.2%}"
        yield f"  {loaded} of the {equipped} that lack nothing ({share})"
    if validation.failed:
        yield f"  {len(validation.failed)} are wrong"
    if validation.packages:
        named = _counts(validation.packages)
        yield f"  {len(validation.lacking)} lack a package: {named}"
    if validation.credentials:
        named = _counts(validation.credentials)
        yield f"  {len(validation.unauthorized)} want a credential: {named}"
    if validation.stand_ins:
        named = ", ".join(validation.stand_ins)
        yield f"  a stand-in did for credentials that are not set: {named}"
    yield from _families(validation)
    if validation.groups:
        sound = validation.groups - len(validation.broken_groups)
        yield f"resolved {sound} of {validation.groups} groups"


def _line(task: Loaded) -> str:
    """Say what is wrong with a task, and which it is where another file is at fault."""
    problem = str(task.problem)
    is_own = problem.startswith(f"{task.path}:")
    return problem if is_own else f"{task.path}: {problem}"


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in found.most_common())


def _families(validation: Validation) -> Iterator[str]:
    shares = validation.shares()
    if len(shares) > 1:
        whole = sum(share == 1 for share in shares.values())
        mean = sum(shares.values()) / len(shares)
        yield (
            f"folders: {whole} of {len(shares)} load wholly; "
            f"{mean:.1%} of a folder's tasks on average"
        )
        for family, (loaded, total) in sorted(validation.by_family().items()):
            if loaded < total:
                yield f"  {family}: {loaded} of {total}"


def _percent(part: int, whole: int) -> str:
    return f" ({part / whole:.1%})" if whole else ""
