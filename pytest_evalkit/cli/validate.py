"""``evalkit validate``: which tasks load, without their data, and why others do not."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_evalkit.cli.validation import Validation, validate

EXIT_FAILED = 1
"""Exit status where a task or a group is wrong."""


def report(paths: Sequence[Path]) -> int:
    """Load every task below some paths, and print what became of them.

    Args:
        paths: Task files, group files, and folders of them.

    Returns:
        The exit status: 0 where all load, packages that are not installed aside;
        else 1.

    Raises:
        OptionError: A path does not exist, or there is no task below any.
    """
    validation = validate(paths)
    for line in _lines(validation):
        sys.stdout.write(f"{line}\n")
    return EXIT_FAILED if validation.failed or validation.broken_groups else 0


def _lines(validation: Validation) -> Iterator[str]:
    yield from (str(task.problem) for task in validation.failed)
    yield from validation.broken_groups
    for task in validation.lacking:
        yield f"{task.problem} (missing package: {task.package})"
    yield from (f"warning: {text}" for text in validation.warnings)
    total, loaded = len(validation.tasks), validation.loaded
    yield f"loaded {loaded} of {total} tasks{_percent(loaded, total)}"
    if validation.failed:
        yield f"  {len(validation.failed)} are wrong"
    if validation.packages:
        named = ", ".join(
            f"{name} ({count})" for name, count in validation.packages.most_common()
        )
        yield f"  {len(validation.lacking)} lack a package: {named}"
    yield from _families(validation)
    if validation.groups:
        sound = validation.groups - len(validation.broken_groups)
        yield f"resolved {sound} of {validation.groups} groups"


def _families(validation: Validation) -> Iterator[str]:
    shares = validation.shares()
    if len(shares) > 1:
        whole = sum(share == 1 for share in shares.values())
        mean = sum(shares.values()) / len(shares)
        yield (
            f"folders: {whole} of {len(shares)} load wholly; "
            f"{mean:.1%} of a folder's tasks on average"
        )


def _percent(part: int, whole: int) -> str:
    return f" ({part / whole:.1%})" if whole else ""
