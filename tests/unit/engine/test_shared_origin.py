from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from itertools import chain, islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pytest_evalkit.engine import (
    Control,
    Engine,
    Issuing,
    IssuingRule,
    RetryPolicy,
    SharedOrigin,
    arrivals,
    load_pattern,
    share_of_schedule,
)
from pytest_evalkit.engine.shared_origin import excuse
from pytest_evalkit.errors import IssuingEndedError, ResultsError
from pytest_evalkit.models.mock import MockBackend
from tests.unit.engine.test_issuing import QUESTION, run, taking

LEAD_S = 0.05
SEED = 11


def now() -> float:
    return asyncio.get_running_loop().time()


def origin(path: Path, number: int, count: int = 2) -> SharedOrigin:
    place = path / "journal" / "origin"
    return SharedOrigin(place, number, count, clock=now, patience_s=60.0)


async def after(seconds: float, task: Coroutine[Any, Any, float]) -> float:
    await asyncio.sleep(seconds)
    return await task


def test_all_begin_a_little_after_the_last_is_ready(tmp_path: Path) -> None:
    async def both() -> tuple[float, float]:
        return await asyncio.gather(
            origin(tmp_path, 0).moment(), after(7.0, origin(tmp_path, 1).moment())
        )

    first, second = run(both())

    assert first == second
    assert first == pytest.approx(1_007.0 + LEAD_S, abs=0.02)


def test_nobody_waits_for_one_that_has_nothing_to_send(tmp_path: Path) -> None:
    excuse(tmp_path / "journal" / "origin", 1)

    assert run(origin(tmp_path, 0).moment()) == 1_000.0 + LEAD_S


def test_one_that_comes_later_counts_from_the_same_moment(tmp_path: Path) -> None:
    async def replaced() -> tuple[float, float]:
        began = await origin(tmp_path, 0, 1).moment()
        return began, await after(30.0, origin(tmp_path, 0, 1).moment())

    began, joined = run(replaced())

    assert began == joined == 1_000.0 + LEAD_S


def test_one_that_never_gets_ready_is_waited_for_with_bounds(tmp_path: Path) -> None:
    assert run(origin(tmp_path, 0).moment()) == pytest.approx(1_060.0, abs=0.1)


def test_without_links_the_beginning_is_named_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)

    assert run(origin(tmp_path, 0, 1).moment()) == 1_000.0 + LEAD_S
    assert run(origin(tmp_path, 0, 1).moment()) == 1_000.0 + LEAD_S


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")

    with pytest.raises(ResultsError, match="cannot write"):
        run(origin(tmp_path, 0).moment())


def test_a_moment_of_another_clock_is_not_believed(tmp_path: Path) -> None:
    place = tmp_path / "journal" / "origin"
    place.parent.mkdir()
    place.write_text("5000.0")

    with pytest.raises(ResultsError, match="no clock in common"):
        run(origin(tmp_path, 0).moment())


def issuing(path: Path, number: int, count: int = 2, **rule: Any) -> Issuing:
    drawn = arrivals(load_pattern("poisson", target_qps=5.0), Random(SEED))
    times = share_of_schedule(drawn, number, count)
    return Issuing(times, IssuingRule(**rule), now, origin=origin(path, number, count))


def engine(issued: Issuing) -> Engine:
    return Engine(
        MockBackend(taking(0.25)),
        policy=RetryPolicy(attempts=1, timeout_s=1e6),
        max_concurrency=1_000,
        control=Control(issuing=issued, clock=now),
    )


async def planned(asked: Engine, count: int, delay_s: float = 0.0) -> list[float]:
    await asyncio.sleep(delay_s)
    answers = await asyncio.gather(*(asked.ask(QUESTION) for _ in range(count)))
    return [one.timing.planned_at for one in answers if one.timing is not None]  # type: ignore[misc]


def schedule(count: int, begun_at: float) -> list[float]:
    drawn = arrivals(load_pattern("poisson", target_qps=5.0), Random(SEED))
    return [begun_at + at for at in islice(drawn, count) if at is not None]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_all_workers_together_keep_to_the_schedule_of_one(
    tmp_path: Path, workers: int
) -> None:
    parts = [issuing(tmp_path, number, workers) for number in range(workers)]

    async def all_workers() -> list[list[float]]:
        # They get ready one after the other.
        return await asyncio.gather(
            *(planned(engine(part), 6, 3.0 * n) for n, part in enumerate(parts))
        )

    found = run(all_workers())

    begun_at = parts[0].begun_at
    assert begun_at is not None
    assert {part.begun_at for part in parts} == {begun_at}
    assert sorted(chain.from_iterable(found)) == schedule(6 * workers, begun_at)


def test_a_replacement_takes_the_moments_that_are_left(tmp_path: Path) -> None:
    first, second = issuing(tmp_path, 0, 1), issuing(tmp_path, 0, 1)

    async def replaced() -> tuple[list[float], list[float]]:
        # Of eight requests the third and the fifth were under way when it died.
        asked = await planned(engine(first), 8)
        recorded = [at for place, at in enumerate(asked) if place not in (2, 4)]
        second.is_used = frozenset(recorded).__contains__
        return recorded, await planned(engine(second), 4, 60.0)

    recorded, joined = run(replaced())

    assert first.begun_at is not None
    assert second.begun_at == first.begun_at
    # What is late keeps the moment at which it was planned.
    whole = schedule(10, first.begun_at)
    assert joined == [whole[2], whole[4], whole[8], whole[9]]
    assert sorted([*recorded, *joined]) == whole


def test_a_load_of_a_duration_ends_for_all_at_once(tmp_path: Path) -> None:
    parts = [issuing(tmp_path, number, duration_s=10.0) for number in range(2)]
    ends: list[float] = []

    async def watched(part: Issuing, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        asked = (engine(part).ask(QUESTION) for _ in range(100))
        answers: Iterable[Any] = await asyncio.gather(*asked, return_exceptions=True)
        ends.append(now())
        assert any(isinstance(one, IssuingEndedError) for one in answers)

    async def both() -> None:
        await asyncio.gather(watched(parts[0], 0.0), watched(parts[1], 4.0))

    run(both())

    # Not 10 s after each has begun; what was under way then ended within 0.25 s.
    begun_at = parts[0].begun_at
    assert begun_at is not None
    assert begun_at == parts[1].begun_at == pytest.approx(1_004.0 + LEAD_S, abs=0.02)
    assert all(begun_at + 10.0 <= end <= begun_at + 10.25 for end in ends)


def test_a_replacement_that_comes_after_the_end_sends_nothing(tmp_path: Path) -> None:
    first = issuing(tmp_path, 0, 1, duration_s=10.0)
    second = issuing(tmp_path, 0, 1, duration_s=10.0)

    async def replaced() -> None:
        await planned(engine(first), 1)
        await planned(engine(second), 1, 10.0)

    with pytest.raises(IssuingEndedError, match="the 10 s of --duration are over"):
        run(replaced())
