"""Two runs in words, and their differences drawn."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_evalkit.reports.comparison import Comparison, Difference
from pytest_evalkit.reports.page_figures import (
    Bar,
    interval_text,
    percent,
    rounded,
    subtitle_of,
)
from pytest_evalkit.stats import holm

_SURE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """A difference between two runs, in words and drawn."""

    task: str
    pipeline: str
    metric: str
    higher_is_better: bool | None
    first: str
    second: str
    value: str
    interval: str
    p_value: str
    better: str
    worse: str
    n: str
    bar: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two runs beside each other."""

    name: str
    subtitle: str
    matched: int
    warnings: tuple[str, ...]
    reach: tuple[str, str]
    rows: tuple[ComparedRow, ...]


def compared(comparison: Comparison) -> Compared:
    """Write down a comparison.

    All differences are drawn on one scale. Their p values are Holm's, over all of them.
    """
    differences = comparison.differences
    reach = max(map(_reach, differences), default=1.0) or 1.0
    p_values = _adjusted([each.tested.p_value for each in differences])
    return Compared(
        name=comparison.results["model_name"],
        subtitle=subtitle_of(comparison.results),
        matched=comparison.matched,
        warnings=tuple(comparison.warnings()),
        reach=(_signed(f"-{rounded(reach)}"), f"+{rounded(reach)}"),
        rows=tuple(
            _row(difference, p_value, reach)
            for difference, p_value in zip(differences, p_values, strict=True)
        ),
    )


def _adjusted(p_values: list[float | None]) -> list[float | None]:
    """Correct the p values that there are for their number."""
    told = iter(holm([p_value for p_value in p_values if p_value is not None]))
    return [None if p_value is None else next(told) for p_value in p_values]


def _signed(text: str) -> str:
    """Write minus signs as wide as plus signs."""
    return text.replace("-", "\N{MINUS SIGN}")


def _reach(difference: Difference) -> float:
    value = difference.tested.value
    return max(abs(end) for end in difference.tested.interval or (value, value))


def _row(difference: Difference, p_value: float | None, reach: float) -> ComparedRow:
    first, second = difference.means
    better, worse = difference.flips
    tested = difference.tested
    return ComparedRow(
        task=difference.task,
        pipeline=difference.filter,
        metric=difference.metric,
        higher_is_better=difference.higher_is_better,
        first=f"{first:.4f}",
        second=f"{second:.4f}",
        value=_signed(f"{tested.value:+.4f}"),
        interval=_signed(interval_text(tested.interval)),
        p_value=_p_text(p_value),
        better=f"{better:,}",
        worse=f"{worse:,}",
        n=f"{difference.n:,}",
        bar=_bar(difference, p_value, reach),
    )


def _p_text(p_value: float | None) -> str:
    least = 0.0001
    if p_value is None:
        return ""
    return f"< {least}" if p_value < least else f"{p_value:.4f}"


def _bar(difference: Difference, p_value: float | None, reach: float) -> Bar:
    low, high = difference.tested.interval or (None, None)
    return Bar(
        value=_around(difference.tested.value, reach),
        low=None if low is None else _around(low, reach),
        high=None if high is None else _around(high, reach),
        tone=_tone(difference, p_value),
    )


def _around(value: float, reach: float) -> float:
    return percent(0.5 + 0.5 * value / reach)


def _tone(difference: Difference, p_value: float | None) -> str:
    """Say which run is better where the test is sure of it."""
    if p_value is None or p_value >= _SURE:
        return "open"
    return "better" if difference.tested.value * difference.sign > 0 else "worse"
