from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.stats import (
    PowerDesign,
    documents_needed,
    power_at,
    smallest_difference,
)


def test_the_documented_defaults_need_2181_documents() -> None:
    assert documents_needed(0.03, PowerDesign()) == 2181


def test_models_that_are_not_paired_need_twice_as_many() -> None:
    # Without correlation the variance of a difference is 0.5, not 0.25.
    assert documents_needed(0.03, PowerDesign(correlation=0.0)) == 4361


def test_power_agrees_with_statsmodels() -> None:
    from statsmodels.stats.power import NormalIndPower

    design = PowerDesign(alpha=0.01, deviations=(0.4, 0.3), correlation=0.2)
    # One sample of differences; its "ratio" of a second sample is none.
    expected = NormalIndPower().power(0.05 / design.deviation, 700, 0.01, ratio=0)

    assert power_at(700, 0.05, design) == pytest.approx(expected)


def test_power_agrees_with_a_simulation() -> None:
    import numpy as np

    from pytest_evalkit.stats import normal_quantile

    design = PowerDesign(deviations=(0.5, 0.4), correlation=0.3)
    count = documents_needed(0.05, design)
    covariance = 0.3 * 0.5 * 0.4
    scores = np.random.default_rng(0).multivariate_normal(
        [0.7, 0.75], [[0.25, covariance], [covariance, 0.16]], size=(2000, count)
    )
    differences = scores[..., 1] - scores[..., 0]
    errors = differences.std(axis=1, ddof=1) / count**0.5
    seen = abs(differences.mean(axis=1)) > normal_quantile(0.975) * errors

    assert float(seen.mean()) == pytest.approx(0.8, abs=0.02)


@given(st.integers(1, 100_000), st.floats(0.5, 0.99), st.floats(-0.9, 0.9))
def test_the_smallest_difference_is_seen_with_the_power_asked_for(
    documents: int, power: float, correlation: float
) -> None:
    design = PowerDesign(power=power, correlation=correlation)

    effect = smallest_difference(documents, design)

    # The other tail adds to it, at most as much as there would be of no difference.
    assert power <= power_at(documents, effect, design) <= power + 0.0026
    assert abs(documents_needed(effect, design) - documents) <= 1


def test_where_nothing_varies_one_document_tells() -> None:
    design = PowerDesign(deviations=(0.0, 0.0))

    assert documents_needed(0.1, design) == 1
    assert power_at(5, 0.1, design) == 1.0
    assert power_at(5, 0.0, design) == 0.05


@pytest.mark.parametrize("effect", [0.0, float("nan")])
def test_no_effect_cannot_be_shown(effect: float) -> None:
    with pytest.raises(ValueError, match="other than 0"):
        documents_needed(effect, PowerDesign())


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 0.0},
        {"power": 1.0},
        {"correlation": 1.1},
        {"deviations": (-0.1, 0.5)},
        {"deviations": (0.5, float("inf"))},
    ],
)
def test_a_design_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"between|from|or above"):
        PowerDesign(**wrong)  # type: ignore[arg-type]


def test_no_documents_show_nothing() -> None:
    with pytest.raises(ValueError, match="needs documents"):
        smallest_difference(0, PowerDesign())
