"""Results of lm-evaluation-harness and lmms-eval, read as if they were ours.

What their files do not tell is left empty, never made up: nothing is known of errors,
latency or sessions, and a document that got no answer is among those with a score.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NotRequired, TypedDict, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pytest_evalkit.codec import convert
from pytest_evalkit.results.schema import (
    RESULTS_SCHEMA_VERSION,
    AggregateDict,
    CoverageDict,
    ResultsDict,
)
from pytest_evalkit.results.secrets import without_secrets
from pytest_evalkit.stats import interval95

LM_EVAL = "lm-eval"
LMMS_EVAL = "lmms-eval"
# The metric that stands for answers that were recorded and not scored.
NOT_SCORED = "bypass"
_KEYS = ("results", "configs", "versions")
_UNVERSIONED = "Yaml"
# What of a row is no metric, though its name has the form of one.
_DERIVED = re.compile(r"_stderr(_clt|_clustered)?$")
# Where a function was in memory, which no two runs have in common.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_LMMS_DATES = ("%Y%m%d_%H%M%S", "%Y%m%d_%H%M")
_LMMS_ZONE = "Asia/Singapore"
_TOKENS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")
_VERSIONS = ("lm_eval_version", "lmms_eval_version", "transformers_version")

# What is looked at without asking of what kind it is.
_TheirsDict = TypedDict(
    "_TheirsDict",
    {
        "results": dict[str, dict[str, Any]],
        "configs": dict[str, dict[str, Any]],
        "versions": dict[str, Any],
        "groups": NotRequired[dict[str, Any] | None],
        "group_subtasks": NotRequired[dict[str, list[str]] | None],
        "n-shot": NotRequired[dict[str, Any] | None],
        "n-samples": NotRequired[dict[str, dict[str, Any]] | None],
        "higher_is_better": NotRequired[dict[str, Any] | None],
        "task_hashes": NotRequired[dict[str, str] | None],
        "git_hash": NotRequired[str | None],
    },
)


def system_of(value: object) -> str | None:
    """Tell which of the two wrote a decoded file: ``lm-eval``, ``lmms-eval`` or None.

    Args:
        value: What a JSON file holds.
    """
    if not isinstance(value, dict) or "schema_version" in value:
        return None
    if not all(isinstance(value.get(key), dict) for key in _KEYS):
        return None
    config = value.get("config")
    is_lmms = "lmms_eval_version" in value or isinstance(value.get("date"), str)
    if isinstance(config, dict) and "model_backend" in config:
        is_lmms = True
    return LMMS_EVAL if is_lmms else LM_EVAL


def results_of_theirs(value: Mapping[str, Any], written_at: float) -> ResultsDict:
    """Write their results in our form.

    Args:
        value: What their file holds; ``system_of`` knows it.
        written_at: When the file was last written, in seconds since 1970 (UTC): the
            date where its own cannot be read.
    """
    parts = {**_of_tasks(value), **_of_run(value, written_at)}
    return cast("ResultsDict", parts)


def _of_tasks(value: Mapping[str, Any]) -> dict[str, Any]:
    """Write what they concluded of tasks and groups."""
    rows, groups = value["results"], _groups(value)
    tasks = [name for name in rows if name not in groups]
    names = [*tasks, *groups]
    averaged = value.get("groups") or {}
    counts = {name: _coverage(value, name) for name in names}
    shots = value.get("n-shot") or {}
    return {
        "results": {name: _plain_row(name, rows.get(name, {})) for name in names},
        "aggregates": {name: list(_aggregates(value, name)) for name in names},
        "groups": {
            name: _plain_row(name, rows[name]) for name in groups if name in averaged
        },
        "group_subtasks": groups,
        "configs": {
            name: without_secrets(_settled(config))
            for name, config in value["configs"].items()
        },
        "versions": {name: _version(value["versions"].get(name)) for name in names},
        "n-shot": {name: n for name, n in shots.items() if isinstance(n, int)},
        "n-samples": {
            name: {
                "original": counts[name]["original"],
                "effective": counts[name]["selected"],
            }
            for name in tasks
        },
        "higher_is_better": {name: _directions(value, name) for name in names},
        "coverage": counts,
        "errors": {name: {} for name in tasks},
        "task_hashes": dict(value.get("task_hashes") or {}),
    }


def _of_run(value: Mapping[str, Any], written_at: float) -> dict[str, Any]:
    """Write what they tell of the run as a whole."""
    version = value.get("lmms_eval_version") or value.get("lm_eval_version")
    elapsed_s = _number(value.get("total_evaluation_time_seconds"))
    return {
        "schema_version": RESULTS_SCHEMA_VERSION,
        "written_by": " ".join(str(s) for s in (system_of(value), version) if s),
        "complete": True,
        "gates": [],
        "usage": _usage(value),
        "throughput": {},
        "latency": {},
        "cache": None,
        "concurrency": [],
        "dataset_fingerprints": {},
        "sessions": [],
        "resumed": {},
        "config": without_secrets(_options(value)),
        "environment": {key: value[key] for key in _VERSIONS if value.get(key)},
        "model_name": _model_name(value),
        "git_hash": value.get("git_hash") or None,
        "date": _date(value, written_at),
        "total_evaluation_time_seconds": elapsed_s or 0.0,
    }


def require_theirs(value: Mapping[str, Any]) -> None:
    """Refuse what has the keys of their results and not the shapes.

    Raises:
        CodecError: It is so; says what of it is of another form.
    """
    convert(value, _TheirsDict)


def filters_of(results: ResultsDict, task: str) -> list[str]:
    """Name the filters of a task, in the order of its figures."""
    rows = results["aggregates"].get(task, ())
    return list(dict.fromkeys(row["filter"] for row in rows))


def _groups(value: Mapping[str, Any]) -> dict[str, list[str]]:
    """List groups with their members; older files list tasks there too, without any."""
    told = value.get("group_subtasks") or {}
    known = value["results"]
    return {
        name: [member for member in members if member in known]
        for name, members in told.items()
        if name in known and name not in value["configs"] and members
    }


def _plain_row(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    alias = row.get("alias")
    plain = {key: each for key, each in row.items() if key.strip()}
    # Depth in the tree of groups stands before the name as a list's mark.
    plain["alias"] = alias.strip(" -") if isinstance(alias, str) else name
    return plain


def _aggregates(value: Mapping[str, Any], name: str) -> Iterator[AggregateDict]:
    row = value["results"].get(name) or {}
    directions = _directions(value, name)
    for key, figure in row.items():
        metric, comma, pipeline = key.rpartition(",")
        if not comma or metric == NOT_SCORED or _DERIVED.search(metric):
            continue
        stderr = _number(row.get(f"{metric}_stderr,{pipeline}"))
        found = _number(figure)
        aggregate: AggregateDict = {
            "metric": metric,
            "filter": pipeline,
            "value": found,
            "stderr": stderr,
            "ci95": None,
            "n": _count(value, name, key),
            "higher_is_better": directions.get(metric),
            "method": "none: its file has no standard error",
        }
        if found is not None and stderr:
            aggregate["ci95"] = interval95(found, stderr)
            aggregate["method"] = "normal, by the recorded standard error"
        for kind in ("clt", "clustered"):
            other = _number(row.get(f"{metric}_stderr_{kind},{pipeline}"))
            if other is not None:
                aggregate[f"stderr_{kind}"] = other  # type: ignore[literal-required]
        yield aggregate


def _count(value: Mapping[str, Any], name: str, key: str) -> int:
    own = (value["results"].get(name) or {}).get("sample_count") or {}
    count = own.get(key)
    return count if isinstance(count, int) else _coverage(value, name)["scored"]


def _coverage(value: Mapping[str, Any], name: str) -> CoverageDict:
    """Count documents; of a group those of its tasks."""
    members = _groups(value).get(name)
    if members is not None:
        counts = [_coverage(value, member) for member in members if member != name]
        original = sum(count["original"] for count in counts)
        selected = sum(count["selected"] for count in counts)
    else:
        told = (value.get("n-samples") or {}).get(name) or {}
        length = (value["results"].get(name) or {}).get("sample_len")
        selected = int(_number(told.get("effective", length)) or 0)
        original = int(_number(told.get("original")) or selected)
    return {
        "original": original,
        "selected": selected,
        "scored": selected,
        "errors": 0,
        "skipped": 0,
    }


def _directions(value: Mapping[str, Any], name: str) -> dict[str, bool | None]:
    told = (value.get("higher_is_better") or {}).get(name)
    if not isinstance(told, dict):
        return {}
    return {
        metric: higher if isinstance(higher, bool) else None
        for metric, higher in told.items()
    }


def _number(value: Any) -> float | None:
    """Read a number that may have been written as a text; None of anything else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def _version(version: Any) -> Any:
    return None if version == _UNVERSIONED else version


def _settled(config: Any) -> Any:
    """Copy settings without what differs from run to run of the same task."""
    if isinstance(config, dict):
        return {key: _settled(each) for key, each in config.items()}
    if isinstance(config, list):
        return [_settled(each) for each in config]
    return _ADDRESS.sub("", config) if isinstance(config, str) else config


def _options(value: Mapping[str, Any]) -> dict[str, Any]:
    config = value.get("config")
    options = dict(config) if isinstance(config, dict) else {}
    if not isinstance(options.get("resolved_cli_args", {}), dict):
        del options["resolved_cli_args"]
    return options


def _model_name(value: Mapping[str, Any]) -> str:
    config = value.get("config")
    given = config.get("model") if isinstance(config, dict) else None
    for name in (value.get("model_name"), given, value.get("model_source")):
        if isinstance(name, str) and name:
            return name
    return ""


def _usage(value: Mapping[str, Any]) -> dict[str, Any]:
    told = value.get("usage")
    total = told.get("total") if isinstance(told, dict) else None
    if not isinstance(total, dict):
        return {}
    return {
        key: int(count)
        for key in _TOKENS
        for count in [_number(total.get(key))]
        if count is not None
    }


def _date(value: Mapping[str, Any], written_at: float) -> float:
    date = value.get("date")
    if isinstance(date, int | float) and math.isfinite(date):
        return float(date)
    for form in _LMMS_DATES:
        try:
            found = datetime.strptime(str(date), form)  # noqa: DTZ007 - zone follows
        except ValueError:
            continue
        return found.replace(tzinfo=_zone(value)).timestamp()
    return written_at


def _zone(value: Mapping[str, Any]) -> ZoneInfo:
    """Find the zone of a date: lmms-eval writes its own by default."""
    options = _options(value).get("resolved_cli_args", {})
    try:
        return ZoneInfo(str(options.get("timezone") or _LMMS_ZONE))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
