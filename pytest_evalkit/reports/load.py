"""The figures of a run's requests on a terminal, where a load was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_evalkit.results.schema import ResultsDict, task_names
from pytest_evalkit.results.token_counting import TOLERANCE

# Below this share of failures latencies are those of nearly all requests.
_FEW_ERRORS = 0.01
_STATISTICS = ("mean", "p50", "p90", "p95", "p99")
_TIMES = (
    *("ttft_ms", "ttfo_ms", "tpot_ms", "itl_ms", "e2el_ms"),
    *("e2el_including_queue_ms", "client_queue_ms"),
)
_INDENT = " " * 8

_Load = Mapping[str, Any]


def load_lines(results: ResultsDict) -> list[str]:
    """Show what the requests of a run add up to; nothing where no load was asked for.

    Failures stand first: latencies are those of successful requests alone.

    Args:
        results: What the run concludes.
    """
    load = _asked(results)
    if load is None:
        return []
    figures = load_words(load)
    return [
        f"load    {figures[0]}",
        *(_INDENT + one for one in figures[1:]),
        *_times(load),
    ]


def load_words(load: _Load) -> list[str]:
    """Say how many requests there were, what became of them and how fast, a line each.

    Args:
        load: As it stands in the results.
    """
    return [_requests(load), _rates(load), *_conversations(load)]


def load_warnings(results: ResultsDict) -> list[str]:
    """Say what stands against the figures of a run's requests, a line each.

    Args:
        results: What the run concludes.
    """
    load: _Load = results.get("load", {})
    return list(_warnings(load, results)) if load else []


def client_words(load: _Load) -> str | None:
    """Say that the client was the limit, or could not send as asked; None where neither.

    Args:
        load: As it stands in the results.
    """
    client = load.get("client")
    if client is None or client["reason"] is None:
        return None
    who = "the client was the limit" if client["saturated"] else "not as asked"
    return f"{who}: {client['reason']}"


def _asked(results: ResultsDict) -> _Load | None:
    load: _Load = results.get("load", {})
    pattern = load.get("load_pattern")
    if pattern is None or not (pattern["is_asked"] or pattern["goodput"]):
        return None
    return load


def _requests(load: _Load) -> str:
    counts, rate = load["n_requests"], load["error_rate"]
    failed = f"{counts['errored']:,} of {sum(counts.values()):,} requests failed"
    told = failed if rate is None else f"{failed} ({rate:.1%})"
    others = [
        f"{counts[status]:,} {status}"
        for status in ("incomplete", "skipped")
        if counts[status]
    ]
    return ", ".join([told, *others, _pattern(load["load_pattern"])])


def _pattern(pattern: _Load) -> str:
    told = [pattern["name"]]
    if pattern["concurrency"] is not None:
        told.append(f"{pattern['concurrency']}")
    if pattern["target_qps"] is not None:
        told.append(f"{pattern['target_qps']:g}/s")
    if pattern["max_concurrency"] is not None:
        told.append(f"up to {pattern['max_concurrency']} in flight")
    return "load pattern " + " ".join(told)


def _rates(load: _Load) -> str:
    told = [
        f"{load[name]:,.1f} {words}"
        for name, words in (
            ("request_throughput", "requests/s"),
            ("output_throughput", "output tokens/s"),
            ("total_token_throughput", "tokens/s"),
        )
        if load[name] is not None
    ]
    good = load["good_request_fraction"]
    if good is not None:
        told.append(f"{good:.1%} good ({load['load_pattern']['goodput']})")
    told.append(f"at most {load['peak_concurrency']} in flight")
    return ", ".join(told)


def _conversations(load: _Load) -> Iterator[str]:
    found = load["conversations"]
    if found is None:
        return
    told = f"{found['n_conversations']:,} conversations"
    if found["conversations_per_s"] is not None:
        told += f", {found['conversations_per_s']:,.2f} whole ones/s"
    yield f"{told}, {found['dropped_turns']:,} turns dropped"


def _times(load: _Load) -> list[str]:
    metrics: Mapping[str, _Load] = load["metrics"]
    names = [name for name in _TIMES if metrics[name]["n"]]
    if not names:
        return []
    rows: list[Sequence[str]] = [("", *_STATISTICS, "n")]
    for name in names:
        one = metrics[name]
        rows.append(
            (name, *(f"{one[key]:,.1f}" for key in _STATISTICS), f"{one['n']:,}")
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        _INDENT
        + "  ".join(
            f"{cell:{'>' if place else '<'}{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _warnings(load: _Load, results: ResultsDict) -> Iterator[str]:
    rate = load.get("error_rate")
    if _asked(results) is not None and rate is not None and rate > _FEW_ERRORS:
        yield (
            f"load    {rate:.1%} of the requests failed: latencies are those of the "
            "others"
        )
    limit = client_words(load)
    if limit is not None:
        yield f"load    {limit}"
    yield from _token_warnings(load)
    warmup = load.get("warmup")
    if warmup is not None and warmup["failed"]:
        yield (
            f"load    {warmup['failed']:,} of {warmup['requests']:,} warm-up requests "
            "failed"
        )
    if load.get("ended") is not None:
        counts = [results["coverage"][task] for task in task_names(results)]
        skipped = sum(count["skipped"] for count in counts)
        yield f"load    it ended, {skipped:,} documents were skipped: {load['ended']}"


def _token_warnings(load: _Load) -> Iterator[str]:
    """Say where counts of tokens are not what they should be."""
    counting = load.get("token_counting")
    if counting is None:
        return
    if counting["without_template"]:
        yield (
            f"load    of {counting['without_template']:,} requests tokens were counted "
            f"without the chat template, by texts alone: {counting['problem']}"
        )
    apart = [
        _apart(kind, compared)
        for kind, compared in counting["compared"].items()
        if abs(compared["difference"] or 0) > TOLERANCE
    ]
    if apart:
        yield (
            f"load    the tokenizer counts {' and '.join(apart)} than the server: is it "
            "the model's own?"
        )


def _apart(kind: str, compared: _Load) -> str:
    difference: float = compared["difference"]
    return (
        f"{abs(difference):.1%} {'more' if difference > 0 else 'fewer'} "
        f"{kind.replace('_', ' ')} ({compared['here']:,} against {compared['server']:,})"
    )
