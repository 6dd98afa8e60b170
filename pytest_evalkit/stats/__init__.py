"""Plain functions on plain numbers: how large a figure is and how sure it is."""

from __future__ import annotations

from pytest_evalkit.stats.mean import (
    interval95,
    mean,
    sample_deviation,
    standard_error,
)
from pytest_evalkit.stats.percentile import percentile

__all__ = [
    "interval95",
    "mean",
    "percentile",
    "sample_deviation",
    "standard_error",
]
