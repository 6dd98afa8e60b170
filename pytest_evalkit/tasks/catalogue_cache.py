"""The index of a folder, kept between runs.

There is one file for each folder, in the user's cache. It is never needed: one that is
absent, damaged or cannot be written costs the time to read the folder anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pytest_evalkit.codec import CodecError, decode_as, encode

# Part of each file; another number makes older files count as absent.
_VERSION = 3

_ABSENT = (-1, -1)
Stamp = tuple[int, int]
"""When a file was changed, in nanoseconds, and its size; -1 and -1 for none."""


class Definition(NamedTuple):
    """What a file defines; the fields are those of ``catalogue.Entry``."""

    name: str
    kind: str
    tags: tuple[str, ...]
    output_type: str | None
    dataset_path: str | None
    dataset_name: str | None
    members: tuple[str, ...]
    modalities: tuple[str, ...]
    documents: int | None


class Record(NamedTuple):
    """A file of the folder.

    Attributes:
        path: Its path from the folder.
        stamp: Its state when it was read.
        includes: Positions of the files that it includes among ``Index.included``.
        definition: What it defines, or None.
    """

    path: str
    stamp: Stamp
    includes: tuple[int, ...]
    definition: Definition | None


class Index(NamedTuple):
    """What a folder defines.

    Attributes:
        version: Form of the index.
        folder: The folder.
        included: Files that its files include, and their state.
        records: Its files, by path.
    """

    version: int
    folder: str
    included: tuple[tuple[str, Stamp], ...]
    records: tuple[Record, ...]

    @classmethod
    def of(
        cls, folder: str, included: Mapping[str, Stamp], records: Iterable[Record]
    ) -> Index:
        """Make an index of the form that this version writes."""
        return cls(_VERSION, folder, tuple(included.items()), tuple(records))


def stamp(path: str) -> Stamp:
    """Read the state of a file."""
    try:
        status = os.stat(path)  # noqa: PTH116 (a path object for each of thousands of files is dear)
    except OSError:
        return _ABSENT
    return status.st_mtime_ns, status.st_size


def load_index(folder: str) -> Index:
    """Read what an earlier run knew of a folder; an empty index where none did."""
    empty = Index.of(folder, {}, ())
    file = _file(folder)
    if file is None:
        return empty
    try:
        index = decode_as(file.read_bytes(), Index)
    except (OSError, CodecError):
        # Absent or damaged, which is the same: it will be written anew.
        return empty
    is_usable = index.version == _VERSION and index.folder == folder
    known = range(len(index.included))
    is_sound = all(
        position in known for record in index.records for position in record.includes
    )
    return index if is_usable and is_sound else empty


def save_index(index: Index) -> None:
    """Keep an index for later runs, in one step, so that no reader sees half of it."""
    file = _file(index.folder)
    if file is None:
        return
    # Without a place to write to, later runs read the folder again and no more.
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(encode(index))
            Path(name).replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)


def _file(folder: str) -> Path | None:
    """Name the file of a folder; None where the user has no place for caches."""
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:24]
    root = _cache_folder()
    return root and root / "pytest-evalkit" / "catalogue" / f"{digest}.json"


def _cache_folder() -> Path | None:
    given = os.environ.get("XDG_CACHE_HOME")
    if given and Path(given).is_absolute():
        return Path(given)
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local)
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        return None
