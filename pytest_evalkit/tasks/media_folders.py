"""Which files a data set may name as its media: those in its own folders.

A row of a data set is a stranger's text. Without this rule one that says
``/home/me/.ssh/id_ed25519`` would have the file sent to the endpoint.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_evalkit.compat import hub_home
from pytest_evalkit.errors import DatasetError
from pytest_evalkit.tasks.locations import (
    DataSources,
    LocalFiles,
    Location,
    Remote,
    SavedFolder,
)
from pytest_evalkit.tasks.media_addresses import require_public

_CACHES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_DATASETS_CACHE")
_PATTERN = frozenset("*?[{")


@dataclass(frozen=True, slots=True)
class MediaFolders:
    """The folders in which media may lie.

    Attributes:
        strange: Those that came with a data set: a link in them leads nowhere else.
        own: Those that the user keeps: links in them are the user's.
        has_private: Whether media may have addresses that are not of the public web.
    """

    strange: tuple[Path, ...]
    own: tuple[Path, ...] = ()
    has_private: bool = False

    def require_address(self, url: str) -> None:
        """Make sure that an address is one of the public web, or allowed.

        Raises:
            DatasetError: It is not.
        """
        if not self.has_private:
            require_public(url)

    def require(self, path: Path) -> None:
        """Make sure that a file lies in one of the folders.

        Raises:
            DatasetError: It does not.
        """
        real = Path(os.path.realpath(path))
        if any(real.is_relative_to(os.path.realpath(one)) for one in self.strange):
            return
        plain = Path(os.path.abspath(path))  # noqa: PTH100 - links are not followed
        for folder in self.own:
            if plain.is_relative_to(folder) or real.is_relative_to(
                os.path.realpath(folder)
            ):
                return
        home = self.strange[0] if self.strange else "the data set"
        raise DatasetError(
            f"{path} lies outside of the folders of the data set (such as {home}); if "
            f"it is to be sent to the model, give --media-dir {plain.parent}"
        )


def media_folders(
    location: Location, task_folder: Path, sources: DataSources
) -> MediaFolders:
    """Say where the media of a data set may lie.

    Besides its own folder and that of the task, these are the caches of the hub and
    the folders that the user names.

    Args:
        location: Where the documents are.
        task_folder: The folder of the task file.
        sources: What the user names.
    """
    caches = (os.environ.get(name) for name in _CACHES)
    mirror = () if sources.data_dir is None else (sources.data_dir,)
    return MediaFolders(
        strange=(*_folders_of(location), task_folder),
        own=tuple(
            Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100 - links are not followed
            for folder in (*sources.media_dirs, *mirror, hub_home(), *caches)
            if folder
        ),
        has_private=sources.allows_private_media,
    )


def _folders_of(location: Location) -> Iterator[Path]:
    match location:
        case LocalFiles(files=files):
            yield from dict.fromkeys(file.parent for file in files)
        case SavedFolder(folder=folder):
            yield folder
        case Remote(is_local=True, path=path, kwargs=kwargs):
            if Path(path).is_dir():
                yield Path(path)
            given = kwargs.get("data_files")
            patterns = [given] if isinstance(given, str) else given or ()
            for pattern in patterns if isinstance(patterns, list) else ():
                yield _beginning(Path(pattern))


def _beginning(pattern: Path) -> Path:
    """Find the folder that a pattern of paths begins with."""
    folder = pattern.parent
    while _PATTERN & set(str(folder)):
        folder = folder.parent
    return folder
