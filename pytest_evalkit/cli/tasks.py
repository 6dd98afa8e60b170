"""``evalkit tasks``: which tasks, groups and tags there are."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pytest_evalkit.codec import encode_pretty
from pytest_evalkit.errors import OptionError
from pytest_evalkit.tasks import Catalogue, Entry, sizes_of
from pytest_evalkit.tasks.packaged import packaged_benchmarks

_HEADINGS = (
    *("name", "kind", "data set", "output type", "modality", "documents", "tags"),
)


def list_tasks(pattern: str, include_paths: Sequence[Path], *, as_json: bool) -> int:
    """Print the tasks and groups whose name or tag matches.

    Args:
        pattern: A name, a tag, or a glob over both.
        include_paths: Folders to look in besides the packaged benchmarks.
        as_json: Whether to print JSON in place of a table.

    Returns:
        The exit status, 0.

    Raises:
        OptionError: A folder does not exist, or nothing matches.
    """
    for path in include_paths:
        if not path.is_dir():
            raise OptionError(f"{path} is not a folder")
    entries = Catalogue.of([packaged_benchmarks(), *include_paths]).entries
    names = dict.fromkeys(entries.matching(pattern))
    if not names:
        raise OptionError(f"no task matches {pattern!r}; {entries.nearest(pattern)}")
    found = [entries.by_name[name] for name in names]
    sys.stdout.write(_json(found) if as_json else _table(found))
    return 0


def _json(entries: Sequence[Entry]) -> str:
    rows = [
        {
            "name": entry.name,
            "kind": entry.kind,
            "path": str(entry.path),
            "dataset_path": entry.dataset_path,
            "dataset_name": entry.dataset_name,
            "output_type": _output_type(entry),
            "modalities": entry.modalities,
            "documents": sizes.documents,
            "sample": sizes.sample,
            "tags": entry.tags,
            "members": entry.members,
        }
        for entry, sizes in zip(entries, map(sizes_of, entries), strict=True)
    ]
    return encode_pretty(rows).decode()


def _table(entries: Iterable[Entry]) -> str:
    rows = [_HEADINGS, *map(_row, entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(entry: Entry) -> tuple[str, ...]:
    if entry.kind == "group":
        count = len(entry.members)
        dataset = f"{count} member{'' if count == 1 else 's'}"
    else:
        parts = (entry.dataset_path, entry.dataset_name)
        dataset = " ".join(part for part in parts if part)
    return (
        entry.name,
        entry.kind,
        dataset,
        _output_type(entry) or "",
        ", ".join(entry.modalities),
        _documents(entry),
        ", ".join(entry.tags),
    )


def _documents(entry: Entry) -> str:
    """Tell how many documents a task has, or else its sample."""
    sizes = sizes_of(entry)
    if sizes.documents is not None:
        return str(sizes.documents)
    return "" if sizes.sample is None else f"sample of {sizes.sample}"


def _output_type(entry: Entry) -> str | None:
    """Tell what a task asks for; one that does not say generates text."""
    default = "generate_until" if entry.kind == "task" else None
    return entry.output_type or default
