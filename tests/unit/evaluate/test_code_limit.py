from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Generator, Sequence

import pytest

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.evaluate.code_limit import CodeLimit, CodeLimitError
from pytest_evalkit.evaluate.memory_limit import IS_KEPT


def loop_for_ever() -> None:
    while True:
        pass


def swallow_everything() -> None:
    while True:
        try:
            loop_for_ever()
        except BaseException:
            if threading.current_thread() is not threading.main_thread():
                raise
            break
    loop_for_ever()


def on_a_thread(work: Callable[[], None]) -> list[CodeLimitError]:
    raised: list[CodeLimitError] = []

    def run() -> None:
        try:
            work()
        except CodeLimitError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    return raised


@pytest.mark.parametrize(
    "endless",
    [
        loop_for_ever,
        swallow_everything,
        lambda: re.match(r"(a+)+$", "a" * 64 + "b"),
        lambda: 10**10**9,
        lambda: time.sleep(600),
    ],
    ids=["loop", "swallowing", "pattern", "power", "sleep"],
)
def test_what_does_not_end_is_interrupted(endless: Callable[[], object]) -> None:
    with (
        pytest.raises(CodeLimitError, match=r"within 0\.2 s \(--doc-timeout\) \(in "),
        CodeLimit(0.2)(),
    ):
        endless()


def test_a_thread_is_interrupted_at_its_next_step() -> None:
    def work() -> None:
        with CodeLimit(0.2)():
            loop_for_ever()

    (raised,) = on_a_thread(work)

    assert "in loop_for_ever" in str(raised)


def test_a_thread_that_ended_in_time_is_left_alone() -> None:
    def work() -> None:
        for _ in range(3):
            with CodeLimit(600)():
                pass

    assert on_a_thread(work) == []


def test_who_has_no_limit_sets_no_alarm() -> None:
    before, _ = signal.getitimer(signal.ITIMER_REAL)
    with CodeLimit(None)():
        after, _ = signal.getitimer(signal.ITIMER_REAL)

    assert after <= before


def test_an_alarm_that_rings_after_its_block_is_nobodys() -> None:
    with CodeLimit(0.05)():
        pass

    time.sleep(0.1)

    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_block_has_its_whole_time_whenever_the_alarm_was_set() -> None:
    limit = CodeLimit(0.4)
    with limit():
        time.sleep(0.3)

    with limit():
        time.sleep(0.2)
    with pytest.raises(CodeLimitError), limit():
        loop_for_ever()


def test_a_block_of_less_time_does_not_wait_for_a_longer_alarm() -> None:
    with CodeLimit(600)():
        pass

    with pytest.raises(CodeLimitError, match=r"within 0\.2 s"), CodeLimit(0.2)():
        loop_for_ever()


def test_quick_blocks_share_one_alarm() -> None:
    with CodeLimit(600)():
        pass
    first, _ = signal.getitimer(signal.ITIMER_REAL)
    time.sleep(0.01)

    with CodeLimit(600)():
        second, _ = signal.getitimer(signal.ITIMER_REAL)

    assert second < first


def test_an_alarm_that_somebody_stopped_is_set_anew() -> None:
    with CodeLimit(600)():
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)

    with pytest.raises(CodeLimitError), CodeLimit(0.2)():
        loop_for_ever()


def test_the_alarm_of_somebody_else_is_set_again() -> None:
    rung: list[int] = []
    usual = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    signal.setitimer(signal.ITIMER_REAL, 500)
    try:
        with CodeLimit(100)():
            mine, _ = signal.getitimer(signal.ITIMER_REAL)
        theirs, _ = signal.getitimer(signal.ITIMER_REAL)
        signal.raise_signal(signal.SIGALRM)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)

    assert mine <= 100 < theirs <= 500
    assert rung == [signal.SIGALRM]


def test_an_alarm_that_somebody_took_over_is_given_back() -> None:
    with CodeLimit(600)():
        pass
    rung: list[int] = []
    usual = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    signal.setitimer(signal.ITIMER_REAL, 500, 1)
    try:
        with pytest.raises(CodeLimitError), CodeLimit(0.2)():
            loop_for_ever()
        signal.raise_signal(signal.SIGALRM)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)

    assert rung == [signal.SIGALRM]


def test_an_alarm_that_comes_sooner_is_left_alone() -> None:
    usual = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 50)
    try:
        with CodeLimit(100)():
            assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)


def test_the_steps_of_a_flow_are_limited_and_its_waits_are_not() -> None:
    def flow() -> Generator[Sequence[int], Sequence[int], None]:
        heard = yield [1]
        assert heard == [2]
        try:
            yield [3]
        except RequestRejectedError:
            loop_for_ever()

    limited = CodeLimit(0.2).flow(flow())

    assert next(limited) == [1]
    time.sleep(0.3)
    assert limited.send([2]) == [3]
    with pytest.raises(CodeLimitError):
        limited.throw(RequestRejectedError("no"))


def test_what_a_flow_concludes_is_passed_on() -> None:
    def flow() -> Generator[Sequence[int], Sequence[int], str]:
        yield []
        return "said"

    limited = CodeLimit(5).flow(flow())
    next(limited)

    with pytest.raises(StopIteration) as ended:
        limited.send([])
    assert ended.value.value == "said"


@pytest.mark.skipif(not IS_KEPT, reason="the kernel keeps no such bound here")
@pytest.mark.parametrize(
    "greedy",
    [lambda: "a" * (1 << 30), lambda: list(range(1 << 26))],
    ids=["at once", "bit by bit"],
)
def test_who_takes_too_much_memory_gets_no_more(
    greedy: Callable[[], object],
) -> None:
    limit = CodeLimit(60, 1 << 28)

    with pytest.raises(CodeLimitError, match=r"than 0\.25 GiB \(--doc-mem"), limit():
        greedy()

    assert len("a" * (1 << 29)) == 1 << 29


@pytest.mark.skipif(not IS_KEPT, reason="the kernel keeps no such bound here")
def test_who_takes_little_memory_notices_nothing() -> None:
    with CodeLimit(60, 1 << 28)():
        taken = bytearray(1 << 20)

    assert len(taken) == 1 << 20
