"""From what a run found out to the document it leaves: ``results.json``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_evalkit.models.masking import masked
from pytest_evalkit.results.drops import Drops
from pytest_evalkit.results.early_stop import EarlyStop
from pytest_evalkit.results.gate_verdicts import judge_all
from pytest_evalkit.results.gates import Gate
from pytest_evalkit.results.schema import (
    RESULTS_SCHEMA_VERSION,
    AggregateDict,
    CacheDict,
    CoverageDict,
    LimitDict,
    ResultsDict,
    SampleCountDict,
    SessionRowDict,
)
from pytest_evalkit.results.secrets import without_secrets

# Options that readers of lm-eval files look up in ``config`` itself.
_CONFIG_OPTIONS = (
    "model_args",
    "batch_size",
    "device",
    "use_cache",
    "limit",
    "offset",
    "gen_kwargs",
    "seed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskConclusion:
    """What a run concludes about one task.

    Attributes:
        name: Name of the task.
        alias: What tables call it.
        config: The task file as it was resolved, in JSON values.
        version: Version of the task, as its file says.
        num_fewshot: Worked examples in each prompt.
        directions: ``higher_is_better`` by metric.
        aggregates: One row per filter and metric.
        coverage: How many documents the rows rest on.
        error_kinds: Documents in error by kind; empty where there are none.
        task_hash: Hash of the documents.
        fingerprint: What identifies the data set's content.
        partial: Why the figures are not the task's, such as ``-k selected 3 of 300
            documents``; None where all documents were meant to run.
        stop: Where it ended early, or None.
    """

    name: str
    alias: str
    config: Mapping[str, Any]
    version: Any
    num_fewshot: int
    directions: Mapping[str, bool | None]
    aggregates: Sequence[AggregateDict]
    coverage: CoverageDict
    error_kinds: Mapping[str, int] = field(default_factory=dict)
    task_hash: str
    fingerprint: str
    partial: str | None = None
    stop: EarlyStop | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupConclusion:
    """What a run concludes about a group of tasks.

    Attributes:
        name: Name of the group.
        alias: What tables call it.
        version: Version of the group, as its file says.
        members: Its direct children: names of groups and tasks.
        num_fewshot: Worked examples in each prompt, or None where its tasks differ.
        directions: ``higher_is_better`` by metric of its tasks; None where they differ.
        aggregates: One row per metric and filter that it averages; empty where it only
            gathers tasks.
        coverage: How many documents of its tasks the rows rest on.
        partial: Why the figures are not the group's, or None.
    """

    name: str
    alias: str
    version: Any
    members: tuple[str, ...]
    num_fewshot: int | None
    directions: Mapping[str, bool | None]
    aggregates: Sequence[AggregateDict]
    coverage: CoverageDict
    partial: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What a run is, whatever its tasks.

    Attributes:
        model_name: What the results call the model.
        model_description: How its answers came about.
        judge: Who judged and how, by ``name`` and ``description``; None for nobody.
        options: Every option in force, by its name with underscores.
        git_hash: Commit of the working directory, or None outside a repository.
        started_at: Start of the run, in seconds since 1970 (UTC).
        elapsed_s: Seconds it took.
        complete: Whether everything it set out to do was done.
        environment: Versions of what took part.
        usage: Tokens, summed.
        throughput: What was done each second.
        latency: What a request took, in seconds.
        load: Figures of the requests, and how they followed each other.
        concurrency: How many requests could be in flight, as it was set over time.
        sources: The runs that it rests on, by the key of ``config`` that names them.
        cache: What became of its requests in the response cache; None without one.
        sessions: Its sessions, in order.
        resumed: By task, how many documents were taken from sessions before the last.
    """

    model_name: str
    model_description: Mapping[str, Any]
    judge: Mapping[str, Any] | None = None
    options: Mapping[str, Any]
    git_hash: str | None
    started_at: float
    elapsed_s: float
    complete: bool
    environment: Mapping[str, Any]
    usage: Mapping[str, Any] = field(default_factory=dict)
    throughput: Mapping[str, Any] = field(default_factory=dict)
    latency: Mapping[str, Any] = field(default_factory=dict)
    load: Mapping[str, Any] = field(default_factory=dict)
    concurrency: Sequence[LimitDict] = ()
    sources: Mapping[str, Any] = field(default_factory=dict)
    cache: CacheDict | None = None
    sessions: Sequence[SessionRowDict] = ()
    resumed: Mapping[str, int] = field(default_factory=dict)


def build_results(
    tasks: Sequence[TaskConclusion],
    run: RunFacts,
    gates: Sequence[Gate] = (),
    groups: Sequence[GroupConclusion] = (),
    drops_in: Callable[[ResultsDict], Drops] | None = None,
) -> ResultsDict:
    """Write down what a run concludes, its gates judged.

    Args:
        tasks: The tasks, in the order of the run.
        run: The rest.
        gates: Conditions on the figures of tasks and groups.
        groups: The groups that were asked for, outer ones first.
        drops_in: Holds what is concluded, but for gates, against a baseline; None
            without one.
    """
    both: list[TaskConclusion | GroupConclusion] = [*tasks, *groups]
    results = _unjudged(tasks, run, groups)
    partial = {each.name: each.partial for each in both if each.partial is not None}
    drops = None if drops_in is None else drops_in(results)
    stops = {task.name: task.stop for task in tasks if task.stop is not None}
    results["gates"] = judge_all(gates, results, partial, drops, stops)
    return results


def _unjudged(
    tasks: Sequence[TaskConclusion], run: RunFacts, groups: Sequence[GroupConclusion]
) -> ResultsDict:
    both: list[TaskConclusion | GroupConclusion] = [*tasks, *groups]
    results: ResultsDict = {
        "schema_version": RESULTS_SCHEMA_VERSION,
        "complete": run.complete,
        "results": {each.name: _row(each) for each in both},
        "aggregates": {each.name: list(each.aggregates) for each in both},
        "groups": {group.name: _row(group) for group in groups if group.aggregates},
        "group_subtasks": {group.name: list(group.members) for group in groups},
        "configs": {task.name: masked(task.config) for task in tasks},
        "versions": {each.name: each.version for each in both},
        "n-shot": {
            each.name: each.num_fewshot for each in both if each.num_fewshot is not None
        },
        "n-samples": {task.name: _counts(task) for task in tasks},
        "higher_is_better": {each.name: dict(each.directions) for each in both},
        "coverage": {each.name: each.coverage for each in both},
        "errors": {task.name: dict(task.error_kinds) for task in tasks},
        "gates": [],
        "usage": dict(run.usage),
        "throughput": dict(run.throughput),
        "latency": dict(run.latency),
        "load": dict(run.load),
        "cache": run.cache,
        "concurrency": list(run.concurrency),
        "task_hashes": {task.name: task.task_hash for task in tasks},
        "dataset_fingerprints": {task.name: task.fingerprint for task in tasks},
        "sessions": list(run.sessions),
        "resumed": dict(run.resumed),
        "config": _config(run),
        "environment": without_secrets(run.environment),
        "model_name": run.model_name,
        "git_hash": run.git_hash,
        "date": run.started_at,
        "total_evaluation_time_seconds": run.elapsed_s,
    }
    if run.options.get("predict_only"):
        results["predict_only"] = True
    return results


def _row(each: TaskConclusion | GroupConclusion) -> dict[str, Any]:
    scored = each.coverage["scored"] + each.coverage.get("answered", 0)
    row: dict[str, Any] = {
        "alias": each.alias,
        "samples": scored,
        "sample_len": scored,
    }
    if isinstance(each, GroupConclusion) and each.aggregates:
        row["sample_count"] = {
            f"{aggregate['metric']},{aggregate['filter']}": aggregate["n"]
            for aggregate in each.aggregates
        }
    for aggregate in each.aggregates:
        metric, pipeline = aggregate["metric"], aggregate["filter"]
        stderr = aggregate["stderr"]
        row[f"{metric},{pipeline}"] = aggregate["value"]
        row[f"{metric}_stderr,{pipeline}"] = "N/A" if stderr is None else stderr
    return row


def _counts(task: TaskConclusion) -> SampleCountDict:
    coverage = task.coverage
    effective = coverage["selected"] - coverage.get("saved", 0)
    return {"original": coverage["original"], "effective": effective}


def _config(run: RunFacts) -> dict[str, Any]:
    options = without_secrets(run.options)
    return {
        "model": run.model_name,
        **{name: options[name] for name in _CONFIG_OPTIONS if name in options},
        "model_description": without_secrets(run.model_description),
        **run.sources,
        **({} if run.judge is None else {"judge": without_secrets(run.judge)}),
        "resolved_cli_args": options,
    }
