"""The drops that the gates of a run are about, each tested once, all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_evalkit.results.drops import Drop, Drops
from pytest_evalkit.results.gate_figures import Figure
from pytest_evalkit.results.gates import Gate
from pytest_evalkit.results.latency_changes import LatencyChange
from pytest_evalkit.stats import holm

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldDrops:
    """How much worse the figures are that gates ask about, or why that is not known.

    Attributes:
        of_documents: By task, metric and filter.
        of_latency: By the name of a figure of times.
    """

    of_documents: Mapping[_Key, Drop | str] = field(default_factory=dict)
    of_latency: Mapping[str, LatencyChange | str] = field(default_factory=dict)


def figure_key(figure: Figure) -> _Key:
    """Name the figure of a task that a gate is about: its task, metric and filter."""
    row = figure.row
    if row is None:
        return figure.task, "", ""
    return figure.task, row["metric"], row["filter"]


def told_drops(
    gates: Sequence[Gate],
    figures: Sequence[Figure],
    partial: Mapping[str, str],
    drops: Drops | None,
) -> ToldDrops:
    """Tell the drops that gates are about, their p values adjusted over all of them.

    Args:
        gates: The gates.
        figures: What each is about, in the same order.
        partial: By task or group, why its figures are not those of the whole task.
        drops: How much worse figures are than a baseline's; None without a baseline.
    """
    if drops is None:
        return ToldDrops()
    asked = [
        figure for gate, figure in zip(gates, figures, strict=True) if gate.is_drop
    ]
    documents = {
        key: drops.of(*key)
        for key in dict.fromkeys(
            figure_key(figure)
            for figure in asked
            if figure.is_of_documents and figure.task not in partial
        )
    }
    latency = {
        name: drops.of_latency(name)
        for name in dict.fromkeys(
            figure.load.name for figure in asked if figure.load is not None
        )
    }
    return _adjusted(documents, latency)


def _adjusted(
    documents: Mapping[_Key, Drop | str], latency: Mapping[str, LatencyChange | str]
) -> ToldDrops:
    """Adjust the p values of all that was tested, by Holm's method."""
    drops = {
        key: (drop, drop.p_value)
        for key, drop in documents.items()
        if isinstance(drop, Drop) and drop.p_value is not None
    }
    changes = {
        name: (change, change.difference.p_value)
        for name, change in latency.items()
        if not isinstance(change, str) and change.difference.p_value is not None
    }
    found = holm([p for _, p in (*drops.values(), *changes.values())])
    adjusted = iter(found)
    return ToldDrops(
        of_documents={
            **documents,
            **{
                key: replace(drop, p_value=next(adjusted))
                for key, (drop, _) in drops.items()
            },
        },
        of_latency={
            **latency,
            **{
                name: replace(change, adjusted_p=next(adjusted))
                for name, (change, _) in changes.items()
            },
        },
    )
