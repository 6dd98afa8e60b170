from __future__ import annotations

from pytest_evalkit.engine import Asking
from pytest_evalkit.plugin.stalls import Standstill, UnderWay, standing

_DOCUMENT = UnderWay(task="sums", item_id="q7", doc_id=7, started_at=100.0)


def asking(**changed: object) -> Asking:
    facts = {"task": "sums", "doc_id": 7, "state": "sent", "since": 150.0}
    return Asking(**{**facts, "attempts_made": 2, **changed})  # type: ignore[arg-type]


def test_a_standstill_is_told_once() -> None:
    still = Standstill(10.0, now=0.0)
    looks = [still.look(5, 2, now) for now in (0.0, 5.0, 9.0, 10.0, 15.0, 60.0)]

    assert looks == [False, False, False, True, False, False]


def test_another_standstill_is_told_again() -> None:
    still = Standstill(10.0, now=0.0)
    still.look(5, 2, 0.0)
    first = still.look(5, 2, 10.0)
    goes_on = still.look(6, 2, 12.0)

    assert (first, goes_on) == (True, False)
    assert still.look(6, 2, 22.0)


def test_where_nothing_is_under_way_nothing_stands_still() -> None:
    still = Standstill(10.0, now=0.0)
    still.look(5, 0, 0.0)

    assert not still.look(5, 0, 50.0)
    assert not still.look(5, 1, 55.0)


def test_a_request_is_told_with_its_age_and_attempt() -> None:
    line = standing(_DOCUMENT, asking(), 160.0)

    assert line == "sums[q7] for 60 s, sent 10 s ago (attempt 2)"


def test_one_that_failed_and_one_that_waits_are_told_apart() -> None:
    failed = standing(_DOCUMENT, asking(state="failed"), 160.0)
    waiting = standing(_DOCUMENT, asking(attempts_made=0, state=""), 160.0)

    assert failed == "sums[q7] for 60 s, failed 10 s ago (attempt 2)"
    assert waiting == "sums[q7] for 60 s, waiting for its turn to be asked"


def test_without_a_request_it_is_the_tasks_code() -> None:
    line = standing(_DOCUMENT, None, 160.0)

    assert line == "sums[q7] for 60 s, in the task's own code or waiting for it"
