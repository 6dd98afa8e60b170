"""What a run says of the endpoint: figures of its requests, and the load behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_evalkit.engine.issuing import DRAIN_S
from pytest_evalkit.engine.load_pattern import SEED
from pytest_evalkit.results.conclusion import RunRecord
from pytest_evalkit.results.schema import ClientDict, LimitDict, WarmUpDict
from pytest_evalkit.results.token_counting import counting_dict, source_of
from pytest_evalkit.stats.client_limit import client_limit
from pytest_evalkit.stats.goals import parse_goals
from pytest_evalkit.stats.load_figures import load_figures

LoadDict = dict[str, Any]

_LEAST_LOOKS = 100

# Options that say more of a load pattern, by their names.
_SETTINGS = (
    *("target_qps", "burstiness", "max_concurrency", "load_seed", "duration"),
    *("warmup_requests", "drain_timeout", "max_error_rate", "goodput"),
)


def load_of(record: RunRecord, options: Mapping[str, Any]) -> LoadDict:
    """Write what the requests of a run add up to.

    Args:
        record: What its journals say.
        options: The options in force, by name.

    Returns:
        What ``load_figures`` returns, ``load_pattern``, ``client``, ``warmup``, ``ended``,
        ``token_source``, which says who counted tokens, and ``token_counting``.
    """
    goals = options.get("goodput")
    figures = load_figures(
        record.requests,
        parse_goals(goals) if goals else None,
        is_conservative=bool(options.get("gate_conservative")),
    )
    pattern = pattern_dict(options, record.limits)
    sources = record.requests.token_sources()
    return {
        **figures,
        "token_source": source_of(sources),
        "token_counting": counting_dict(record.load.counted, sources),
        "load_pattern": pattern,
        "client": _client(record.load.clients, figures, pattern),
        "warmup": _warmed(record.load.warmed),
        "ended": record.load.ended,
    }


def _client(
    clients: Sequence[ClientDict], figures: LoadDict, pattern: LoadDict
) -> LoadDict | None:
    """Write how late the client was; of several processes, the latest counts."""
    if not pattern["is_asked"]:
        return None
    most = max((one["max_loop_lag_ms"] for one in clients), default=None)
    p99 = max((one["p99_loop_lag_ms"] for one in clients), default=None)
    # Of fewer looks the 99th percentile is the largest lag: one of them is no limit.
    usual = [one["p99_loop_lag_ms"] for one in clients if one["looks"] >= _LEAST_LOOKS]
    saturated, reason = client_limit(
        figures,
        max(usual, default=None),
        pattern["target_qps"],
        pattern["max_concurrency"],
    )
    return {
        "max_loop_lag_ms": most,
        "p99_loop_lag_ms": p99,
        "saturated": saturated,
        "reason": reason,
    }


def _warmed(warmed: Sequence[WarmUpDict]) -> LoadDict | None:
    if not warmed:
        return None
    return {
        "requests": sum(one["requests"] for one in warmed),
        "failed": sum(one["failed"] for one in warmed),
    }


def pattern_dict(
    options: Mapping[str, Any], limits: Sequence[LimitDict] = ()
) -> LoadDict:
    """Write how requests followed each other, with every setting.

    Args:
        options: The options in force, by name.
        limits: How many requests could be in flight, as it was set over time.

    Returns:
        ``name`` and the settings, None for what was not set. A run that asked for no
        pattern, which ``is_asked`` tells, had as many requests in flight as it could:
        ``concurrency`` of them, None where the number moved or is not known.
    """
    concurrency, name = options.get("concurrency"), options.get("load_pattern")
    is_asked = name is not None or concurrency is not None
    settings = {key: options.get(key) for key in _SETTINGS}
    if settings["load_seed"] is None and _is_drawn(name, settings):
        settings["load_seed"] = SEED
    may_end = settings["duration"] or settings["max_error_rate"] is not None
    if settings["drain_timeout"] is None and may_end:
        settings["drain_timeout"] = DRAIN_S
    return {
        "name": name or "concurrency",
        "is_asked": is_asked,
        "concurrency": concurrency if is_asked else _most_in_flight(limits),
        **settings,
    }


def _is_drawn(name: str | None, settings: LoadDict) -> bool:
    """Tell whether a schedule was drawn; options of runs that were merged may differ."""
    return settings["target_qps"] is not None and (
        name == "poisson" or settings["burstiness"] is not None
    )


def _most_in_flight(limits: Iterable[LimitDict]) -> int | None:
    """Tell how many requests all processes together could have in flight."""
    fixed: dict[int, int] = {}
    for limit in limits:
        if limit["reason"] != "fixed":
            return None
        worker = limit.get("worker", 0)
        fixed[worker] = max(fixed.get(worker, 0), limit["limit"])
    return sum(fixed.values()) if fixed else None
