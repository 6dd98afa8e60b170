"""Where the documents of a split are: a sample, a mirror, beside the file, the hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.tasks.dataset_kwargs import given_kwargs, library_kwargs
from pytest_evalkit.tasks.source import Source

# Data set "paths" that name a file format and not a data set.
BUILDERS = frozenset({"arrow", "csv", "json", "parquet", "text"})

_SAMPLE_SUFFIXES = ("jsonl", "parquet", "arrow", "csv")
_TASK_SUFFIXES = (".yaml", ".yml")
_MIRROR_SUFFIXES = ("parquet", "jsonl", "arrow")
_FORMATS = {"jsonl": "json", "parquet": "parquet", "arrow": "arrow", "csv": "csv"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSources:
    """Where the user wants documents from.

    Attributes:
        data_dir: A mirror of data sets that is looked in first, or None.
        use_sample: True for the few documents that lie beside the task file.
        media_dirs: Further folders in which media of documents may lie.
        allows_private_media: True where media may have addresses that are not of the
            public web.
    """

    data_dir: Path | None = None
    use_sample: bool = False
    media_dirs: tuple[Path, ...] = ()
    allows_private_media: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFiles:
    """Data files on this machine.

    Attributes:
        format: What reads them: ``json``, ``csv``, ``parquet``, ``arrow`` or ``text``.
        files: At least one; their rows follow one another.
        split: The split to take from what the reader makes of the files.
        kwargs: Further arguments of the reader.
    """

    format: str
    files: tuple[Path, ...]
    split: str = "train"
    kwargs: Mapping[str, Any]

    @property
    def is_json_lines(self) -> bool:
        """Whether every file is JSON Lines, read as it is."""
        is_plain = self.format == "json" and self.split == "train" and not self.kwargs
        return is_plain and all(file.suffix == ".jsonl" for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFolder:
    """A folder that ``save_to_disk`` of the library ``datasets`` wrote."""

    folder: Path
    split: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A data set that the library ``datasets`` is to find.

    Attributes:
        path: Its name on the hub, a folder of data files, or a file format.
        name: Its configuration, or None.
        split: The split.
        revision: The commit, tag or branch, or None for the newest.
        kwargs: Further arguments of ``load_dataset``.
        is_local: True where no network is needed.
        looked_in: Folders that were tried before.
    """

    path: str
    name: str | None
    split: str
    revision: str | None
    kwargs: Mapping[str, Any]
    is_local: bool
    looked_in: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A split of what the task's own function ``custom_dataset`` returns."""

    split: str


Location = LocalFiles | SavedFolder | Remote | Made


def locate(source: Source, split: str, sources: DataSources) -> Location:
    """Find the documents of a split of a task.

    In this order: the sample, if asked for, and then nothing else; the task's own
    function; the mirror; files and folders that the task names; the hub.

    Args:
        source: The task file.
        split: The name of the split, possibly with a slice such as ``test[:10]``.
        sources: What the user wants.

    Raises:
        DatasetError: There is no sample, or a file that the task names is missing.
        TaskError: The task asks for something that is not supported.
    """
    is_made = source.values.get("custom_dataset") is not None
    # A class reads the sample itself, and makes documents of it.
    is_of_class = is_made and source.values.get("class") is not None
    if sources.use_sample and not is_of_class:
        return _sample(source, split)
    if is_made:
        return Made(split=split)
    kwargs = library_kwargs(source)
    path = str(source.values["dataset_path"])
    if path in BUILDERS:
        return _data_files(source, path, split, kwargs)
    if (folder := _folder(source, path)) is not None:
        return _from_folder(source, folder, split, kwargs)
    looked_in = _mirror_folders(source, path, sources.data_dir)
    for folder in looked_in:
        if found := _in_folder(folder, split, _MIRROR_SUFFIXES):
            return found
    name = source.values.get("dataset_name")
    return Remote(
        path=path,
        name=name,
        split=split,
        revision=_revision(source),
        kwargs=kwargs,
        is_local=False,
        looked_in=looked_in,
    )


def _error(source: Source, message: str, key: str = "dataset_path") -> DatasetError:
    path, line = source.place(key)
    return DatasetError(message, path=path, line=line)


def _revision(source: Source) -> str | None:
    revision = source.values.get("dataset_revision")
    return revision or given_kwargs(source).get("revision")


def _sample(source: Source, split: str) -> Location:
    sample, name = source.path.parent / "sample", source.values.get("dataset_name")
    folders = (
        source.path.parent / f"{source.path.stem}.sample",
        *((sample / str(name),) if name else ()),
        sample,
    )
    for folder in folders:
        if found := _in_folder(folder, split, _SAMPLE_SUFFIXES):
            return found
    raise _error(
        source,
        f"no sample of split {split!r}; looked for {split}.jsonl in "
        f"{' and '.join(str(folder) for folder in folders)}",
    )


def _mirror_folders(
    source: Source, path: str, data_dir: Path | None
) -> tuple[Path, ...]:
    if data_dir is None:
        return ()
    name = source.values.get("dataset_name")
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    stems = dict.fromkeys((data_dir.joinpath(*parts), data_dir / parts[-1]))
    folders: list[Path] = []
    for stem in stems:
        folders += [stem / name, stem] if name else [stem]
    return tuple(folders)


def _in_folder(folder: Path, split: str, suffixes: Iterable[str]) -> LocalFiles | None:
    for suffix in suffixes:
        whole = folder / f"{split}.{suffix}"
        files = [whole] if whole.is_file() else _shards(folder, split, suffix)
        if files:
            return LocalFiles(format=_FORMATS[suffix], files=tuple(files), kwargs={})
    return None


def _shards(folder: Path, split: str, suffix: str) -> list[Path]:
    """Find ``split-00000-of-00002.suffix`` and its like.

    Raises:
        DatasetError: Some of them are missing.
    """
    pattern = re.compile(rf"{re.escape(split)}-(\d+)-of-(\d+)\.{suffix}")
    if not folder.is_dir():
        return []
    found = sorted(
        (int(match[1]), int(match[2]), entry)
        for entry in folder.iterdir()
        if (match := pattern.fullmatch(entry.name))
    )
    if found and [number for number, _, _ in found] != list(range(found[0][1])):
        raise DatasetError(
            f"{split!r} has {len(found)} of {found[0][1]} files", path=folder
        )
    return [entry for _, _, entry in found]


def _data_files(
    source: Source, builder: str, split: str, kwargs: dict[str, Any]
) -> Location:
    given = kwargs.pop("data_files", None)
    if given is None:
        return _builder(source, builder, split, kwargs)
    patterns, taken = _patterns(source, given, split)
    if any("://" in pattern or "*" in pattern for pattern in patterns):
        absolute = [_absolute(source, pattern) for pattern in patterns]
        return _builder(source, builder, taken, {**kwargs, "data_files": absolute})
    files = tuple(_file(source, pattern) for pattern in patterns)
    return LocalFiles(format=builder, files=files, split=taken, kwargs=kwargs)


def _builder(
    source: Source, builder: str, split: str, kwargs: Mapping[str, Any]
) -> Remote:
    given = str(kwargs.get("data_files", ""))
    return Remote(
        path=builder,
        name=source.values.get("dataset_name"),
        split=split,
        revision=None,
        kwargs=kwargs,
        is_local="://" not in given,
        looked_in=(),
    )


def _patterns(source: Source, given: Any, split: str) -> tuple[list[str], str]:
    """Tell which files hold a split, and what to take from them.

    Files that no split is named for are the split ``train``, as everywhere.
    """
    base, slice_ = re.fullmatch(r"([^\[]*)(.*)", split, re.DOTALL).groups()  # type: ignore[union-attr]  # it matches every text
    by_split = given if isinstance(given, dict) else {"train": given}
    if base not in by_split:
        names = [str(name) for name in by_split]
        message = f"data_files has no split {base!r}; {suggestion(base, names)}"
        raise _error(source, message, "dataset_kwargs")
    value = by_split[base]
    patterns = [value] if isinstance(value, str) else value
    if not isinstance(patterns, list) or not all(
        isinstance(pattern, str) for pattern in patterns
    ):
        raise _error(source, "data_files names files as text", "dataset_kwargs")
    return patterns, f"train{slice_}"


def _folders_of(source: Source, key: str) -> tuple[Path, ...]:
    """Tell where relative paths may start: the file that says so, the task's own."""
    saying = source.place(key).path.parent
    return tuple(dict.fromkeys((saying, source.path.parent)))


def _absolute(source: Source, pattern: str) -> str:
    if "://" in pattern:
        return pattern
    return str(_folders_of(source, "dataset_kwargs")[0].absolute() / pattern)


def _file(source: Source, pattern: str) -> Path:
    tried = [folder / pattern for folder in _folders_of(source, "dataset_kwargs")]
    for file in tried:
        if file.is_file():
            return file
    raise _error(
        source,
        f"data file {tried[0]} does not exist{_nearby(tried[0])}",
        "dataset_kwargs",
    )


def _nearby(file: Path) -> str:
    if not file.parent.is_dir():
        return f"; no folder {file.parent}"
    # A task stands beside its data and is none.
    near = (
        entry for entry in file.parent.iterdir() if entry.suffix not in _TASK_SUFFIXES
    )
    names: Sequence[str] = [entry.name for entry in near]
    return f"; {suggestion(file.name, names)}" if names else ""


def _folder(source: Source, path: str) -> Path | None:
    for start in _folders_of(source, "dataset_path"):
        if (folder := start / path).is_dir():
            return folder
    if given_kwargs(source).get("load_from_disk"):
        tried = _folders_of(source, "dataset_path")[0] / path
        raise _error(source, f"folder {tried} does not exist{_nearby(tried)}")
    return None


def _from_folder(
    source: Source, folder: Path, split: str, kwargs: Mapping[str, Any]
) -> Location:
    is_saved = any(
        (folder / name).is_file() for name in ("dataset_dict.json", "state.json")
    )
    if is_saved or given_kwargs(source).get("load_from_disk"):
        return SavedFolder(folder=folder, split=split)
    return Remote(
        path=str(folder.absolute()),
        name=source.values.get("dataset_name"),
        split=split,
        revision=None,
        kwargs=kwargs,
        is_local=True,
        looked_in=(),
    )
