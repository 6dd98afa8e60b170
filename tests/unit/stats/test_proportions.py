from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pytest_evalkit.stats import (
    ClusteredMean,
    clustered_mean,
    clustered_wilson_interval,
    wilson_interval,
)


@given(st.integers(1, 500), st.data())
def test_wilson_agrees_with_scipy(size: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, size))
    expected = binomtest(right, size).proportion_ci(0.9, method="wilson")

    low, high = wilson_interval(right / size, size, level=0.9)

    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("right", "ends"), [(0, (0.0, 0.277533)), (10, (0.722467, 1))])
def test_all_or_none_right_leave_room_for_doubt(
    right: int, ends: tuple[float, float]
) -> None:
    assert wilson_interval(right / 10, 10) == pytest.approx(ends, abs=1e-6)


def test_clusters_of_one_are_nearly_no_clusters() -> None:
    values = [1.0] * 80 + [0.0] * 20
    mean = clustered_mean(values, range(100))
    assert mean is not None

    found = clustered_wilson_interval(mean, 100)

    # A t quantile of 99 degrees of freedom, and the unbiased variance: 1.2 % wider.
    plain = wilson_interval(0.8, 100)
    assert found == pytest.approx(plain, abs=2e-3)
    assert found[1] - found[0] > plain[1] - plain[0]


def test_equal_answers_within_clusters_count_once() -> None:
    # 20 clusters of ten equal answers carry what 20 documents do.
    values = [float(cluster < 12) for cluster in range(20) for _ in range(10)]
    mean = clustered_mean(values, [i // 10 for i in range(200)])
    assert mean is not None

    found = clustered_wilson_interval(mean, 200)

    # Standard error sqrt(0.24 / 19), so 19 documents; t of 19 degrees is 2.093024.
    z2 = 2.093024**2
    centre, scale = 0.6 + z2 / 38, 1 + z2 / 19
    half = (z2 * (0.24 / 19 + z2 / (4 * 19**2))) ** 0.5
    assert found == pytest.approx(((centre - half) / scale, (centre + half) / scale))


def test_where_all_are_right_each_cluster_is_one_document() -> None:
    mean = ClusteredMean(value=1.0, stderr=0.0, freedom=9.0, clusters=10)

    low, high = clustered_wilson_interval(mean, 50)

    # 1 / (1 + t^2 / 10), with t of 9 degrees of freedom 2.262157.
    assert (low, high) == pytest.approx((1 / (1 + 2.262157**2 / 10), 1.0))


def test_clusters_never_make_more_of_documents_than_there_are() -> None:
    mean = ClusteredMean(value=0.5, stderr=0.0, freedom=1000.0, clusters=1001)

    assert clustered_wilson_interval(mean, 400) == pytest.approx(
        wilson_interval(0.5, 400), abs=1e-3
    )


@pytest.mark.parametrize(("proportion", "size"), [(1.1, 5), (-0.1, 5), (0.5, 0)])
def test_what_is_no_proportion_is_refused(proportion: float, size: int) -> None:
    with pytest.raises(ValueError, match="a proportion is"):
        wilson_interval(proportion, size)
