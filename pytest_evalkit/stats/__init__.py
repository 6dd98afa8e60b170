"""Plain functions on plain numbers: how large a figure is and how sure it is."""

from __future__ import annotations

from pytest_evalkit.stats.bootstrap import bootstrap_error, draws
from pytest_evalkit.stats.clusters import clustered_standard_error
from pytest_evalkit.stats.groups import (
    pooled_standard_error,
    unweighted_standard_error,
    weighted_mean,
)
from pytest_evalkit.stats.mean import (
    interval95,
    mean,
    sample_deviation,
    standard_error,
)
from pytest_evalkit.stats.percentile import percentile

__all__ = [
    "bootstrap_error",
    "clustered_standard_error",
    "draws",
    "interval95",
    "mean",
    "percentile",
    "pooled_standard_error",
    "sample_deviation",
    "standard_error",
    "unweighted_standard_error",
    "weighted_mean",
]
