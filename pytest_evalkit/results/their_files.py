"""Finding the files that lm-evaluation-harness and lmms-eval leave behind.

lm-eval writes ``results_<time>.json`` and ``samples_<task>_<time>.jsonl``, lmms-eval
``<time>_results.json`` and ``<time>_samples_<task>.jsonl``; both write the files of
every run on a model into one folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_TIME = r"\d{4}-\d\d-\d\dT[\d.-]+"
_STAMP = r"\d{8}_\d{4,6}"
# A file may be asked for by name, as in ``--output_path run.json`` of lm-eval.
_LM_RESULTS = re.compile(rf"(?P<stem>.+)_(?P<time>{_TIME})\.json")
_LM_SAMPLES = re.compile(rf"samples_(?P<task>.+)_(?P<time>{_TIME})\.jsonl")
_LMMS_RESULTS = re.compile(rf"(?P<time>{_STAMP})_results\.json")
_LMMS_SAMPLES = re.compile(rf"(?P<time>{_STAMP})_samples_(?P<task>.+)\.jsonl")


def newest_results(folder: Path) -> Path | None:
    """Find the results of the last run in a folder of theirs; None where there are none.

    Args:
        folder: Where they wrote to.
    """
    found = [
        (match["time"], path)
        for path in folder.glob("*.json")
        for match in [_results_match(path.name)]
        if match is not None
    ]
    return max(found)[1] if found else None


def samples_beside(results: Path) -> Mapping[str, Path]:
    """Find the samples files of a run of theirs, by task.

    Args:
        results: Its results file. What has another time is of another run.
    """
    match = _results_match(results.name)
    if match is None:
        return {}
    return {
        own["task"]: path
        for path in sorted(results.parent.glob("*.jsonl"))
        for own in [_samples_match(path.name)]
        if own is not None and own["time"] == match["time"]
    }


def samples_pattern(results: Path) -> Path | None:
    """Name all samples files of a run of theirs with a ``*``; None where none is.

    Args:
        results: Its results file.
    """
    match = _results_match(results.name)
    if match is None or not samples_beside(results):
        return None
    time = match["time"]
    is_lmms = _LMMS_RESULTS.fullmatch(results.name)
    name = f"{time}_samples_*.jsonl" if is_lmms else f"samples_*_{time}.jsonl"
    return results.parent / name


def results_beside(samples: Path) -> Path | None:
    """Find the results that belong to a samples file of theirs, or None."""
    own = _samples_match(samples.name)
    if own is None:
        return None
    for path in sorted(samples.parent.glob("*.json")):
        match = _results_match(path.name)
        if match is not None and match["time"] == own["time"]:
            return path
    return None


def task_in_name(samples: Path) -> str | None:
    """Read the task in the name of a samples file of theirs; None in another name."""
    match = _samples_match(samples.name)
    return None if match is None else match["task"]


def _results_match(name: str) -> re.Match[str] | None:
    return _LMMS_RESULTS.fullmatch(name) or _LM_RESULTS.fullmatch(name)


def _samples_match(name: str) -> re.Match[str] | None:
    return _LMMS_SAMPLES.fullmatch(name) or _LM_SAMPLES.fullmatch(name)
