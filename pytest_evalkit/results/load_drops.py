"""Judging how much worse latency, throughput and errors are than in a baseline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.results.drop_verdicts import chance
from pytest_evalkit.results.finding import NO_BASELINE, SAME, Finding, asked, between
from pytest_evalkit.results.gates import CONFIDENCE, Gate
from pytest_evalkit.results.latency_changes import LatencyChange
from pytest_evalkit.results.load_gate_figures import LoadFigure, load_figures_of
from pytest_evalkit.results.load_verdicts import fast_failing, uncertain, undefined
from pytest_evalkit.results.recorded import RecordedRun
from pytest_evalkit.results.schema import ResultsDict, Verdict

# By which of a load pattern's settings two loads may differ and be the same load.
_FREE = frozenset({"load_seed", "goodput"})


def of_load_drop(
    gate: Gate,
    figure: LoadFigure,
    results: ResultsDict,
    before: RecordedRun | str | None,
    allowed: float,
    change: LatencyChange | str | None = None,
) -> Finding:
    """Judge how much worse a figure of load is than in a baseline.

    A mean or percentile of times fails where it is too much worse, and surely worse.
    Of other figures the two alone are compared.

    Args:
        gate: A gate on a drop.
        figure: The figure in the run.
        results: What the run concludes.
        before: The baseline; why it cannot be read; None without one.
        allowed: The share of requests that may fail where times are judged.
        change: By how much the figure differs, tested, or why it is not; None without a
            baseline.
    """
    if before is None:
        return Finding(verdict="inconclusive", message=NO_BASELINE, n=figure.n)
    if isinstance(before, str):
        return Finding(verdict="fail", message=before, n=figure.n)
    if figure.value is None:
        return undefined(figure, results["load"])
    earlier: Mapping[str, Any] = before.results or {}
    problem = next(_differences(figure, results, earlier, before), None)
    if problem is not None:
        return Finding(verdict="fail", message=problem, value=None, n=figure.n)
    old = load_figures_of(earlier["load"]).get(figure.name)
    if old is None or old.value is None:
        message = f"the baseline {before.path} has no {figure.name}"
        return Finding(verdict="fail", message=message, n=figure.n)
    loads = (figure, results["load"]), (old, earlier["load"])
    failing = [fast_failing(one, load, allowed) for one, load in loads]
    doubts = [uncertain(one, load) for one, load in loads]
    rise = _Rise(gate, old, old.value, figure.value, figure.n, change)
    return _judged(rise, _first(failing), _first(doubts))


def _first(reasons: list[str | None]) -> str | None:
    of_baseline = reasons[1] and f"of the baseline: {reasons[1]}"
    return reasons[0] or of_baseline


@dataclass(frozen=True, slots=True)
class _Rise:
    """How much worse a figure is than in the baseline, and how sure that is."""

    gate: Gate
    old: LoadFigure
    before: float
    after: float
    n: int | None
    change: LatencyChange | str | None

    @property
    def value(self) -> float:
        worse = self.after - self.before
        if self.old.higher_is_better:
            worse = -worse
        return _share(worse, self.before) if self.gate.is_relative else worse

    @property
    def is_too_much(self) -> bool:
        return self.value > self.gate.bound + SAME

    @property
    def tested(self) -> LatencyChange | None:
        """The change with its test; None where there is none."""
        change = self.change
        if isinstance(change, LatencyChange) and change.adjusted_p is not None:
            return change
        return None

    @property
    def interval(self) -> tuple[float, float] | None:
        if self.tested is None:
            return None
        is_relative = self.gate.is_relative
        return self.tested.share if is_relative else self.tested.difference.interval

    @property
    def untested(self) -> str:
        """Why there is no test."""
        if isinstance(self.change, LatencyChange):
            return self.change.method.removeprefix("none: ")
        return self.change or "there is nothing to test it by"

    def _spread(self) -> str:
        """Write the interval as the rise is written, behind a comma; empty for none."""
        if self.interval is None or not self.gate.is_relative:
            return between(self.interval, CONFIDENCE)
        low, high = (f"{100 * end:.3g} %" for end in self.interval)
        return f", {100 * CONFIDENCE:g} % from {low} to {high}"

    def said(self) -> str:
        """Say both figures, what lies between them, and how sure it is."""
        word = "fall" if self.old.higher_is_better else "rise"
        value = self.value
        amount = f"{100 * value:.3g} %" if self.gate.is_relative else f"{value:.6g}"
        told = [] if self.n is None else [f"n={self.old.n} and {self.n}"]
        sure = self._spread()
        if self.tested is not None and self.tested.adjusted_p is not None:
            sure += f", p {chance(self.tested.adjusted_p)}"
            told.append(self.tested.method)
        counts = f" ({', '.join(told)})" if told else ""
        change = f"{self.old.name} was {self.before:.6g} and is {self.after:.6g}"
        return f"{change}: a {word} of {amount}{sure}{counts}"


def _judged(rise: _Rise, failing: str | None, doubt: str | None) -> Finding:
    tested, interval = rise.tested, rise.interval
    verdict, why = _verdict(rise)
    said = [f"{rise.said()}; the gate is {asked(rise.gate)}", *why]
    is_sought = rise.gate.confidence is not None
    is_unproven = verdict == "inconclusive" and tested is None and is_sought
    if failing is not None:
        verdict, is_unproven = "fail", False
        said.append(failing)
    elif doubt is not None:
        verdict, is_unproven = "inconclusive", False
        said.append(doubt)
    return Finding(
        verdict=verdict,
        message="; ".join(said),
        value=rise.value if math.isfinite(rise.value) else None,
        n=rise.n,
        interval=interval,
        level=None if interval is None else CONFIDENCE,
        baseline=rise.before,
        p_value=None if tested is None else tested.adjusted_p,
        is_unproven=is_unproven,
    )


def _verdict(rise: _Rise) -> tuple[Verdict, list[str]]:
    """Judge a rise by its size and its test, and say what decided where size did not."""
    if not rise.is_too_much:
        return "pass", []
    confidence, tested = rise.gate.confidence, rise.tested
    if tested is None or tested.adjusted_p is None:
        if confidence is None and not isinstance(rise.change, LatencyChange):
            return "fail", []
        return "inconclusive", [f"it is not tested: {rise.untested}"]
    if tested.adjusted_p < 1 - (CONFIDENCE if confidence is None else confidence):
        return "fail", []
    word = "fall" if rise.old.higher_is_better else "rise"
    return "inconclusive", [f"the {word} is not significant"]


def _share(worse: float, before: float) -> float:
    """Tell how much worse a figure is as a share of what it was; of 0 it is any."""
    if before:
        return worse / before
    return math.inf if worse > 0 else 0.0


def _differences(
    figure: LoadFigure,
    results: ResultsDict,
    earlier: Mapping[str, Any],
    before: RecordedRun,
) -> Iterator[str]:
    """Say why two figures are not to be compared."""
    if figure.higher_is_better is None:
        yield f"of {figure.name} neither more nor less is worse"
    load = earlier.get("load")
    if not load:
        yield (
            f"the baseline {before.path} has no figures of load; give the folder of a run"
        )
        return
    for told in load_differences(load, results["load"]):
        yield f"the baseline {before.path} was under another load: {told}"
    if earlier.get("task_hashes") != results["task_hashes"]:
        yield f"the baseline {before.path} is of other documents"


def load_differences(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[str]:
    """Say in which settings two loads differ, one line each.

    Args:
        before: The load of a run, as it stands in the results.
        after: That of another.
    """
    settings = [one.get("load_pattern") or {} for one in (before, after)]
    for key in sorted({*settings[0], *settings[1]} - _FREE):
        first, second = (one.get(key) for one in settings)
        if first != second:
            yield f"{key} was {first!r} and is {second!r}"
