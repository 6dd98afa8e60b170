"""What a backend's answers depend on: its settings without places, and its checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import encode_canonical
from pytest_evalkit.errors import ModelUnavailableError
from pytest_evalkit.models.connection import Connection
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.models.parameters import settings_of
from pytest_evalkit.models.token_counting import Counting
from pytest_evalkit.models.tool_settings import ToolSettings

# Files up to this size are hashed whole. Weights are larger, and take as long to hash
# as to load.
_HASHED_BYTES = 32 << 20
_WITHOUT_PART = frozenset(
    {
        # Where the model is, how fast it is asked, in which pieces it answers, and who
        # counts what it cost; and its tools, which stand in the requests.
        *(
            one.name
            for group in (Connection, Counting, Pacing, ToolSettings)
            for one in fields(group)
        ),
        *("base_url", "stream", "batch_size", "max_batch_size", "startup_timeout"),
    }
)


def deciding_settings(backend: Any, *without: str) -> dict[str, Any]:
    """List the settings of a backend that have a part in what is answered.

    Args:
        backend: A data class, its groups laid flat.
        without: Further settings that have none.
    """
    left_out = _WITHOUT_PART.union(without)
    settings = settings_of(backend)
    return {name: value for name, value in settings.items() if name not in left_out}


def checkpoint_facts(place: str, revision: str | None, marker: str) -> dict[str, Any]:
    """Identify a checkpoint that was loaded on this machine.

    Args:
        place: A folder, or a name on the Hugging Face hub.
        revision: Which state of it on the hub; None for the newest.
        marker: A file that every such checkpoint has.

    Returns:
        ``sha256`` of a folder's content; of a name on the hub the name and the commit,
        which is None where the cache of the hub does not know it.

    Raises:
        ModelUnavailableError: The folder cannot be read.
    """
    folder = Path(place).expanduser()
    if folder.is_dir():
        return {"sha256": folder_hash(folder)}
    return {"name": place, "commit": _cached_commit(place, revision, marker)}


def folder_hash(folder: Path) -> str:
    """Hash the files of a folder, but not its name or place.

    Small files count by their content. Large ones, which are weights, count by size and
    time of change: a copy is the same as long as the copying kept the times.

    Raises:
        ModelUnavailableError: A file cannot be read.
    """
    try:
        listed = [_file_facts(path) for path in _files(folder)]
    except OSError as error:
        raise ModelUnavailableError(
            f"cannot read {error.filename}: {error.strerror}"
        ) from error
    return hashlib.sha256(encode_canonical(listed)).hexdigest()


def _files(folder: Path) -> Iterable[Path]:
    found = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in found if path.is_file())


def _file_facts(path: Path) -> list[Any]:
    state = path.stat()
    if state.st_size > _HASHED_BYTES:
        return [path.name, state.st_size, state.st_mtime_ns]
    with path.open("rb") as file:
        return [path.name, hashlib.file_digest(file, "sha256").hexdigest()]


def _cached_commit(name: str, revision: str | None, marker: str) -> str | None:
    """Read from the cache of the hub which commit a revision stands for."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, marker, revision=revision)
    # .../snapshots/<commit>/<marker>
    return Path(found).parent.name if isinstance(found, str) else None


def content_of(setting: str | None) -> Any:
    """Give what a setting stands for: the hash of the file or folder that it names.

    A setting that names neither, such as a template or a name on the hub, stands for
    itself.

    Raises:
        ModelUnavailableError: The folder cannot be read.
    """
    if setting is None or "\n" in setting:
        return setting
    path = Path(setting).expanduser()
    try:
        if path.is_file():
            return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        return {"sha256": folder_hash(path)} if path.is_dir() else setting
    except (OSError, ValueError):
        # Too long for a name, or with a character that none has.
        return setting
