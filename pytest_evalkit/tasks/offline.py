"""Where the documents of a task are that can be had without a network."""

from __future__ import annotations

from pathlib import Path

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.tasks.locations import DataSources, Remote, locate
from pytest_evalkit.tasks.task import Task


def offline_sources(task: Task, data_dir: Path | None) -> DataSources | None:
    """Choose the sample beside a task, else its data on this machine.

    Args:
        task: The task.
        data_dir: A mirror of data sets, or None.

    Returns:
        Where to open it; None where its documents are only on the hub.

    Raises:
        TaskError: The task asks for data in a way that is not supported.
    """
    source, split = task.recipe.source, task.recipe.split
    sample = DataSources(data_dir=data_dir, use_sample=True)
    try:
        locate(source, split, sample)
    except DatasetError:
        # There is no sample, so its own data are what there is.
        local = DataSources(data_dir=data_dir)
        location = locate(source, split, local)
        is_remote = isinstance(location, Remote) and not location.is_local
        return None if is_remote else local
    return sample


def snapshot_path(task: Task) -> Path:
    """Tell where the prompts of a task are stored: with its sample, or beside it."""
    folder = task.path.parent
    for sample in (folder / f"{task.path.stem}.sample", folder / "sample"):
        if sample.is_dir():
            return sample / f"{task.name}.prompts.json"
    return folder / f"{task.name}.prompts.json"
