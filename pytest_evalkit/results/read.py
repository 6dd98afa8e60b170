"""Reading what a run left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.schema import (
    RESULTS_SCHEMA_VERSION,
    ResultsDict,
    task_names,
)
from pytest_evalkit.results.wire_shapes import require_results


def results_file(path: Path) -> Path:
    """Find the ``results.json`` that a run folder or a file stands for."""
    return path / "results.json" if path.is_dir() else path


def read_results(path: Path) -> ResultsDict:
    """Read the results of a run.

    Args:
        path: The run folder, or its ``results.json``.

    Raises:
        ResultsError: There is no such file, it holds no results of ours, or it was
            written by a newer version.
    """
    file = results_file(path)
    value = _decoded(file)
    version = value.get("schema_version") if isinstance(value, dict) else None
    if not isinstance(version, int):
        raise ResultsError(f"{file} holds no results: it has no schema_version")
    if version > RESULTS_SCHEMA_VERSION:
        raise ResultsError(
            f"{file} has schema version {version}, newer than "
            f"{RESULTS_SCHEMA_VERSION}: upgrade pytest-evalkit to read it"
        )
    try:
        require_results(value)
    except CodecError as error:
        raise ResultsError(
            f"{file} is damaged, or of another program: {error}"
        ) from error
    return cast("ResultsDict", value)


def _decoded(file: Path) -> object:
    try:
        return decode(file.read_bytes())
    except FileNotFoundError:
        raise ResultsError(
            f"there is no {file}; a finished run's folder holds one"
        ) from None
    except OSError as error:
        raise ResultsError(f"cannot read {file}: {error.strerror}") from error
    except CodecError as error:
        raise ResultsError(f"{file}: {error}") from error


class SampleLines:
    """The samples in a file, read as they are iterated over.

    A line that is no sample, such as the last one of a run that was killed while
    writing it, is left out and counted.

    Attributes:
        torn: How many lines were left out so far.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.torn = 0

    def __iter__(self) -> Iterator[SampleDict]:
        """Read the file from its beginning.

        Raises:
            ResultsError: It cannot be read.
        """
        self.torn = 0
        try:
            with self._path.open("rb") as file:
                for line in file:
                    sample = _sample(line)
                    if sample is not None:
                        yield sample
                    elif line.strip():
                        self.torn += 1
        except OSError as error:
            raise ResultsError(
                f"cannot read samples {self._path}: {error.strerror}"
            ) from error


def iter_samples(path: Path) -> SampleLines:
    """Read the samples in a ``samples_<task>.jsonl`` or a journal.

    Returns:
        An iterable whose ``torn`` says afterwards how many lines were no samples.
    """
    return SampleLines(path)


def run_samples(folder: RunFolder, results: ResultsDict) -> Iterator[SampleDict]:
    """Read the samples of a run, task by task, in document order.

    Args:
        folder: The run's folder.
        results: What the run concludes; a task whose samples file is gone has none.

    Raises:
        ResultsError: A file cannot be read.
    """
    for task in task_names(results):
        path = folder.samples_path(task)
        if path.is_file():
            yield from iter_samples(path)


def _sample(line: bytes) -> SampleDict | None:
    try:
        value = decode(line)
    except CodecError:
        return None
    is_sample = isinstance(value, dict) and "doc_id" in value
    return cast("SampleDict", value) if is_sample else None
