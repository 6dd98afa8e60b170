from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, multinomial, ttest_rel

from pytest_evalkit.stats import (
    mcnemar_exact,
    mcnemar_mid_p,
    paired_proportions_interval,
    paired_t,
    t_difference,
)

COUNTS = st.integers(0, 200)


def test_the_paired_t_test_agrees_with_scipy() -> None:
    one = [0.1, 0.7, 0.4, 0.9, 0.3, 0.6]
    other = [0.2, 0.9, 0.4, 1.0, 0.5, 0.5]
    expected = ttest_rel(other, one)

    found = paired_t([b - a for a, b in zip(one, other, strict=True)])

    interval = expected.confidence_interval(0.95)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx((interval.low, interval.high))
    assert found.value == pytest.approx(0.5 / 6)
    assert found.stderr == pytest.approx(found.value / expected.statistic)


def test_equal_scores_differ_by_nothing() -> None:
    assert paired_t([0.0] * 5) == (0.0, 0.0, None, 1.0)


def test_a_difference_that_never_varies_is_tested_by_its_sign() -> None:
    assert paired_t([0.5] * 5) == (0.5, 0.0, None, 2 * 0.5**5)
    assert t_difference(0.5, 0.0, 4) == (0.5, 0.0, None, None)


def test_one_document_shows_no_difference() -> None:
    assert paired_t([0.5]) == (0.5, None, None, None)
    assert paired_t([0.0]).p_value == 1.0


def test_a_difference_is_judged_by_its_error() -> None:
    found = t_difference(0.2, 0.1, 10)

    assert found.p_value == pytest.approx(0.0733880, abs=1e-7)
    assert found.interval == pytest.approx((0.2 - 0.2228139, 0.2 + 0.2228139))


@given(COUNTS, COUNTS)
def test_mcnemar_is_a_test_of_a_fair_coin(gained: int, lost: int) -> None:
    count = gained + lost
    expected = binomtest(gained, count).pvalue if count else 1.0

    assert mcnemar_exact(gained, lost) == pytest.approx(expected)


@given(COUNTS, COUNTS)
def test_the_mid_p_value_counts_half_of_what_was_seen(gained: int, lost: int) -> None:
    rarer, count = min(gained, lost), gained + lost
    half = binom.pmf(rarer, count, 0.5) / 2
    expected = min(1.0, 2 * (binom.cdf(rarer, count, 0.5) - half))

    assert mcnemar_mid_p(gained, lost) == pytest.approx(expected)


def test_mcnemar_agrees_with_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import mcnemar

    expected = mcnemar([[50, 9], [21, 40]], exact=True)

    assert mcnemar_exact(9, 21) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("test", [mcnemar_exact, mcnemar_mid_p])
def test_very_many_changes_are_counted_exactly(test: object) -> None:
    assert callable(test)

    assert test(5000, 5000) == 1.0
    # 20 standard deviations from the middle.
    assert test(4000, 6000) == pytest.approx(2 * binom.cdf(4000, 10_000, 0.5), rel=0.4)


def test_fewer_than_no_changes_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be counts"):
        mcnemar_exact(-1, 2)
    with pytest.raises(ValueError, match="cannot be counts"):
        mcnemar_mid_p(-1, -1)


@pytest.mark.parametrize("size", [10, 30, 200])
def test_paired_proportions_are_held_as_often_as_promised(size: int) -> None:
    # Counted, not simulated: changes either way are trinomial.
    import numpy as np

    rates = [(0.1, 0.05), (0.2, 0.2), (0.3, 0.1), (0.05, 0.15), (0.25, 0.35)]
    counts = [(g, n) for g in range(size + 1) for n in range(size + 1 - g)]
    held = np.array([paired_proportions_interval(g, n, size) for g, n in counts])
    coverages = []
    for up, down in rates:
        chances = multinomial.pmf(
            [(g, n, size - g - n) for g, n in counts], size, (up, down, 1 - up - down)
        )
        is_held = (held[:, 0] <= up - down) & (up - down <= held[:, 1])
        coverages.append(float(chances[is_held].sum()))

    # Of few documents it covers more: there are only so many that can change.
    assert 0.94 < sum(coverages) / len(coverages) < 0.955 + 0.4 / size
    assert min(coverages) > 0.935


def test_more_changes_than_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        paired_proportions_interval(3, 3, 5)
