"""The wire form of ``results.json``.

Keys that readers of lm-eval and lmms-eval results parse keep their names and shapes;
the rest says how far the numbers can be trusted.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

RESULTS_SCHEMA_VERSION = 1

Verdict = Literal["pass", "fail", "inconclusive"]


class RepeatFigureDict(TypedDict):
    """What the answers to documents that were asked several times tell together.

    ``figure`` is ``mean@k``, ``pass@j``, ``majority@k``, ``within_variance`` or
    ``consistency``; ``value`` is the mean over ``n`` documents of what each tells,
    ``method`` how its interval was made, or after ``none: `` why it was not.
    """

    figure: str
    value: float
    stderr: float | None
    ci95: tuple[float, float] | None
    n: int
    method: str


class AggregateDict(TypedDict):
    """One aggregated metric of one task, or of a group of tasks, under one filter.

    ``value`` is None where there was nothing to aggregate or aggregating failed;
    ``stderr`` and ``ci95`` are None where there is none. ``method`` says how ``ci95``
    was made, or after ``none: `` why it was not; ``clusters`` is how many independent
    clusters of documents it rests on, where documents depend on each other, and
    ``replicates`` how often documents were drawn anew. ``intervals`` has those of other
    levels that gates ask for, by level, such as ``0.9``.
    ``stderr_clustered`` is there where documents depend on each other, ``stderr_clt``,
    the standard error of the mean of the values, where the aggregation has none of its
    own and the values are or hold numbers. ``parse_rate``, from 0 to 1, is there where
    answers are read by a filter or scorer that tells how: the share of them in which an
    answer was found, each document counting once. ``repeats`` is there where documents
    were asked several times and each answer has a score of its own. A group's also says on how many ``tasks`` it
    rests, and what was ``missing`` where it has no value.
    """

    metric: str
    filter: str
    value: float | None
    stderr: float | None
    ci95: tuple[float, float] | None
    n: int
    higher_is_better: bool | None
    method: NotRequired[str]
    clusters: NotRequired[int]
    replicates: NotRequired[int]
    intervals: NotRequired[dict[str, tuple[float, float]]]
    stderr_clustered: NotRequired[float]
    stderr_clt: NotRequired[float]
    parse_rate: NotRequired[float]
    repeats: NotRequired[list[RepeatFigureDict]]
    error: NotRequired[str]
    tasks: NotRequired[int]
    missing: NotRequired[str]


class CoverageDict(TypedDict):
    """How many of a task's, or a group's, documents the numbers rest on.

    ``original`` is the size of the split, ``selected`` what this run set out to do.
    ``answered`` is there where answers were recorded and not scored, ``saved`` where
    the task was stopped early: so many documents were not needed, and are in no figure.
    """

    original: int
    selected: int
    scored: int
    errors: int
    skipped: int
    answered: NotRequired[int]
    saved: NotRequired[int]


class GateDict(TypedDict):
    """One condition and what became of it. ``value`` is None where there was none.

    Of a gate on a drop, ``value`` is how much worse the metric is than in the baseline,
    ``baseline`` its value there, and ``p_value`` how likely so large a difference is
    where there is none, adjusted over the drops that the run's gates are about.
    ``interval`` is that of the value, of ``level``; ``documents`` is how many would
    decide the gate, where ``n`` do not. They are None where they are not known.
    ``unproven`` is there, and true, where a gate with a confidence is inconclusive
    although all documents were run.
    ``saved`` is there where the gate was decided early: so many documents were not
    needed, and ``interval`` holds wherever one stops.
    """

    task: str
    metric: str
    filter: str
    condition: str
    value: float | None
    bound: float
    verdict: Verdict
    message: str
    n: NotRequired[int | None]
    interval: NotRequired[tuple[float, float] | None]
    level: NotRequired[float | None]
    documents: NotRequired[int | None]
    baseline: NotRequired[float | None]
    p_value: NotRequired[float | None]
    saved: NotRequired[int]
    unproven: NotRequired[bool]


class LimitDict(TypedDict):
    """A number of requests in flight that was set: when, in seconds of the run, and why.

    ``worker`` is there where several processes ran, each with its own limit.
    """

    t_s: float
    limit: int
    reason: str
    worker: NotRequired[int]


class BudgetDict(TypedDict):
    """What a run could spend and has spent, by its samples; None where not counted.

    ``spent`` says what was spent when a request was refused for it; None for no such one.
    """

    max_total_tokens: int | None
    max_cost_usd: float | None
    total_tokens: int | None
    cost_usd: float | None
    spent: str | None


class ClientDict(TypedDict):
    """By how many milliseconds the event loop of one process was late, at most and p99.

    ``looks`` says how often it was looked at, while requests were in flight.
    """

    process: str
    looks: int
    max_loop_lag_ms: float
    p99_loop_lag_ms: float


class WarmUpDict(TypedDict):
    """What one process sent before it measured: requests, and how many of them failed."""

    process: str
    requests: int
    failed: int


class CacheDict(TypedDict):
    """What became of the requests of a run that had a response cache.

    ``hits`` were answered from it, ``misses`` asked; ``stores`` of the answers were new
    to it. ``sampled`` were asked without looking, as sampled answers are not kept.
    """

    hits: int
    misses: int
    stores: int
    sampled: int


class SessionRowDict(TypedDict):
    """One session of a run: the first, or one that resumed it.

    ``date`` is when it began, in seconds since 1970 (UTC), ``seconds`` how long it was
    until its last document ended, and ``differences`` in what it was not like the one
    before, where the user went on all the same.
    """

    session: int
    date: float
    seconds: float
    differences: list[str]


class SampleCountDict(TypedDict):
    """Documents of a task: ``original`` in its split, ``effective`` in this run."""

    original: int
    effective: int


# All that a run concludes. ``written_by`` is there where another system wrote it. It is written as a call because readers of lm-eval files
# expect keys with a hyphen.
ResultsDict = TypedDict(
    "ResultsDict",
    {
        "schema_version": int,
        "predict_only": NotRequired[bool],
        "written_by": NotRequired[str],
        "complete": bool,
        "results": dict[str, dict[str, Any]],
        "aggregates": dict[str, list[AggregateDict]],
        "groups": dict[str, dict[str, Any]],
        "group_subtasks": dict[str, list[str]],
        "configs": dict[str, dict[str, Any]],
        "versions": dict[str, Any],
        "n-shot": dict[str, int],
        "n-samples": dict[str, SampleCountDict],
        "higher_is_better": dict[str, dict[str, bool | None]],
        "coverage": dict[str, CoverageDict],
        "errors": dict[str, dict[str, int]],
        "gates": list[GateDict],
        "usage": dict[str, Any],
        "throughput": dict[str, Any],
        "latency": dict[str, Any],
        "load": NotRequired[dict[str, Any]],
        "cache": CacheDict | None,
        "concurrency": list[LimitDict],
        "task_hashes": dict[str, str],
        "dataset_fingerprints": dict[str, str],
        "sessions": list[SessionRowDict],
        "resumed": dict[str, int],
        "config": dict[str, Any],
        "environment": dict[str, Any],
        "model_name": str,
        "git_hash": str | None,
        "date": float,
        "total_evaluation_time_seconds": float,
    },
)


def task_names(results: ResultsDict) -> list[str]:
    """Name the tasks of a run, without the groups whose figures stand beside theirs."""
    groups = results["group_subtasks"]
    return [name for name in results["aggregates"] if name not in groups]
