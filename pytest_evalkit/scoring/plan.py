"""How a task scores: its filters and metrics, resolved to functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# (responses of one document, one per repeat; the document) -> filtered responses.
Filter = Callable[[Sequence[Any], Mapping[str, Any]], Any]
Aggregation = Callable[[Sequence[Any]], Any]
ProcessResults = Callable[[Mapping[str, Any], list[Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterPipeline:
    """Filters applied one after another to the responses of one document.

    Attributes:
        name: Key of the pipeline in the results, such as ``strict-match``.
        steps: The filters, in order.
    """

    name: str
    steps: tuple[Filter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """A metric of a task: how a document gets its value, how values become one.

    Attributes:
        name: Key of the metric in samples and results.
        function: Called with ``references``, ``predictions`` and ``kwargs``; None
            where the task's own ``process_results`` gives the value.
        kwargs: Keyword arguments for ``function``.
        aggregation: Turns the documents' values, in document order, into one number.
        aggregation_name: Name of the aggregation; decides the standard error.
        higher_is_better: Direction, or None where there is none.
    """

    name: str
    function: Callable[..., Any] | None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    aggregation: Aggregation
    aggregation_name: str
    higher_is_better: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringPlan:
    """Everything needed to score the documents of one task.

    Attributes:
        pipelines: At least one; without any in the task, ``none``: the first response.
        metrics: In the order of the task file; the first is the task's primary one.
        process_results: The task's own scorer, or None for the metrics' functions.
    """

    pipelines: tuple[FilterPipeline, ...]
    metrics: tuple[MetricSpec, ...]
    process_results: ProcessResults | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The scores of one document under one filter.

    Attributes:
        filter: Name of the pipeline.
        filtered: What the pipeline made of the responses.
        metrics: Value by metric; a metric that does not apply to the document is absent.
    """

    filter: str
    filtered: Any
    metrics: Mapping[str, Any]
