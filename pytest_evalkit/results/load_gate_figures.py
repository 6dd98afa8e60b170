"""The figures of load that gates may name, such as ``ttft_ms.p95``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.naming import suggestion
from pytest_evalkit.stats.floors import sample_floor

ERROR_RATE = "error_rate"
"""The share of requests that failed, of all that ended."""

_PERCENTILE = re.compile(r"p(\d+)")
_FRACTIONS = (ERROR_RATE, "good_request_fraction")
_HIGHER_IS_BETTER = frozenset(
    {
        *("request_throughput", "output_throughput", "total_token_throughput"),
        *("request_goodput", "good_request_fraction", "achieved_qps"),
        *("conversations_per_s", "e2e_avg_interactivity"),
    }
)
_LOWER_IS_BETTER = frozenset({ERROR_RATE, "dropped_turns"})
_TIMES = ("_ms", "_ms_first_turn", "_ms_last_turn", "_ms_by_turn", "e2e_s")
# What says how figures came about, and is none.
_NO_FIGURES = frozenset(
    {
        *("load_pattern", "client", "percentile_method"),
        *("token_source", "token_counting"),
    }
)
# What is listed by itself, or is no figure.
_APART = _NO_FIGURES | {"metrics", "conversations", "distributions", "over_time"}
_UPPERS = "conservative"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFigure:
    """A figure of the requests of a run.

    Attributes:
        name: What gates call it.
        value: The figure, or None where it is not defined.
        n: How many requests, or conversations, it rests on; None where nothing counts
            them.
        percent: Of a percentile, which; else None.
        upper: Of a percentile, a value that the true one exceeds in one case of a
            hundred at most; None where that was not asked for, or there are too few.
    """

    name: str
    value: float | None
    n: int | None
    percent: int | None = None
    upper: float | None = None

    @property
    def root(self) -> str:
        """Its name without which statistic it is."""
        return self.name.partition(".")[0]

    @property
    def is_time(self) -> bool:
        """Whether it is of the times of those requests alone that succeeded."""
        return self.root.endswith(_TIMES) and not self.name.endswith(".n")

    @property
    def is_fraction(self) -> bool:
        """Whether it is a share of requests."""
        return self.name in _FRACTIONS

    @property
    def is_of_client(self) -> bool:
        """Whether it depends on how fast the client could send and read."""
        return self.name not in {ERROR_RATE, "dropped_turns"}

    @property
    def floor(self) -> int | None:
        """How many values it needs to say anything; None where there is no such rule."""
        return None if self.percent is None else sample_floor(self.percent)

    @property
    def higher_is_better(self) -> bool | None:
        """Its direction; None where there is none."""
        if self.root in _HIGHER_IS_BETTER:
            return True
        return False if self.is_time or self.root in _LOWER_IS_BETTER else None


def load_figures_of(load: Mapping[str, Any]) -> dict[str, LoadFigure]:
    """List what gates may name of a run's ``load``.

    Args:
        load: As it stands in the results; empty where the run has none.
    """
    counts: Mapping[str, int] = load.get("n_requests") or {}
    conversations: Mapping[str, Any] = load.get("conversations") or {}
    rests_on = {
        ERROR_RATE: counts.get("successful", 0) + counts.get("errored", 0),
        "good_request_fraction": sum(counts.values()) - counts.get("incomplete", 0),
    }
    of_run = {key: told for key, told in load.items() if key not in _APART}
    return {
        **_figures(
            of_run, "", lambda name: rests_on.get(name, counts.get("successful"))
        ),
        **_figures(load.get("metrics") or {}, "", lambda _: None),
        **_figures(conversations, "", lambda _: conversations.get("n_conversations")),
    }


def _figures(
    told: Mapping[str, Any], prefix: str, count_of: Callable[[str], int | None]
) -> dict[str, LoadFigure]:
    """List the numbers in a mapping by their keys, those of inner ones after a dot."""
    found: dict[str, LoadFigure] = {}
    uppers: Mapping[str, Any] | None = told.get(_UPPERS)
    for key, value in told.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and key != _UPPERS:
            n = value.get("n")
            inner = count_of if n is None else _always(n)
            found |= _figures(value, f"{name}.", inner)
        elif value is None or isinstance(value, int | float):
            match = _PERCENTILE.fullmatch(key)
            found[name] = LoadFigure(
                name=name,
                value=None if value is None else float(value),
                n=count_of(name),
                percent=int(match[1]) if match and prefix else None,
                upper=None if uppers is None else uppers.get(key),
            )
    return found


def _always(n: int) -> Callable[[str], int]:
    return lambda _: n


def is_load_name(name: str, load: Mapping[str, Any]) -> bool:
    """Tell whether a gate names a figure of load, rightly or nearly so."""
    root = name.partition(".")[0]
    parts = (load, load.get("metrics") or {}, load.get("conversations") or {})
    return root not in _APART and any(root in part for part in parts)


def missing_figure(name: str, figures: Collection[str]) -> str:
    """Say that there is no such figure, and which is meant."""
    own = [one for one in figures if one.partition(".")[0] == name.partition(".")[0]]
    return f"the run has no {name!r}; {suggestion(name, own or figures)}"
