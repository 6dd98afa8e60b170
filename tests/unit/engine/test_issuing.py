from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any

import pytest

from pytest_evalkit.engine import (
    Control,
    Engine,
    Event,
    Issuing,
    IssuingEnded,
    IssuingRule,
    RetryPolicy,
)
from pytest_evalkit.errors import (
    IssuingEndedError,
    RequestCutError,
    RequestRejectedError,
    TransientModelError,
    WithheldError,
)
from pytest_evalkit.messages import Message
from pytest_evalkit.models.mock import MockBackend
from pytest_evalkit.values import AnyResponse, Generate, Response, Timing

QUESTION = Generate(messages=(Message.of_text("user", "?"),))
AT_ONCE: Iterable[float | None] = repeat(None)


class Watch:
    """A clock that the loop's own time drives, so that nothing waits in vain."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self) -> float:
        return asyncio.get_running_loop().time()


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to whatever comes next."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1_000.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def run(main: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(main)


def made(
    answer: Callable[[Generate], Any],
    times: Iterable[float | None] = AT_ONCE,
    *,
    max_concurrency: int = 1_000,
    **rule: Any,
) -> tuple[Engine, Issuing, Watch]:
    watch = Watch()
    issuing = Issuing(iter(times), IssuingRule(**rule), watch, watch.events.append)
    engine = Engine(
        MockBackend(answer),
        policy=RetryPolicy(attempts=1, timeout_s=1e6),
        max_concurrency=max_concurrency,
        control=Control(issuing=issuing, clock=watch),
    )
    return engine, issuing, watch


def taking(seconds: float) -> Callable[[Generate], Any]:
    async def answer(_: Generate) -> Response:
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        await asyncio.sleep(seconds)
        timing = Timing(started_at=started_at, latency_s=loop.time() - started_at)
        return Response(text="x", timing=timing)

    return answer


async def ask_all(engine: Engine, count: int) -> Sequence[AnyResponse | BaseException]:
    asked = [engine.ask(QUESTION) for _ in range(count)]
    return await asyncio.gather(*asked, return_exceptions=True)


def timings(answers: Iterable[Any]) -> Iterator[Timing]:
    return (one.timing for one in answers)


def test_requests_go_when_the_schedule_says_however_slow_the_answers() -> None:
    engine, issuing, _ = made(taking(100.0), [0.0, 0.5, 2.0])

    answers = run(ask_all(engine, 3))

    assert issuing.begun_at == 1_000.0
    assert [one.planned_at for one in timings(answers)] == [1_000.0, 1_000.5, 1_002.0]
    assert [one.started_at for one in timings(answers)] == [1_000.0, 1_000.5, 1_002.0]
    assert issuing.in_flight == 0


def test_what_waits_for_a_place_waits_in_the_client() -> None:
    # The server takes a second, and one request may be in flight: four a second come.
    engine, _, _ = made(taking(1.0), [0.0, 0.25, 0.5, 0.75], max_concurrency=1)

    answers = run(ask_all(engine, 4))

    queued = [one.started_at - one.planned_at for one in timings(answers)]  # type: ignore[operator]
    assert queued == [0.0, 0.75, 1.5, 2.25]
    assert [one.latency_s for one in timings(answers)] == [1.0] * 4


def test_without_a_schedule_nothing_is_planned() -> None:
    engine, _, _ = made(taking(1.0))

    (answer,) = run(ask_all(engine, 1))

    assert answer.timing.planned_at is None


def test_what_follows_an_answer_is_planned_no_sooner_than_that() -> None:
    engine, _, _ = made(taking(1.0), [0.0, 0.25, 5.0])

    async def turns() -> list[AnyResponse]:
        async with engine.keep(QUESTION) as ask:
            return [await ask(QUESTION) for _ in range(3)]

    answers = run(turns())

    # The second could have gone after a quarter of a second, but for the first answer.
    assert [one.planned_at for one in timings(answers)] == [1_000.0, 1_001.0, 1_005.0]


def test_after_its_duration_nothing_is_sent_and_what_is_in_flight_may_end() -> None:
    engine, issuing, watch = made(taking(2.0), [0.0, 0.5, 1.5, 9.0], duration_s=1.0)

    answers = run(ask_all(engine, 4))

    assert [isinstance(one, Response) for one in answers] == [True, True, False, False]
    assert str(answers[2]) == "not sent: the 1 s of --duration are over"
    assert issuing.has_ended
    # Told once, by the first that is withheld: at the end of the load, and not later.
    (event,) = watch.events
    assert isinstance(event, IssuingEnded)
    assert event.at == 1_001.0


def test_the_end_is_known_by_the_clock_where_its_loop_has_gone() -> None:
    now = 0.0

    async def answer(_: Generate) -> Response:
        return Response(text="x")

    issuing = Issuing(iter(AT_ONCE), IssuingRule(duration_s=1.0), lambda: now)
    engine = Engine(MockBackend(answer), control=Control(issuing=issuing))
    asyncio.run(ask_all(engine, 1))
    now = 1.0

    (answered,) = asyncio.run(ask_all(engine, 1))

    assert isinstance(answered, IssuingEndedError)


def test_requests_in_line_for_a_place_are_not_sent_after_the_end() -> None:
    engine, _, _ = made(taking(2.0), max_concurrency=1, duration_s=1.0)

    answers = run(ask_all(engine, 3))

    assert isinstance(answers[0], Response)
    assert [type(one) for one in answers[1:]] == [IssuingEndedError] * 2


def test_a_load_that_ends_when_all_was_sent_withholds_nothing() -> None:
    engine, _, watch = made(taking(2.0), duration_s=1.0)

    answers = run(ask_all(engine, 2))

    assert all(isinstance(one, Response) for one in answers)
    assert watch.events == []


def test_requests_in_flight_are_cut_when_their_time_to_end_is_over() -> None:
    engine, issuing, _ = made(taking(60.0), [0.0], duration_s=1.0, drain_s=3.0)

    (cut,) = run(ask_all(engine, 1))

    assert isinstance(cut, RequestCutError)
    assert str(cut) == ("cut: the 1 s of --duration are over, no answer within 3 s")
    assert (cut.attempts, cut.planned_at) == (1, 1_000.0)
    assert (cut.sent_at, cut.ended_at) == (1_000.0, 1_004.0)
    assert issuing.in_flight == 0


def test_requests_in_line_are_not_sent_where_those_in_flight_are_cut() -> None:
    engine, _, _ = made(taking(60.0), max_concurrency=1, duration_s=1.0, drain_s=3.0)

    cut, withheld = run(ask_all(engine, 2))

    assert isinstance(cut, RequestCutError)
    assert isinstance(withheld, IssuingEndedError)


def test_a_request_is_not_asked_again_after_the_end() -> None:
    async def refuse(_: Generate) -> Response:
        raise TransientModelError("HTTP 429", status=429, retry_after_s=5.0)

    watch = Watch()
    issuing = Issuing(iter(AT_ONCE), IssuingRule(duration_s=1.0), watch)
    engine = Engine(MockBackend(refuse), control=Control(issuing=issuing, clock=watch))

    (cut,) = run(ask_all(engine, 1))

    assert isinstance(cut, RequestCutError)
    assert str(cut) == "not sent again: the 1 s of --duration are over"
    assert (cut.sent_at, cut.ended_at) == (1_000.0, 1_000.0)


@pytest.mark.parametrize(("most", "sent"), [(0.5, 21), (0.75, 41)])
def test_too_many_failures_end_the_load_once_twenty_requests_have_ended(
    most: float, sent: int
) -> None:
    # The first ten are answered, then all fail: 11 of 21, ..., 31 of 41.
    outcomes = chain(repeat("good", 10), repeat("bad"))

    async def answer(_: Generate) -> Response:
        if next(outcomes) == "bad":
            raise RequestRejectedError("HTTP 400")
        return Response(text="x")

    engine, _, _ = made(answer, max_concurrency=1, max_error_rate=most)

    answers = run(ask_all(engine, 60))

    withheld = [one for one in answers if isinstance(one, WithheldError)]
    assert 60 - len(withheld) == sent


def test_the_reason_of_too_many_failures_counts_them() -> None:
    async def fail(_: Generate) -> Response:
        raise RequestRejectedError("HTTP 400")

    engine, _, _ = made(fail, max_concurrency=1, max_error_rate=0.25)

    *_, last = run(ask_all(engine, 21))

    assert str(last) == (
        "not sent: 20 of 20 requests failed, more than --max-error-rate 0.25"
    )


def test_whoever_fills_the_line_hears_that_a_request_has_left_it() -> None:
    engine, issuing, _ = made(taking(5.0), [0.0, 1.0])
    seen: list[int] = []
    issuing.on_turn = lambda: seen.append(issuing.in_flight)

    run(ask_all(engine, 2))

    assert seen == [1, 2]


def test_a_failed_request_says_when_it_was_planned() -> None:
    async def fail(_: Generate) -> Response:
        raise RequestRejectedError("HTTP 400")

    engine, _, _ = made(fail, [0.5])

    (failed,) = run(ask_all(engine, 1))

    assert isinstance(failed, RequestRejectedError)
    assert (failed.planned_at, failed.sent_at) == (1_000.5, 1_000.5)
