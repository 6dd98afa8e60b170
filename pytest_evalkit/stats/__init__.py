"""Plain functions on plain numbers: how large a figure is and how sure it is."""

from __future__ import annotations

from pytest_evalkit.stats.bootstrap import bootstrap_error, draws, replicates
from pytest_evalkit.stats.clusters import (
    ClusteredMean,
    clustered_mean,
    clustered_standard_error,
)
from pytest_evalkit.stats.groups import (
    pooled_standard_error,
    unweighted_standard_error,
    weighted_mean,
    welch_freedom,
)
from pytest_evalkit.stats.mean import (
    interval95,
    mean,
    sample_deviation,
    standard_error,
    t_interval,
)
from pytest_evalkit.stats.multiplicity import holm, holm_of_tested
from pytest_evalkit.stats.paired import (
    Difference,
    mcnemar_exact,
    mcnemar_mid_p,
    paired_proportions_interval,
    paired_t,
    t_difference,
)
from pytest_evalkit.stats.percentile import percentile
from pytest_evalkit.stats.power import (
    PowerDesign,
    documents_needed,
    power_at,
    smallest_difference,
)
from pytest_evalkit.stats.proportions import clustered_wilson_interval, wilson_interval
from pytest_evalkit.stats.repeats import (
    consistency,
    majority_at_k,
    mean_at_k,
    pass_at_k,
    within_variance,
)
from pytest_evalkit.stats.resampling import (
    bca_interval,
    jackknife_error,
    percentile_interval,
    sums_of_draws,
)
from pytest_evalkit.stats.sequences import BettingSequence, EmpiricalBernsteinSequence
from pytest_evalkit.stats.student import (
    normal_probability,
    normal_quantile,
    t_quantile,
    t_two_sided,
)

__all__ = [
    "BettingSequence",
    "ClusteredMean",
    "Difference",
    "EmpiricalBernsteinSequence",
    "PowerDesign",
    "bca_interval",
    "bootstrap_error",
    "clustered_mean",
    "clustered_standard_error",
    "clustered_wilson_interval",
    "consistency",
    "documents_needed",
    "draws",
    "holm",
    "holm_of_tested",
    "interval95",
    "jackknife_error",
    "majority_at_k",
    "mcnemar_exact",
    "mcnemar_mid_p",
    "mean",
    "mean_at_k",
    "normal_probability",
    "normal_quantile",
    "paired_proportions_interval",
    "paired_t",
    "pass_at_k",
    "percentile",
    "percentile_interval",
    "pooled_standard_error",
    "power_at",
    "replicates",
    "sample_deviation",
    "smallest_difference",
    "standard_error",
    "sums_of_draws",
    "t_difference",
    "t_interval",
    "t_quantile",
    "t_two_sided",
    "unweighted_standard_error",
    "weighted_mean",
    "welch_freedom",
    "wilson_interval",
    "within_variance",
]
