from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.stats.giving_way import GivingWay, giving_way


def level(
    throughput: float | None, p95_ms: float | None, errors: float | None = 0.0
) -> dict[str, Any]:
    return {
        "request_throughput": throughput,
        "error_rate": errors,
        "metrics": {"e2el_ms": {"p95": p95_ms}},
    }


def test_more_waiting_for_nothing_is_giving_way() -> None:
    levels = [
        (1, level(10, 100)),
        (2, level(20, 100)),
        (4, level(38, 110)),
        (8, level(39, 220)),
        (16, level(39, 440)),
    ]

    assert giving_way(levels) == GivingWay(
        8, "+2.6% requests per second, +100.0% latency (p95)"
    )


@pytest.mark.parametrize(
    "after",
    [
        # Slower, but with more to show for it; no more, but hardly slower.
        level(10.5, 500),
        level(10.4, 120),
        level(None, 500),
        level(10.0, None),
    ],
)
def test_a_server_that_gains_or_does_not_slow_down_holds(after: dict[str, Any]) -> None:
    assert giving_way([(1, level(10, 100)), (2, after)]) is None


@pytest.mark.parametrize(("before", "after", "gives"), [(0, 0.011, 2), (0.02, 0.03, 1)])
def test_rising_errors_are_giving_way(before: float, after: float, gives: int) -> None:
    levels = [(1, level(10, 100, before)), (2, level(20, 100, after))]

    found = giving_way(levels)

    assert found is not None
    assert found.level == gives
    assert found.reason.endswith("of the requests failed")


def test_errors_that_are_not_known_are_none() -> None:
    assert giving_way([(1, level(None, None, None))]) is None
    assert giving_way([]) is None
