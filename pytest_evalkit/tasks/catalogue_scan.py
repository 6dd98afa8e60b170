"""From a folder to what its files define, reading only those that changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pytest_evalkit.tasks.catalogue_cache import (
    Definition,
    Index,
    Record,
    Stamp,
    load_index,
    save_index,
    stamp,
)
from pytest_evalkit.tasks.outline import (
    Outlines,
    documents_of,
    kind_of,
    member_names,
    modalities_of,
    texts,
)

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules"})

# Below this many files, reading them all is as fast as any cache.
_WORTH_KEEPING = 200


class Found(NamedTuple):
    """A file that defines something.

    Attributes:
        path: Its path from the folder that was scanned, with slashes.
        definition: What it defines.
    """

    path: str
    definition: Definition


def scan(folder: str) -> list[Found]:
    """List what the files of a folder and those below it define, by path.

    Args:
        folder: An absolute path.
    """
    files = sorted(_yaml_files(folder, ""))
    old = load_index(folder) if len(files) >= _WORTH_KEEPING else None
    index = _updated(folder, files, old or Index.of(folder, {}, ()))
    if old is not None and index != old:
        save_index(index)
    return [
        Found(record.path, record.definition)
        for record in index.records
        if record.definition is not None
    ]


def scan_file(path: str) -> Definition | None:
    """Tell what one file defines, or None where it defines no task and no group."""
    return _definition(path, Outlines())[0]


def _yaml_files(folder: str, below: str) -> Iterator[tuple[str, Stamp]]:
    """List YAML files with their state; folders that cannot be read have none."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        name = entry.name
        if name.endswith(".yaml"):
            if entry.is_file():
                status = entry.stat()
                yield below + name, (status.st_mtime_ns, status.st_size)
        elif _is_searched(name) and entry.is_dir(follow_symlinks=False):
            yield from _yaml_files(entry.path, f"{below}{name}/")


def _is_searched(folder_name: str) -> bool:
    return folder_name[0] != "." and folder_name not in _SKIPPED_FOLDERS


def _updated(folder: str, files: list[tuple[str, Stamp]], old: Index) -> Index:
    fresh = [stamp(path) == known for path, known in old.included]
    known = {record.path: record for record in old.records}
    outlines = Outlines()
    included: dict[str, Stamp] = {}
    positions: dict[str, int] = {}

    def positions_of(paths: tuple[str, ...]) -> tuple[int, ...]:
        for path in paths:
            if path not in positions:
                positions[path] = len(positions)
                included[path] = stamp(path)
        return tuple(positions[path] for path in paths)

    def record_of(path: str, state: Stamp) -> Record:
        record = known.get(path)
        is_fresh = record is not None and record.stamp == state
        if record is not None and is_fresh and all(fresh[i] for i in record.includes):
            if not record.includes:
                return record
            paths = tuple(old.included[i][0] for i in record.includes)
            return record._replace(includes=positions_of(paths))
        absolute = os.path.join(folder, path)  # noqa: PTH118 (a path object for each of thousands of files is dear)
        definition, paths = _definition(absolute, outlines)
        return Record(path, state, positions_of(paths), definition)

    records = [record_of(path, state) for path, state in files]
    return Index.of(folder, included, records)


def _definition(
    path: str, outlines: Outlines
) -> tuple[Definition | None, tuple[str, ...]]:
    """Tell what a file defines, and which files it includes."""
    own, merged = outlines.own(path), outlines.merged(path)
    kind = kind_of(own, merged)
    if kind is None:
        return None, merged.files
    values = merged.values
    name = values["group" if kind == "group" else "task"]
    tags = texts(values.get("tag"))
    definition = Definition(
        name=name,
        kind=kind,
        tags=tags if kind == "group" else (*tags, *texts(values.get("group"))),
        output_type=_output_type(values),
        dataset_path=_text(values.get("dataset_path")),
        dataset_name=_text(values.get("dataset_name")),
        members=member_names(name, values["task"]) if kind == "group" else (),
        modalities=modalities_of(values) if kind == "task" else (),
        documents=documents_of(values),
    )
    return definition, merged.files


def _output_type(values: Mapping[str, Any]) -> str | None:
    if values.get("conversation") is not None:
        return "conversation"
    return _text(values.get("output_type"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
