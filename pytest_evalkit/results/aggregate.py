"""From the samples of a task to its figures."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

from pytest_evalkit.evaluate.sample import SampleDict, Status
from pytest_evalkit.naming import suggestion
from pytest_evalkit.results.schema import AggregateDict, CoverageDict
from pytest_evalkit.scoring import MetricSpec, ScoringPlan
from pytest_evalkit.stats import interval95, mean, standard_error


class Tally:
    """What is kept of a task's samples while they are read, in any order.

    A document is told by its ``doc_id``. Of a document recorded twice, as when errors
    are run again, the later samples count and the earlier ones are forgotten.

    Args:
        plan: How the task scores.
    """

    def __init__(self, plan: ScoringPlan) -> None:
        self._plan = plan
        self._status: dict[int, Status] = {}
        self._hashes: dict[int, str] = {}
        self._error_kinds: dict[int, str] = {}
        # Metrics that samples have and the task does not list.
        self._unlisted: dict[str, None] = {}
        # Values by document, for each filter and metric: only what has a value.
        self._values: dict[tuple[str, str], dict[int, Any]] = {
            (pipeline.name, metric.name): {}
            for pipeline in plan.pipelines
            for metric in plan.metrics
        }

    def add(self, sample: SampleDict) -> None:
        """Take in one sample."""
        doc_id = sample["doc_id"]
        self._status[doc_id] = sample["status"]
        self._hashes[doc_id] = sample["doc_hash"]
        if sample["status"] == "error":
            self._error_kinds[doc_id] = _error_kind(sample)
        else:
            self._error_kinds.pop(doc_id, None)
        for metric in self._plan.metrics:
            self._take(sample, metric.name)
        for name in sample["metrics"]:
            if (sample["filter"], name) not in self._values:
                self._unlisted[name] = None

    def _take(self, sample: Mapping[str, Any], metric: str) -> None:
        values = self._values.get((sample["filter"], metric))
        if values is None:
            return
        if sample["status"] == "scored" and metric in sample["metrics"]:
            values[sample["doc_id"]] = sample[metric]
        else:
            values.pop(sample["doc_id"], None)

    def coverage(self, original: int, selected: int) -> CoverageDict:
        """Say how many documents the figures rest on.

        Args:
            original: Documents of the split.
            selected: Documents that the run set out to do.
        """
        counts = Counter(self._status.values())
        return {
            "original": original,
            "selected": selected,
            "scored": counts["scored"],
            "errors": counts["error"],
            "skipped": counts["skipped"],
        }

    def error_kinds(self) -> dict[str, int]:
        """Count the documents in error by what their messages begin with."""
        return dict(Counter(self._error_kinds.values()).most_common())

    def task_hash(self) -> str:
        """Hash the documents' hashes, in document order: SHA-256 in hexadecimal."""
        return task_hash(self._hashes[doc_id] for doc_id in sorted(self._hashes))

    def aggregates(self) -> list[AggregateDict]:
        """Aggregate each metric under each filter, values in document order."""
        rows = [
            _aggregate(metric, pipeline.name, self._ordered(pipeline.name, metric.name))
            for pipeline in self._plan.pipelines
            for metric in self._plan.metrics
        ]
        for row in rows:
            if row["n"] == 0 and self._unlisted:
                row["error"] = (
                    f"no document has it; the scorer gives others that the task does "
                    f"not list: {suggestion(row['metric'], self._unlisted)}"
                )
        return rows

    def _ordered(self, pipeline: str, metric: str) -> list[Any]:
        values = self._values[pipeline, metric]
        return [values[doc_id] for doc_id in sorted(values)]


def aggregate_task(
    plan: ScoringPlan, samples: Iterable[SampleDict]
) -> list[AggregateDict]:
    """Aggregate a task's samples: one row per filter and metric.

    Each metric sees the documents that have it. One that no document has, or whose
    aggregation raises, has no value; the others stand.
    """
    tally = Tally(plan)
    for sample in samples:
        tally.add(sample)
    return tally.aggregates()


def task_hash(doc_hashes: Iterable[str]) -> str:
    """Hash the hashes of a task's documents, given in document order.

    >>> task_hash([])[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    for doc_hash in doc_hashes:
        digest.update(doc_hash.encode())
    return digest.hexdigest()


def _error_kind(sample: SampleDict) -> str:
    kind, _, _ = sample.get("error", "unknown").partition(":")
    return kind.strip()


def _aggregate(metric: MetricSpec, pipeline: str, values: list[Any]) -> AggregateDict:
    row: AggregateDict = {
        "metric": metric.name,
        "filter": pipeline,
        "value": None,
        "stderr": None,
        "ci95": None,
        "n": len(values),
        "higher_is_better": metric.higher_is_better,
    }
    if not values:
        return row
    try:
        value = metric.aggregation(values)
    # The function may be the task's own and raise anything.
    except Exception as error:  # noqa: BLE001
        row["error"] = f"{type(error).__name__}: {error}"
        return row
    if value is None:
        # The aggregation found nothing to aggregate, such as no whole pair.
        return row
    problem = _problem(value, metric.aggregation_name)
    if problem is not None:
        row["error"] = problem
        return row
    row["value"] = float(value)
    _add_spread(row, metric, values)
    return row


def _problem(value: Any, aggregation: str) -> str | None:
    if not isinstance(value, Real):
        return f"aggregation {aggregation!r} gave {type(value).__name__}, not a number"
    if math.isnan(value):
        return f"aggregation {aggregation!r} gave NaN"
    return None


def _add_spread(row: AggregateDict, metric: MetricSpec, values: Sequence[Any]) -> None:
    """Add a mean's standard error; other aggregations have no such formula."""
    if metric.aggregation is not mean or row["value"] is None:
        return
    row["stderr"] = standard_error(values)
    if row["stderr"] is not None:
        row["ci95"] = interval95(row["value"], row["stderr"])
