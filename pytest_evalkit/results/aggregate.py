"""From the samples of a task to its figures."""

from __future__ import annotations

import hashlib
import math
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import replace
from numbers import Real
from typing import Any

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.naming import suggestion
from pytest_evalkit.results.document_column import DocumentColumn
from pytest_evalkit.results.repeats import RepeatTally
from pytest_evalkit.results.schema import AggregateDict, CoverageDict
from pytest_evalkit.results.spread import Drawing, add_spread
from pytest_evalkit.scoring import BOOTSTRAP_ITERATIONS, MetricSpec, ScoringPlan
from pytest_evalkit.stats import mean


class Tally:
    """What is kept of a task's samples while they are read, in any order.

    A document is told by its ``doc_id``. Of a document recorded twice, as when errors
    are run again, the later samples count and the earlier ones are forgotten.

    Args:
        plan: How the task scores.
    """

    def __init__(self, plan: ScoringPlan) -> None:
        self._plan = plan
        self._listed = {metric.name for metric in plan.metrics}
        self._status = DocumentColumn[str]()
        self._hashes = DocumentColumn[str]()
        self._error_kinds: dict[int, str] = {}
        self._clusters: dict[int, str] = {}
        # Share of a document's answers in which one was found, for each filter.
        self._parse_rates = {
            pipeline.name: DocumentColumn[float]() for pipeline in plan.pipelines
        }
        self._repeats = RepeatTally()
        # By metrics that samples have and the task does not list, the listed metric
        # whose function gave them, if any.
        self._unlisted: dict[str, str | None] = {}
        # Values by document, for each filter and metric: only what has a value.
        self._values = {
            (pipeline.name, metric.name): DocumentColumn[Any]()
            for pipeline in plan.pipelines
            for metric in plan.metrics
        }

    def add(self, sample: SampleDict) -> None:
        """Take in one sample."""
        doc_id = sample["doc_id"]
        if self._status.get(doc_id) is not None:
            self._forget_values(sample["filter"], doc_id)
        self._status[doc_id] = sys.intern(sample["status"])
        self._hashes[doc_id] = sample["doc_hash"]
        if sample["status"] == "error":
            self._error_kinds[doc_id] = _error_kind(sample)
        else:
            self._error_kinds.pop(doc_id, None)
        if "cluster" in sample:
            self._clusters[doc_id] = sample["cluster"]
        self._take(sample)
        self._repeats.take(sample)

    def _take(self, sample: Mapping[str, Any]) -> None:
        pipeline, doc_id = sample["filter"], sample["doc_id"]
        rates = self._rates_of(pipeline)
        if sample["status"] != "scored":
            return
        if "parse_status" in sample:
            rates[doc_id] = _found_share(sample["parse_status"])
        sources = sample.get("metric_sources", {})
        for name in sample["metrics"]:
            key = (pipeline, name)
            if key not in self._values:
                self._values[key] = DocumentColumn()
            if name not in self._listed:
                self._unlisted[name] = sources.get(name)
            self._values[key][doc_id] = sample[name]

    def _forget_values(self, pipeline: str, doc_id: int) -> None:
        for (owner, _), values in self._values.items():
            if owner == pipeline:
                values.discard(doc_id)
        self._rates_of(pipeline).discard(doc_id)

    def _rates_of(self, pipeline: str) -> DocumentColumn[float]:
        if pipeline not in self._parse_rates:
            self._parse_rates[pipeline] = DocumentColumn()
        return self._parse_rates[pipeline]

    def values(self, metric: str, pipeline: str) -> Mapping[int, Any]:
        """Give the values of a metric under a filter, by document."""
        return self._values.get((pipeline, metric), {})

    def scores(self) -> Mapping[int, Mapping[str, Any]]:
        """Give what each scored document has, by ``metric,filter``."""
        scores: dict[int, dict[str, Any]] = {}
        for (pipeline, metric), values in self._values.items():
            for doc_id, value in values.items():
                scores.setdefault(doc_id, {})[f"{metric},{pipeline}"] = value
        return scores

    def forget(self, documents: frozenset[int]) -> None:
        """Leave documents out of everything, as if they had not been run."""
        kept: list[MutableMapping[int, Any]] = [
            *(self._status, self._hashes, self._error_kinds, self._clusters),
            *self._parse_rates.values(),
            *self._values.values(),
        ]
        for by_document in kept:
            for doc_id in documents & by_document.keys():
                del by_document[doc_id]
        self._repeats.forget(documents)

    def coverage(self, original: int, selected: int) -> CoverageDict:
        """Say how many documents the figures rest on.

        Args:
            original: Documents of the split.
            selected: Documents that the run set out to do.
        """
        counts = Counter(self._status.values())
        coverage: CoverageDict = {
            "original": original,
            "selected": selected,
            "scored": counts["scored"],
            "errors": counts["error"],
            "skipped": counts["skipped"],
        }
        if not self._plan.is_scoring:
            coverage["answered"] = counts["answered"]
        return coverage

    def error_kinds(self) -> dict[str, int]:
        """Count the documents in error by what their messages begin with."""
        return dict(Counter(self._error_kinds.values()).most_common())

    def task_hash(self) -> str:
        """Hash the documents' hashes, in document order: SHA-256 in hexadecimal."""
        return task_hash(self._hashes.known())

    def aggregates(
        self,
        *,
        bootstrap_iters: int = BOOTSTRAP_ITERATIONS,
        levels: Collection[float] = (),
    ) -> list[AggregateDict]:
        """Aggregate each metric under each filter, values in document order.

        A metric whose function gave values of other names has a row for each of them
        instead. In the lm dialect, numbers of the task's own scorer that the task does
        not list are averaged too.

        Args:
            bootstrap_iters: Replicates for standard errors that have no formula; 0 for
                no standard errors at all.
            levels: Of what intervals beside those of 95 %, between 0 and 1.
        """
        drawing = Drawing(iterations=bootstrap_iters, levels=levels)
        rows = [
            self._row(metric, pipeline.name, drawing)
            for pipeline in self._plan.pipelines
            for metric in self._metrics(pipeline.name)
        ]
        for row in rows:
            if row["n"] == 0 and self._unlisted:
                row["error"] = (
                    f"no document has it; the scorer gives others that the task does "
                    f"not list: {suggestion(row['metric'], self._unlisted)}"
                )
        return rows

    def _row(
        self, metric: MetricSpec, pipeline: str, drawing: Drawing
    ) -> AggregateDict:
        by_document = self._values[pipeline, metric.name]
        documents = list(by_document)
        values = by_document.known()
        row = _aggregate(metric, pipeline, values)
        rates = self._rates_of(pipeline)
        told = [rates[doc_id] for doc_id in documents if doc_id in rates]
        if told:
            row["parse_rate"] = mean(told)
        if row["value"] is not None:
            clusters = [self._clusters.get(doc_id) for doc_id in documents]
            add_spread(row, metric, values, clusters, self._plan, drawing)
        repeats = self._repeats.figures(
            pipeline, metric.name, self._clusters, self._plan, drawing
        )
        if repeats:
            row["repeats"] = repeats
        return row

    def _metrics(self, pipeline: str) -> Iterator[MetricSpec]:
        """Tell the metrics of a filter: those listed, then what else samples have."""
        derived: dict[str, list[str]] = {}
        for name, source in sorted(self._unlisted.items()):
            if source is not None and (pipeline, name) in self._values:
                derived.setdefault(source, []).append(name)
        for metric in self._plan.metrics:
            names = derived.get(metric.name, [])
            if not names or self._values[pipeline, metric.name]:
                yield metric
            for name in names:
                yield replace(metric, name=name)
        if self._plan.dialect == "lm" and self._plan.process_results is not None:
            yield from self._averaged(pipeline)

    def _averaged(self, pipeline: str) -> Iterator[MetricSpec]:
        for name in sorted(self._unlisted):
            values = self._values.get((pipeline, name), {}).values()
            if values and all(_is_number(value) for value in values):
                yield MetricSpec(
                    name=name,
                    function=None,
                    aggregation=mean,
                    aggregation_name="mean",
                    higher_is_better=None,
                )


def aggregate_task(
    plan: ScoringPlan,
    samples: Iterable[SampleDict],
    *,
    bootstrap_iters: int = BOOTSTRAP_ITERATIONS,
) -> list[AggregateDict]:
    """Aggregate a task's samples: one row per filter and metric.

    Each metric sees the documents that have it. One that no document has, or whose
    aggregation raises, has no value; the others stand.

    Args:
        plan: How the task scores.
        samples: In any order.
        bootstrap_iters: Replicates for standard errors that have no formula; 0 for no
            standard errors at all.
    """
    tally = Tally(plan)
    for sample in samples:
        tally.add(sample)
    return tally.aggregates(bootstrap_iters=bootstrap_iters)


def task_hash(doc_hashes: Iterable[str]) -> str:
    """Hash the hashes of a task's documents, given in document order.

    >>> task_hash([])[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    for doc_hash in doc_hashes:
        digest.update(doc_hash.encode())
    return digest.hexdigest()


def _found_share(status: Any) -> float:
    if not isinstance(status, list):
        return float(status == "found")
    return mean([float(one == "found") for one in status])


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
        "method": "none: there is no value",
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
    return row


def _problem(value: Any, aggregation: str) -> str | None:
    if not isinstance(value, Real):
        return f"aggregation {aggregation!r} gave {type(value).__name__}, not a number"
    if math.isnan(value):
        return f"aggregation {aggregation!r} gave NaN"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and math.isfinite(value)
