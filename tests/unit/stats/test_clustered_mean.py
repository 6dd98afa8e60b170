from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.stats import clustered_mean, standard_error

SIZES = [1, 7, 2, 2, 5, 3, 1, 4]
CLUSTERS = [cluster for cluster, size in enumerate(SIZES) for _ in range(size)]
VALUES = [(i * 37 % 11) / 10 for i in range(len(CLUSTERS))]


def test_it_agrees_with_statsmodels_where_clusters_are_of_one_size() -> None:
    import numpy as np
    from statsmodels.regression.linear_model import OLS

    values, clusters = VALUES[:24], [i // 4 for i in range(24)]
    model = OLS(np.array(values), np.ones(24))
    expected = model.fit(cov_type="cluster", cov_kwds={"groups": np.array(clusters)})

    found = clustered_mean(values, clusters)

    # Its correction is CR1, which CR2 is where clusters are of one size.
    assert found is not None
    assert found.value == pytest.approx(expected.params[0])
    assert found.stderr == pytest.approx(expected.bse[0])
    assert found.freedom == pytest.approx(5)
    assert found.clusters == 6


def test_it_agrees_with_the_matrices_of_bell_and_mccaffrey() -> None:
    import numpy as np

    size, ones = len(VALUES), np.ones((len(VALUES), 1))
    residual = np.eye(size) - ones @ ones.T / size
    deviations = residual @ np.array(VALUES)
    parts, rows = [], []
    for cluster in range(len(SIZES)):
        own = np.array(CLUSTERS) == cluster
        values, vectors = np.linalg.eigh(residual[np.ix_(own, own)])
        root = vectors @ np.diag(values**-0.5) @ vectors.T
        parts.append((ones[own].T @ root @ deviations[own])[0] / size)
        rows.append(residual[:, own] @ root @ ones[own] / size)
    moments = np.hstack(rows).T @ np.hstack(rows)

    found = clustered_mean(VALUES, CLUSTERS)

    assert found is not None
    assert found.stderr == pytest.approx(math.sqrt(sum(part**2 for part in parts)))
    assert found.freedom == pytest.approx(
        np.trace(moments) ** 2 / np.trace(moments @ moments)
    )


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_clusters_of_one_are_independent_documents(values: list[float]) -> None:
    found = clustered_mean(values, range(len(values)))

    assert found is not None
    assert found.stderr == pytest.approx(standard_error(values), abs=1e-12)
    assert found.freedom == pytest.approx(len(values) - 1)


def test_one_large_cluster_leaves_few_degrees_of_freedom() -> None:
    found = clustered_mean([0.0, 1.0] * 55, [max(0, i - 99) for i in range(110)])

    assert found is not None
    assert found.clusters == 11
    assert found.freedom < 3


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 0.0]])
def test_fewer_than_two_clusters_have_no_error(values: list[float]) -> None:
    assert clustered_mean(values, ["all"] * len(values)) is None


def test_values_without_a_cluster_each_are_refused() -> None:
    with pytest.raises(ValueError, match="2 values have 1 clusters"):
        clustered_mean([1.0, 0.0], ["a"])
