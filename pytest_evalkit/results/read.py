"""Reading what a run left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, cast

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.schema import (
    RESULTS_SCHEMA_VERSION,
    ResultsDict,
    task_names,
)
from pytest_evalkit.results.their_figures import sharpen
from pytest_evalkit.results.their_files import newest_results, samples_beside
from pytest_evalkit.results.their_results import (
    filters_of,
    require_theirs,
    results_of_theirs,
    system_of,
)
from pytest_evalkit.results.their_samples import TheirSamples, TheirTask
from pytest_evalkit.results.wire_shapes import require_results


class Samples(Protocol):
    """The samples of a task, that can be iterated over more than once.

    Attributes:
        torn: How many lines were left out as no samples, the last time.
    """

    torn: int

    def __iter__(self) -> Iterator[SampleDict]:
        """Read them from the beginning.

        Raises:
            ResultsError: They cannot be read.
        """


def results_file(path: Path) -> Path:
    """Find the results that a run folder or a file stands for.

    A folder of lm-eval's or lmms-eval's stands for the last of its runs.
    """
    if not path.is_dir():
        return path
    own = path / "results.json"
    if own.is_file():
        return own
    return newest_results(path) or own


def read_results(path: Path) -> ResultsDict:
    """Read the results of a run, ours or of lm-eval or lmms-eval.

    Args:
        path: The run folder, or its results file.

    Raises:
        ResultsError: There is no such file, it holds no results, or it was written by
            a newer version.
    """
    file = results_file(path)
    value = _decoded(file)
    if system_of(value) is not None:
        return _of_theirs(file, cast("dict[str, Any]", value))
    version = value.get("schema_version") if isinstance(value, dict) else None
    if not isinstance(version, int):
        raise ResultsError(
            f"{file} holds no results: it has no schema_version, as ours have, and is "
            "not of lm-eval's or lmms-eval's form"
        )
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


def samples_by_task(file: Path, results: ResultsDict) -> dict[str, Samples]:
    """Find the samples of a run, task by task; those that are gone are left out.

    Args:
        file: Its results file.
        results: What it holds.
    """
    if "written_by" not in results:
        folder = RunFolder(file.parent)
        paths = {name: folder.samples_path(name) for name in task_names(results)}
        return {name: SampleLines(p) for name, p in paths.items() if p.is_file()}
    files = samples_beside(file)
    return {
        name: TheirSamples(files[name], their_task(results, name))
        for name in task_names(results)
        if name in files
    }


def their_task(results: ResultsDict, name: str) -> TheirTask:
    """Take from results of theirs what the samples of a task are read with."""
    rows = results["aggregates"][name]
    return TheirTask(
        name=name,
        config=results["configs"].get(name, {}),
        filters=filters_of(results, name),
        metrics=tuple(dict.fromkeys(row["metric"] for row in rows)),
    )


def _of_theirs(file: Path, value: dict[str, Any]) -> ResultsDict:
    try:
        require_theirs(value)
        results = results_of_theirs(value, file.stat().st_mtime)
        require_results(results)
    except CodecError as error:
        raise ResultsError(f"{file} is damaged: {error}") from error
    for name, samples in samples_by_task(file, results).items():
        config = results["configs"].get(name, {})
        sharpen(results["aggregates"][name], samples, config)
    return results


def _decoded(file: Path) -> object:
    try:
        return decode(file.read_bytes())
    except FileNotFoundError:
        raise ResultsError(
            f"there is no {file}; name the folder of a finished run, which holds "
            "results.json, or 'last'"
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
    for samples in samples_by_task(folder.results_path, results).values():
        yield from samples


def _sample(line: bytes) -> SampleDict | None:
    try:
        value = decode(line)
    except CodecError:
        return None
    is_sample = isinstance(value, dict) and "doc_id" in value
    return cast("SampleDict", value) if is_sample else None
