"""The folder of a run, and writing files so that they are whole or absent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pytest_evalkit.errors import ResultsError

# Well below what file systems allow, since prefixes and suffixes are added.
_LONGEST = 120
_UNSAFE = re.compile(r'[<>:"/\\|?*\[\]\s]+')


def safe_name(name: str) -> str:
    """Make a name usable as a file name."""
    return _UNSAFE.sub("__", name).strip("._")[:_LONGEST] or "unnamed"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run leaves what it concludes.

    Attributes:
        root: The folder, ``<output path>/<model>/<timestamp>``.
    """

    root: Path

    @property
    def results_path(self) -> Path:
        """The results, as JSON."""
        return self.root / "results.json"

    @property
    def report_path(self) -> Path:
        """The results, as a page."""
        return self.root / "report.html"

    @property
    def journal_dir(self) -> Path:
        """One journal per process."""
        return self.root / "journal"

    @property
    def notices_path(self) -> Path:
        """What the run told at once, a line each."""
        return self.root / "notices.log"

    @property
    def stalls_path(self) -> Path:
        """What was under way when nothing ended for long."""
        return self.root / "stalls.log"

    @property
    def media_dir(self) -> Path:
        """Pictures of what documents show, a file per process."""
        return self.root / "media"

    def samples_path(self, task: str) -> Path:
        """The samples of one task."""
        return self.root / f"samples_{safe_name(task)}.jsonl"

    def turns_path(self, task: str) -> Path:
        """The turns of one task of conversations."""
        return self.root / f"turns_{safe_name(task)}.jsonl"


def plan_run_folder(output_path: Path, model: str, started: datetime) -> RunFolder:
    """Choose the folder of a new run; it is made when something is written to it.

    Args:
        output_path: Where the runs of all models are.
        model: Name of the model.
        started: When the run started; runs started in the same millisecond on one
            machine are told apart by a suffix.
    """
    parent = output_path / safe_name(model)
    stamp = f"{started:%Y%m%dT%H%M%S}_{started.microsecond // 1000:03d}"
    root, suffix = parent / stamp, 0
    while root.exists():
        suffix += 1
        root = parent / f"{stamp}-{suffix}"
    return RunFolder(root)


def run_folders(output_path: Path, model: str) -> list[RunFolder]:
    """List the folders of a model's runs, the oldest first.

    Args:
        output_path: Where the runs of all models are.
        model: Name of the model.
    """
    found = (output_path / safe_name(model)).glob("*/")
    return [RunFolder(path) for path in sorted(found, key=_age)]


def _age(path: Path) -> tuple[str, int]:
    """Order names as they were given: of one millisecond, the suffix counts up."""
    stamp, _, suffix = path.name.partition("-")
    return stamp, int(suffix) if suffix.isdigit() else 0


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file so that readers see all of it or what was there before.

    Raises:
        ResultsError: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ResultsError(f"cannot write {path}: {error.strerror}") from error
