"""From a location to documents; the one place that calls the library ``datasets``."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.tasks.dataset_kwargs import given_kwargs
from pytest_evalkit.tasks.documents import Documents, JsonLines, Rows
from pytest_evalkit.tasks.functions import guarded, load_functions
from pytest_evalkit.tasks.locations import (
    LocalFiles,
    Location,
    Made,
    Remote,
    SavedFolder,
)
from pytest_evalkit.tasks.media_folders import MediaFolders
from pytest_evalkit.tasks.source import Source
from pytest_evalkit.tasks.table import Table

_CONNECT_TIMEOUT_S = 5.0

_Stored = LocalFiles | SavedFolder | Remote


def read_documents(
    location: Location,
    source: Source,
    *,
    process_docs: Callable[[Any], Any] | None,
    is_decoding: bool,
    keep: Iterable[str] = (),
    allowed: MediaFolders | None = None,
) -> Documents:
    """Open the documents of a split.

    Args:
        location: Where they are.
        source: The task file, for messages.
        process_docs: The task's own function from data set to data set, or None.
        is_decoding: True where functions of the task look at images.
        keep: Columns that will be asked for as a whole.
        allowed: The folders that images may lie in; None where any may be read.

    Raises:
        DatasetError: They cannot be read; one line says why, and what to do.
    """
    files = location.files if isinstance(location, LocalFiles) else ()
    is_plain = isinstance(location, LocalFiles) and location.is_json_lines
    if is_plain and process_docs is None:
        return JsonLines(files, keep=keep)
    dataset = read_dataset(location, source)
    folder = files[0].parent if files else None
    if process_docs is not None:
        place = source.place("process_docs")
        dataset = guarded(process_docs, "process_docs", place)(dataset)
    if not hasattr(dataset, "features"):
        key = "custom_dataset" if process_docs is None else "process_docs"
        return _rows(dataset, source, key, folder)
    return Table(
        dataset,
        is_decoding=is_decoding,
        folder=folder,
        # What a function made of the files, only the library can tell apart.
        files=files if process_docs is None else (),
        allowed=allowed,
    )


def read_dataset(location: Location, source: Source) -> Any:
    """Open a split as the library ``datasets`` has it, or as a function made it.

    Args:
        location: Where it is.
        source: The task file, for messages.

    Raises:
        DatasetError: It cannot be read; one line says why, and what to do.
    """
    if isinstance(location, Made):
        return _made(location, source)
    return _loaded(location, source)


def _rows(value: Any, source: Source, key: str, folder: Path | None) -> Rows:
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if is_list and all(isinstance(row, Mapping) for row in value):
        return Rows(value, folder=folder)
    raise source.error(
        f"{key} returned {type(value).__name__}, but must return a data set or a list "
        "of mappings",
        key,
    )


def _made(location: Made, source: Source) -> Any:
    splits = _all_made(source)
    if location.split in splits:
        return splits[location.split]
    hint = suggestion(location.split, map(str, splits))
    message = f"custom_dataset returned no split {location.split!r}; {hint}"
    path, line = source.place("custom_dataset")
    raise DatasetError(message, path=path, line=line)


# The splits of a task are asked for one after the other, and made once.
@lru_cache(maxsize=1)
def _all_made(source: Source) -> Mapping[str, Any]:
    place = source.place("custom_dataset")
    make = load_functions(source.values["custom_dataset"])
    metadata = source.values.get("metadata")
    arguments = {
        **(metadata if isinstance(metadata, dict) else {}),
        **load_functions(dict(given_kwargs(source))),
    }
    called = guarded(partial(make, **arguments), "custom_dataset", place)
    splits = called()
    if isinstance(splits, Mapping):
        return splits
    raise source.error(
        f"custom_dataset returned {type(splits).__name__}, but must return a mapping "
        "from splits to data sets",
        "custom_dataset",
    )


def _loaded(location: _Stored, source: Source) -> Any:
    """Load with the library, and say what went wrong in one line."""
    import datasets

    datasets.disable_progress_bars()
    _forbid_code(datasets.config)
    path, line = source.place("dataset_path")
    try:
        if isinstance(location, LocalFiles):
            return _from_files(location)
        if isinstance(location, SavedFolder):
            return _from_saved(location)
        return _from_library(location)
    except datasets.exceptions.DatasetsError as error:
        raise DatasetError(_reason(error, location), path=path, line=line) from error
    except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
        raise DatasetError(_reason(error, location), path=path, line=line) from error


def _forbid_code(settings: Any) -> None:
    """Keep older versions of the library from running scripts of data sets.

    Newer ones have neither such scripts nor the setting, which is a variable of the
    environment, too.
    """
    if hasattr(settings, "HF_DATASETS_TRUST_REMOTE_CODE"):
        settings.HF_DATASETS_TRUST_REMOTE_CODE = False


def _from_files(location: LocalFiles) -> Any:
    import datasets

    names = [str(file) for file in location.files]
    if location.format == "arrow" and location.split == "train" and not location.kwargs:
        # Mapped where they lie; the reader would copy them into a cache first.
        parts = [datasets.Dataset.from_file(name) for name in names]
        return datasets.concatenate_datasets(parts) if len(parts) > 1 else parts[0]
    return datasets.load_dataset(
        location.format, data_files=names, split=location.split, **location.kwargs
    )


def _from_saved(location: SavedFolder) -> Any:
    import datasets

    loaded = datasets.load_from_disk(str(location.folder))
    if not isinstance(loaded, datasets.DatasetDict):
        return loaded
    if location.split not in loaded:
        raise ValueError(f"splits: {', '.join(loaded)}; no {location.split!r}")
    return loaded[location.split]


def _from_library(location: Remote) -> Any:
    import datasets

    with _offline_if_unreachable(is_needed=not location.is_local):
        return datasets.load_dataset(
            location.path,
            location.name,
            split=location.split,
            revision=location.revision,
            **location.kwargs,
        )


def _reason(error: Exception, location: _Stored) -> str:
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    if isinstance(location, LocalFiles):
        return f"cannot read {location.files[0]}: {text}"
    if isinstance(location, SavedFolder):
        return f"cannot read {location.folder}: {text}"
    if location.is_local:
        return f"cannot load {location.path}, split {location.split!r}: {text}"
    name = f"{location.path} ({location.name})" if location.name else location.path
    looked_in = "".join(f"{folder}, " for folder in location.looked_in)
    return (
        f"cannot load {name}, split {location.split!r}, looked for in {looked_in}"
        f"the Hugging Face cache and hub: {text}; remedies: --data-dir with a mirror "
        "of it, or a network connection (with HF_HUB_OFFLINE unset), or --sample for "
        "the documents shipped beside a task"
    )


@contextmanager
def _offline_if_unreachable(*, is_needed: bool) -> Iterator[None]:
    """Spare a machine without a network the library's half minute of retries.

    What a cache holds is still found.
    """
    if not is_needed or _is_hub_reachable():
        yield
        return
    import datasets
    import huggingface_hub.constants as hub

    before = hub.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE
    hub.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        hub.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE = before


def _is_hub_reachable() -> bool:
    if any(name.lower() in ("https_proxy", "all_proxy") for name in os.environ):
        # Names are resolved by the proxy, so nothing can be told from here.
        return True
    address = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        connection = socket.create_connection(
            (address.hostname or "", port), timeout=_CONNECT_TIMEOUT_S
        )
    except OSError:
        return False
    connection.close()
    return True
