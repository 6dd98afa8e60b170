"""What judging a gate came to, and the words in which that is said."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_evalkit.results.gates import Gate
from pytest_evalkit.results.schema import Verdict
from pytest_evalkit.stats import PowerDesign, documents_needed

# Sums in another order differ by as little.
SAME = 1e-9
"""By as little figures may differ that are the same."""

NO_BASELINE = (
    "not judged: there is no baseline to compare with; --baseline RUN gives one"
)
"""What is said of a drop where nothing is known that it is a drop from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What judging a gate came to.

    Attributes:
        verdict: The verdict.
        message: Why, in one line.
        value: The figure, or None.
        n: Documents, or requests, that it rests on; or None.
        interval: Its interval, or None.
        level: The interval's coverage, or None.
        documents: How many documents would decide it; None where ``n`` do, or where
            that is not known.
        baseline: The figure in the baseline, or None.
        p_value: Of a drop, or None.
        saved: How many documents were not needed; None where all were run.
        is_unproven: Whether all was run, and does not show what the gate asks for.
    """

    verdict: Verdict
    message: str
    value: float | None = None
    n: int | None = None
    interval: tuple[float, float] | None = None
    level: float | None = None
    documents: int | None = None
    baseline: float | None = None
    p_value: float | None = None
    saved: int | None = None
    is_unproven: bool = False


def asked(gate: Gate) -> str:
    """Say what a gate asks for, such as ``>= 0.8 with confidence 0.95``."""
    sure = "" if gate.confidence is None else f" with confidence {gate.confidence:g}"
    return f"{gate.comparison} {gate.bound_text}{sure}"


def between(interval: tuple[float, float] | None, level: float) -> str:
    """Say an interval and its coverage, after a comma; nothing where there is none."""
    if interval is None:
        return ""
    return f", {100 * level:g} % from {interval[0]:.4f} to {interval[1]:.4f}"


def needed_documents(
    effect: float, stderr: float | None, n: int, level: float
) -> int | None:
    """Count the documents that would tell a figure from its bound, with power 0.8.

    Args:
        effect: How far the figure is from the bound.
        stderr: Its standard error, or None.
        n: Documents that it rests on.
        level: How sure one wants to be, between 0 and 1.

    Returns:
        None where it is the bound, which no number tells, or has no error.
    """
    if not stderr or abs(effect) < SAME or n < 1:
        return None
    # One set of scores against a fixed number: the other side does not vary.
    deviation = stderr * math.sqrt(n)
    design = PowerDesign(alpha=1 - level, deviations=(deviation, 0.0), correlation=0.0)
    return documents_needed(effect, design)


def decides(count: int | None, noun: str = "documents") -> str:
    """Say how many documents would decide a gate; nothing where that is not known."""
    return "" if count is None else f": some {count:,} {noun} would decide it"
