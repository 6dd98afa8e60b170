"""Cases written in Python: ordinary tests that ask a model and record scores.

A test is a case when it asks for ``record_score``, or for a ``model`` fixture that
turns out to be a model. The tests of one module are reported together as one task: each
counts 1 or 0 by its plain ``assert``, next to whatever scores it records.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import WithheldError
from pytest_evalkit.evaluate import SAMPLE_SCHEMA_VERSION
from pytest_evalkit.plugin.options import OPTIONS_KEY
from pytest_evalkit.plugin.place import node_path
from pytest_evalkit.plugin.run import Run, run_of
from pytest_evalkit.results.cases import PASSED_METRIC
from pytest_evalkit.results.journal import SelectionDict
from pytest_evalkit.results.positions import ranges_of

RecordScore = Callable[[str, float], None]
SCORES_KEY: pytest.StashKey[dict[str, float]] = pytest.StashKey()
_POSITION_KEY: pytest.StashKey[int] = pytest.StashKey()


def asks_for_model(item: pytest.Item) -> bool:
    """Tell whether an item may be a case: it asks for one of the two fixtures."""
    names: Sequence[str] = getattr(item, "fixturenames", ())
    return "record_score" in names or "model" in names


class CaseRecorder:
    """Records the outcomes of cases.

    Attributes:
        part: Number of the worker's part of the items, where each has its own; zero
            where all workers have the same.

    Args:
        config: pytest's configuration.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.part = 0
        self._original: dict[Path, int] = {}
        self._selected: dict[Path, list[int]] = {}
        self._announced: set[Path] = set()

    def number(self, items: Sequence[pytest.Item]) -> None:
        """Give each case its position in its module, before any is deselected."""
        for item in items:
            if asks_for_model(item):
                position = self._original.get(item.path, 0)
                item.stash[_POSITION_KEY] = position
                self._original[item.path] = position + 1

    @property
    def tasks(self) -> Sequence[str]:
        """What the modules of the cases are called as tasks, deselected ones too."""
        return [_task_of(self._config, path) for path in self._original]

    def plan(self, items: Sequence[pytest.Item]) -> None:
        """Tell which items this process will run."""
        for item in items:
            if asks_for_model(item):
                position = item.stash[_POSITION_KEY]
                self._selected.setdefault(item.path, []).append(position)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Skip a case that is not to run, and one for which nothing is left to spend."""
        reason = self._config.stash[OPTIONS_KEY].no_cases
        if reason is not None and asks_for_model(item) and _is_case(item):
            pytest.skip(reason)
        try:
            return (yield)
        except WithheldError as error:
            pytest.skip(str(error))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record a case when its call, or what prevented it, is reported.

        Raises:
            ResultsError: The record cannot be written.
        """
        report = yield
        has_ended = report.when == "call" or (report.when == "setup" and report.failed)
        if has_ended and asks_for_model(item) and _is_case(item):
            self._record(item, call, report)
        return report

    def _record(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        run = run_of(self._config)
        self._announce(item, run)
        sample = _sample(item, call, report)
        sample["timing"]["started_s"] = round(
            time.monotonic() - run.started_at - report.duration, 6
        )
        run.journal.write(encode(sample) + b"\n")

    def _announce(self, item: pytest.Item, run: Run) -> None:
        if item.path in self._announced:
            return
        self._announced.add(item.path)
        selected = self._selected.get(item.path, [item.stash[_POSITION_KEY]])
        selection: SelectionDict = {
            "kind": "selection",
            "task": _task(item),
            "path": None,
            "shard": self.part,
            "original": self._original.get(item.path, len(selected)),
            "selected": len(selected),
            "fingerprint": "",
            "is_sample": False,
            "documents": ranges_of(selected),
            "filters": ["none"],
            "identity": {},
        }
        if item.path in run.wholes:
            selection["whole"] = run.wholes[item.path]
        run.record_selection(selection)


def _is_case(item: pytest.Item) -> bool:
    if SCORES_KEY in item.stash or "record_score" in getattr(item, "fixturenames", ()):
        return True
    if "pytest_evalkit.engine" not in sys.modules:
        return False
    from pytest_evalkit.engine import Model
    from pytest_evalkit.models.backend import Backend

    value = getattr(item, "funcargs", {}).get("model")
    return isinstance(value, Model | Backend)


def _task(item: pytest.Item) -> str:
    return _task_of(item.config, item.path)


def _task_of(config: pytest.Config, module: Path) -> str:
    return str(Path(node_path(config, module)).with_suffix("").as_posix())


def _sample(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
) -> dict[str, Any]:
    sample: dict[str, Any] = {
        "schema_version": SAMPLE_SCHEMA_VERSION,
        "task": _task(item),
        "doc_id": item.stash.get(_POSITION_KEY, 0),
        "item_id": item.name,
        "doc_hash": hashlib.sha256(item.nodeid.encode()).hexdigest(),
        "status": "scored",
        "input": [],
        "target": None,
        "filter": "none",
        "filtered_resps": None,
        "attempts": 1,
        "timing": {"started_s": 0.0, "latency_s": round(report.duration, 6)},
    }
    raised = call.excinfo
    if report.skipped:
        sample.update(status="skipped", metrics=[], error=str(report.longrepr))
    elif raised is not None and not raised.errisinstance(
        (AssertionError, pytest.fail.Exception)
    ):
        sample.update(status="error", metrics=[], error=raised.exconly())
    else:
        scores = {
            PASSED_METRIC: float(raised is None),
            **item.stash.get(SCORES_KEY, {}),
        }
        sample.update(scores, metrics=list(scores))
    return sample
