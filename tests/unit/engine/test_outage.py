from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.engine import (
    Control,
    EndpointBack,
    EndpointGone,
    Engine,
    Event,
    OutageRule,
    RetryPolicy,
    SharedAbsence,
)
from pytest_evalkit.errors import (
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.messages import Message
from pytest_evalkit.models.mock import MockBackend
from pytest_evalkit.values import Generate


def question(text: str) -> Generate:
    return Generate(messages=(Message.of_text("user", text),))


def refused() -> TransientModelError:
    return TransientModelError("cannot reach it", is_unreachable=True)


def reset() -> TransientModelError:
    return TransientModelError("broke off the connection")


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds


class Endpoint:
    """Answers, but for the times when it is gone.

    Args:
        time: The clock.
        gone: From when to when it is gone.
        fails: Questions that it never bears.
        error: How a request fails while it is gone.
    """

    def __init__(
        self,
        time: Time,
        gone: tuple[float, float] = (0.0, 0.0),
        fails: str = "",
        error: Callable[[], Exception] = refused,
    ) -> None:
        self.time, self.gone, self.fails, self.error = time, gone, fails, error
        self.asked: list[str] = []

    def __call__(self, request: Generate) -> str:
        text = request.messages[-1].text
        self.asked.append(text)
        start, end = self.gone
        if start <= self.time.now < end:
            raise self.error()
        if text == self.fails:
            raise TransientModelError("answered 502: no", status=502)
        return "4"

    @property
    def probes(self) -> int:
        return self.asked.count("ping")


def engine_of(
    endpoint: Callable[[Generate], Any],
    time: Time,
    heard: list[Event] | None = None,
    **keywords: Any,
) -> Engine:
    rule = OutageRule(**{"longest_s": 60.0, **keywords.pop("rule", {})})
    return Engine(
        MockBackend(endpoint),
        sleep=time.sleep,
        control=Control(
            outage=rule,
            clock=time,
            listener=heard.append if heard is not None else None,
        ),
        **keywords,
    )


def told(heard: list[Event]) -> list[Event]:
    return [one for one in heard if isinstance(one, EndpointGone | EndpointBack)]


def test_an_endpoint_that_is_gone_is_waited_for_and_told_once() -> None:
    time, heard = Time(), list[Event]()
    endpoint = Endpoint(time)
    engine = engine_of(endpoint, time, heard)

    async def ask() -> list[str]:
        await engine.ask(question("1"))
        endpoint.gone = (time.now, time.now + 20)
        asked = [engine.ask(question(str(n))) for n in range(2, 9)]
        return [response.text for response in await asyncio.gather(*asked)]

    answers = asyncio.run(ask())

    gone, back = told(heard)
    assert answers == ["4"] * 7
    assert isinstance(gone, EndpointGone)
    assert gone.reason == "cannot reach it"
    assert isinstance(back, EndpointBack)
    assert back.away_s > 0


def test_probes_are_few() -> None:
    time = Time()
    endpoint = Endpoint(time)
    engine = engine_of(endpoint, time, rule={"longest_s": 600.0})

    async def ask() -> None:
        await engine.ask(question("1"))
        endpoint.gone = (time.now, time.now + 300)
        await asyncio.gather(*[engine.ask(question(str(n))) for n in range(32)])

    asyncio.run(ask())

    # Three to find it gone, at 1, 2, 4, 8 and every 15 seconds, and one answered.
    assert 20 <= endpoint.probes <= 26


def test_one_that_stays_away_stops_the_run() -> None:
    time = Time()
    endpoint = Endpoint(time)
    engine = engine_of(endpoint, time)

    async def ask() -> None:
        await engine.ask(question("1"))
        endpoint.gone = (time.now, 1e9)
        await engine.ask(question("2"))

    with pytest.raises(
        ModelUnavailableError, match=r"cannot reach it; it was waited for 60 s"
    ):
        asyncio.run(ask())

    assert 160 <= time.now < 170


def test_a_request_that_it_never_bears_is_no_outage() -> None:
    time, heard = Time(), list[Event]()
    endpoint = Endpoint(time, fails="2")
    engine = engine_of(endpoint, time, heard, policy=RetryPolicy(attempts=3))

    async def ask() -> None:
        await engine.ask(question("1"))
        await engine.ask(question("2"))

    with pytest.raises(TransientModelError, match=r"502: no \(3 attempts\)"):
        asyncio.run(ask())

    assert told(heard) == []
    assert endpoint.probes >= 1


@pytest.mark.parametrize(
    "refusal",
    [
        RequestRejectedError("no such model"),
        TransientModelError("busy", status=429),
        TransientModelError("later", status=503, retry_after_s=1.0),
        TransientModelError("a fault of its own", status=500),
    ],
)
def test_who_refuses_a_probe_is_there(refusal: Exception) -> None:
    time, heard = Time(), list[Event]()

    def answer(request: Generate) -> str:
        if request.messages[-1].text == "ping":
            raise refusal
        if request.messages[-1].text == "2":
            raise reset()
        return "4"

    engine = engine_of(answer, time, heard, policy=RetryPolicy(attempts=2))

    async def ask() -> None:
        await engine.ask(question("1"))
        await engine.ask(question("2"))

    with pytest.raises(TransientModelError, match=r"2 attempts"):
        asyncio.run(ask())
    assert told(heard) == []


def test_the_only_attempt_is_not_lost_to_an_outage() -> None:
    time = Time()
    endpoint = Endpoint(time, error=reset)
    engine = engine_of(endpoint, time, policy=RetryPolicy(attempts=1))

    async def ask() -> str:
        await engine.ask(question("1"))
        endpoint.gone = (time.now, time.now + 5)
        return (await engine.ask(question("2"))).text

    assert asyncio.run(ask()) == "4"


def test_an_address_at_which_nobody_ever_was_is_told_at_once() -> None:
    time = Time()
    endpoint = Endpoint(time, gone=(0, 1e9))

    with pytest.raises(ModelUnavailableError, match=r"^cannot reach it$"):
        asyncio.run(engine_of(endpoint, time).ask(question("1")))

    assert endpoint.asked == ["1"] * 3


def test_a_server_that_is_not_ready_yet_is_waited_for() -> None:
    time = Time()
    endpoint = Endpoint(
        time,
        gone=(0, 150),
        error=lambda: TransientModelError("loading", status=503),
    )

    response = asyncio.run(engine_of(endpoint, time).ask(question("1")))

    assert response.text == "4"


def test_a_request_that_takes_the_endpoint_down_each_time_is_given_up() -> None:
    time = Time()
    endpoint = Endpoint(time)
    plain = endpoint.__call__

    def fragile(request: Generate) -> str:
        if request.messages[-1].text == "kill" and endpoint.gone[1] <= time.now:
            endpoint.gone = (time.now, time.now + 10)
        return plain(request)

    engine = engine_of(fragile, time)

    async def ask() -> None:
        await engine.ask(question("1"))
        await engine.ask(question("kill"))

    with pytest.raises(TransientModelError, match=r"went away 4 times while this"):
        asyncio.run(ask())


def test_who_finds_out_and_is_cancelled_leaves_it_to_the_next() -> None:
    time = Time()
    endpoint = Endpoint(time)
    engine = engine_of(endpoint, time)

    async def ask() -> str:
        await engine.ask(question("1"))
        endpoint.gone = (time.now, time.now + 20)
        first = asyncio.ensure_future(engine.ask(question("2")))
        second = asyncio.ensure_future(engine.ask(question("3")))
        while endpoint.probes < 4:  # noqa: ASYNC110 - nobody is there to set an event
            await asyncio.sleep(0)
        first.cancel()
        return (await second).text

    assert asyncio.run(ask()) == "4"


def absence(path: Path, time: Time) -> SharedAbsence:
    return SharedAbsence(path / "journal" / "pause-gone", clock=time)


def test_one_process_waits_for_all(tmp_path: Path) -> None:
    time, heard = Time(), list[Event]()
    endpoint = Endpoint(time)
    engines = [
        engine_of(endpoint, time, heard, rule={"shared": absence(tmp_path, time)})
        for _ in range(3)
    ]

    async def ask() -> None:
        await asyncio.gather(*[engine.ask(question("1")) for engine in engines])
        endpoint.gone = (time.now, time.now + 20)
        await asyncio.gather(*[engine.ask(question("2")) for engine in engines])

    asyncio.run(ask())

    assert [type(one) for one in told(heard)] == [EndpointGone, EndpointBack]
    assert absence(tmp_path, time).look() is None


def test_only_one_of_two_claims_an_absence(tmp_path: Path) -> None:
    time = Time()
    mine, yours = absence(tmp_path, time), absence(tmp_path, time)

    assert mine.claim()
    assert not yours.claim()

    assert yours.is_on
    assert yours.held_s() > 0


def test_an_absence_that_has_ended_holds_nobody(tmp_path: Path) -> None:
    time = Time()
    mine, yours = absence(tmp_path, time), absence(tmp_path, time)
    mine.claim()

    mine.end()

    assert yours.held_s() == 0.0
    assert yours.look() is None


def test_who_died_waiting_is_followed_by_another(tmp_path: Path) -> None:
    time = Time()
    mine, yours = absence(tmp_path, time), absence(tmp_path, time)
    mine.claim()
    mine.hold(5.0)

    time.now += 4.0
    was_alive = not yours.take_over()
    time.now += 2.0

    assert was_alive
    assert yours.held_s() == 0.0
    assert yours.take_over()
    said = yours.look()
    assert said is not None
    assert said["since"] == 100.0


def test_what_was_given_up_stays_so(tmp_path: Path) -> None:
    time = Time()
    mine, yours = absence(tmp_path, time), absence(tmp_path, time)
    mine.claim()
    mine.give_up()
    time.now += 1000.0

    assert yours.held_s() > 0
    assert not yours.take_over()


def test_a_process_that_starts_late_knows_that_somebody_was_answered(
    tmp_path: Path,
) -> None:
    time = Time()
    before = absence(tmp_path, time).was_there

    absence(tmp_path, time).note_answer()

    assert (before, absence(tmp_path, time).was_there) == (False, True)


def test_where_nothing_can_be_written_each_waits_for_itself(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    time = Time()

    assert absence(tmp_path, time).claim()
    absence(tmp_path, time).note_answer()
    absence(tmp_path, time).end()
