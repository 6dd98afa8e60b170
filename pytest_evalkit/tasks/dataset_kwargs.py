"""``dataset_kwargs``: what of it reaches the library ``datasets``, and what does not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_evalkit.compat import hub_home
from pytest_evalkit.errors import DatasetError
from pytest_evalkit.tasks.functions import load_functions
from pytest_evalkit.tasks.source import Source

# Accepted, since a file that sets one means the same without it; each with its reason.
WITHOUT_EFFECT: Mapping[str, str] = {
    "trust_remote_code": "data sets run no code of their own any more",
    "cache_dir": "the library caches where it always does; for films, see `video`",
    "create_link": "films are not downloaded; see `video`",
    "force_download": "the same",
    "force_unzip": "the same",
    "local_files_only": "without a network, caches and mirrors are looked in anyway",
    "max_retries": "the library's own rule holds",
    "num_proc": "splits are prepared in one process",
    "streaming": "documents have positions, so a split is read as a whole",
}

# Read here, and of no use to the library.
_READ = ("load_from_disk", "revision", "video")

_NOT_SUPPORTED: Mapping[str, str] = {
    "From_YouTube": "films are not fetched from YouTube",
    "builder_script": "data sets run no code of their own any more",
}


def given_kwargs(source: Source) -> Mapping[str, Any]:
    """Return what the file says; empty where it says nothing."""
    return source.values.get("dataset_kwargs") or {}


def library_kwargs(source: Source) -> dict[str, Any]:
    """Return what ``load_dataset`` is to get.

    Raises:
        TaskError: Something is asked for that is not supported.
        DatasetError: The films that the task looks at are not on this machine.
    """
    given = given_kwargs(source)
    for key, reason in _NOT_SUPPORTED.items():
        if given.get(key):
            message = f"dataset_kwargs.{key} is not supported: {reason}"
            raise source.error(message, "dataset_kwargs", key)
    if given.get("video"):
        _check_films(source)
    left_out = (*WITHOUT_EFFECT, *_READ, *_NOT_SUPPORTED)
    kept = {key: value for key, value in given.items() if key not in left_out}
    loaded: dict[str, Any] = load_functions(kept)
    return loaded


def _check_films(source: Source) -> None:
    """Refuse to run without the films, which functions of the task open by name."""
    cache_dir = given_kwargs(source).get("cache_dir")
    if not isinstance(cache_dir, str):
        return
    # Joining keeps a path that is absolute as it is.
    folder = hub_home() / Path(os.path.expandvars(cache_dir)).expanduser()
    if folder.exists():
        return
    path, line = source.place("dataset_kwargs", "video")
    raise DatasetError(
        f"its media are looked for in {folder}, which does not exist; download "
        f"{source.values.get('dataset_path')} and unpack its archives there "
        "(HF_HOME moves the place)",
        path=path,
        line=line,
    )
