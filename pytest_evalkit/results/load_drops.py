"""Judging how much worse latency, throughput and errors are than in a baseline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_evalkit.results.finding import NO_BASELINE, SAME, Finding, asked
from pytest_evalkit.results.gates import Gate
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
) -> Finding:
    """Judge how much worse a figure of load is than in a baseline.

    Requests have no partners in the baseline, so the two figures alone are compared.

    Args:
        gate: A gate on a drop.
        figure: The figure in the run.
        results: What the run concludes.
        before: The baseline; why it cannot be read; None without one.
        allowed: The share of requests that may fail where times are judged.
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
    return _judged(gate, figure.value, old, figure.n, _first(failing), _first(doubts))


def _first(reasons: list[str | None]) -> str | None:
    of_baseline = reasons[1] and f"of the baseline: {reasons[1]}"
    return reasons[0] or of_baseline


def _judged(
    gate: Gate,
    value: float,
    old: LoadFigure,
    n: int | None,
    failing: str | None,
    doubt: str | None,
) -> Finding:
    assert old.value is not None
    worse = old.value - value if old.higher_is_better else value - old.value
    drop = _share(worse, old.value) if gate.is_relative else worse
    verdict: Verdict = "pass" if drop <= gate.bound + SAME else "fail"
    word = "fall" if old.higher_is_better else "rise"
    amount = f"{100 * drop:.3g} %" if gate.is_relative else f"{drop:.6g}"
    counts = "" if n is None else f" (n={old.n} and {n})"
    change = f"{old.name} was {old.value:.6g} and is {value:.6g}"
    said = [f"{change}: a {word} of {amount}{counts}; the gate is {asked(gate)}"]
    if failing is not None:
        verdict = "fail"
        said.append(failing)
    elif doubt is not None:
        verdict = "inconclusive"
        said.append(doubt)
    return Finding(
        verdict=verdict,
        message="; ".join(said),
        value=drop if math.isfinite(drop) else None,
        n=n,
        baseline=old.value,
    )


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
    settings = [one.get("load_pattern") or {} for one in (load, results["load"])]
    for key in sorted({*settings[0], *settings[1]} - _FREE):
        first, second = (one.get(key) for one in settings)
        if first != second:
            yield (
                f"the baseline {before.path} was under another load: {key} was {first!r} "
                f"and is {second!r}"
            )
    if earlier.get("task_hashes") != results["task_hashes"]:
        yield f"the baseline {before.path} is of other documents"
