"""Find the films of MINERVA: in a folder, in a Lance table, or at their address."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

_FOLDER, _TABLE = "MINERVA_VIDEO_DIR", "MINERVA_LANCE_VIDEO_URI"
_SUFFIXES = ("mp4", "webm", "mkv", "mov")
_PIECE = 1 << 22


def video(doc: Mapping[str, Any]) -> list[dict[str, str]]:
    """Give the film of a document, as a list of one.

    It is looked for in the sample, in the folder ``MINERVA_VIDEO_DIR``, and in the Lance
    table ``MINERVA_LANCE_VIDEO_URI``. Where neither variable is set, it is the address,
    for an endpoint that fetches films itself.

    Raises:
        FileNotFoundError: A folder or a table is named, and lacks the film.
        ImportError: A table is named, and the package that reads it is not installed.
    """
    name = str(doc["video_id"])
    folder, table = os.environ.get(_FOLDER), os.environ.get(_TABLE)
    path = _in_folder(Path(__file__).resolve().parent / "sample" / "videos", name)
    if path is None and folder:
        path = _in_folder(Path(folder).expanduser(), name)
    if path is None and table:
        path = _from_table(table, name)
    if path is not None:
        return [{"type": "video", "path": str(path)}]
    if folder or table:
        places = " and ".join(place for place in (folder, table) if place)
        raise FileNotFoundError(f"no film {name!r} in {places}")
    return [{"type": "video", "url": f"https://www.youtube.com/watch?v={name}"}]


def _in_folder(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{name}.{suffix}" for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _from_table(uri: str, name: str) -> Path | None:
    """Copy a film out of a table, unless that was done before."""
    folder = _copies() / sha256(uri.encode()).hexdigest()[:16]
    copied = _in_folder(folder, name)
    if copied is not None:
        return copied
    rows = _rows(uri, os.environ.get("MINERVA_LANCE_VIDEO_ID_COLUMN", "video_id"))
    if name not in rows:
        return None
    row, suffix = rows[name]
    column = os.environ.get("MINERVA_LANCE_VIDEO_BLOB_COLUMN", "video_blob")
    (blob,) = _table(uri).take_blobs(column, ids=[row])
    folder.mkdir(parents=True, exist_ok=True)
    # Under another name until it is whole: others may look for it meanwhile.
    with blob, tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        while piece := blob.read(_PIECE):
            file.write(piece)
    return Path(file.name).replace(folder / f"{name}.{suffix}")


def _copies() -> Path:
    own = os.environ.get("MINERVA_LANCE_CACHE_DIR")
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(own or f"{caches}/pytest-evalkit/minerva").expanduser()


@lru_cache(maxsize=4)
def _table(uri: str) -> Any:
    try:
        import lance
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{_TABLE} names a Lance table, and the package that reads it is not "
            'installed; pip install "pytest-evalkit[lance]"'
        ) from error
    return lance.dataset(uri)


@lru_cache(maxsize=4)
def _rows(uri: str, column: str) -> dict[str, tuple[int, str]]:
    """Tell by the name of each film its row, and how the name of its file ends."""
    table = _table(uri)
    has_suffix = "video_ext" in table.schema.names
    columns = [column, "video_ext"] if has_suffix else [column]
    rows = table.to_table(columns=columns, with_row_id=True).to_pylist()
    return {
        str(row[column]): (row["_rowid"], _suffix(row.get("video_ext"))) for row in rows
    }


def _suffix(told: str | None) -> str:
    suffix = (told or "").lstrip(".").lower()
    return suffix if suffix in _SUFFIXES else _SUFFIXES[0]
