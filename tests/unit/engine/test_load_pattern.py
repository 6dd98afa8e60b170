from __future__ import annotations

import math
from itertools import islice, pairwise
from random import Random
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.engine.load_pattern import (
    LoadPattern,
    arrivals,
    load_pattern,
    planned,
    share_of_schedule,
)
from pytest_evalkit.errors import OptionError
from tests.unit.fuzzing import fuzz


def gaps(pattern: LoadPattern, count: int, seed: int = 42) -> list[float]:
    times = islice(arrivals(pattern, Random(seed)), count + 1)
    known = [time for time in times if time is not None]
    return [later - earlier for earlier, later in pairwise(known)]


def test_gaps_of_constant_load_are_all_alike() -> None:
    times = planned(load_pattern("constant", target_qps=4), Random(0), n_requests=5)

    assert list(times) == [0, 0.25, 0.5, 0.75, 1]


def test_the_clock_does_not_drift() -> None:
    times = arrivals(load_pattern("constant", target_qps=10), Random(0))

    assert next(islice(times, 1_000_000, None)) == 100_000


def test_gaps_of_poisson_load_have_the_mean_and_spread_of_the_rate() -> None:
    drawn = gaps(load_pattern("poisson", target_qps=20), 1000)

    assert fmean(drawn) == pytest.approx(0.05, rel=0.1)
    assert pstdev(drawn) == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize("burstiness", [0.25, 1, 4])
@pytest.mark.parametrize("name", ["poisson", "constant"])
def test_burstiness_changes_the_spread_and_not_the_rate(
    name: str, burstiness: float
) -> None:
    pattern = load_pattern(name, target_qps=2, burstiness=burstiness)

    drawn = gaps(pattern, 20_000)

    assert fmean(drawn) == pytest.approx(0.5, rel=0.05)
    # The variance of a gamma distribution is its squared mean over its shape.
    assert pstdev(drawn) == pytest.approx(0.5 / math.sqrt(burstiness), rel=0.05)


@fuzz(100)
@given(st.integers(), st.floats(0.1, 1000), st.floats(0.1, 10))
def test_a_seed_draws_one_schedule_that_never_goes_back(
    seed: int, qps: float, burstiness: float
) -> None:
    pattern = load_pattern("poisson", target_qps=qps, burstiness=burstiness)

    first = list(planned(pattern, Random(seed), n_requests=50))
    again = list(planned(pattern, Random(seed), n_requests=50))

    assert first == again
    assert first[0] == 0
    assert all(gap >= 0 for gap in gaps(pattern, 50, seed))


def test_another_seed_draws_another_schedule() -> None:
    pattern = load_pattern("poisson", target_qps=1)

    assert gaps(pattern, 5, seed=1) != gaps(pattern, 5, seed=2)


@fuzz(100)
@given(st.integers(1, 9), st.integers())
def test_workers_together_send_what_one_process_sends(workers: int, seed: int) -> None:
    pattern = load_pattern("poisson", target_qps=3)

    parts = [
        list(
            share_of_schedule(
                planned(pattern, Random(seed), n_requests=40), worker, workers
            )
        )
        for worker in range(workers)
    ]

    together = sorted(time for part in parts for time in part if time is not None)
    assert together == list(planned(pattern, Random(seed), n_requests=40))


def test_a_duration_ends_a_schedule_of_the_clock() -> None:
    pattern = load_pattern("constant", target_qps=10)

    assert len(list(planned(pattern, Random(0), duration_s=2))) == 20
    assert len(list(planned(pattern, Random(0), duration_s=2, n_requests=5))) == 5


@pytest.mark.parametrize(
    ("pattern", "places", "times"),
    [
        (load_pattern("synchronous"), 1, [None, None]),
        (load_pattern("concurrency", concurrency=8), 8, [None, None]),
        (load_pattern("conversation", concurrency=4), 4, [None, None]),
        (load_pattern("max_throughput"), None, [0, 0]),
        (load_pattern("max_throughput", max_concurrency=9), 9, [0, 0]),
        (load_pattern("constant", target_qps=1, max_concurrency=3), 3, [0, 1]),
    ],
)
def test_each_pattern_has_its_places_and_times(
    pattern: LoadPattern, places: int | None, times: list[float | None]
) -> None:
    assert pattern.places == places
    assert list(planned(pattern, Random(0), n_requests=2)) == times


@pytest.mark.parametrize("name", ["max_throughput", "synchronous"])
def test_a_schedule_without_a_clock_ends_by_a_number(name: str) -> None:
    with pytest.raises(ValueError, match="by a number of requests"):
        planned(load_pattern(name), Random(0), duration_s=5)


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("poison", {}, "unknown load pattern 'poison'; did you mean 'poisson'"),
        ("poisson", {}, "poisson needs target_qps"),
        ("concurrency", {}, "concurrency needs concurrency"),
        ("conversation", {}, "conversation needs concurrency"),
        ("concurrency", {"concurrency": 0}, "whole number from 1, got 0"),
        ("concurrency", {"concurrency": math.nan}, "whole number from 1, got nan"),
        ("concurrency", {"concurrency": 1.5}, "whole number from 1, got 1.5"),
        ("constant", {"target_qps": 0}, "above 0, got 0"),
        ("constant", {"target_qps": math.inf}, "above 0, got inf"),
        ("constant", {"target_qps": math.nan}, "above 0, got nan"),
        ("poisson", {"target_qps": 1, "burstiness": 0}, "above 0, got 0"),
        ("synchronous", {"concurrency": 2}, "synchronous has no concurrency"),
        ("concurrency", {"target_qps": 2}, "has no target_qps, which is for constant"),
        ("max_throughput", {"burstiness": 1}, "max_throughput has no burstiness"),
        ("poisson", {"target_qp": 1}, "unknown load setting 'target_qp'; did you"),
    ],
)
def test_a_slip_is_told_with_its_remedy(
    name: str, settings: dict[str, float], told: str
) -> None:
    with pytest.raises(OptionError, match=told):
        load_pattern(name, **settings)
