from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from pytest_evalkit.plugin.workers import (
    SharedScheduling,
    Shares,
    may_be_document,
    share_index,
)

_PLAIN = ["test_a.py::test_1", "test_a.py::test_2"]


class Node:
    """A worker as a scheduler sees it."""

    def __init__(self, shares: Shares) -> None:
        self.workerinput: dict[str, Any] = {}
        self.sent: list[list[int]] = []
        self.is_shut_down = False
        shares.assign(cast("Any", self))

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        self.sent.append(list(indices))

    def shutdown(self) -> None:
        self.is_shut_down = True


class Usual:
    """What xdist would have used: it notes what it is asked."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.calls: list[str] = []
        self.tests_finished = False
        self.has_pending = True

    def add_node(self, node: Any) -> None:
        self.nodes.append(node)

    def __getattr__(self, name: str) -> Any:
        def call(*_: Any) -> str:
            self.calls.append(name)
            return "blamed by usual"

        return call


class Session:
    """A scheduler and the workers it schedules."""

    def __init__(self, count: int = 2) -> None:
        self.shares = Shares(count)
        self.usual = Usual()
        self.totals: list[int] = []
        self.scheduling = SharedScheduling(
            cast("Any", self.usual), count, self.totals.append
        )

    def join(self, *items: str) -> Any:
        node = Node(self.shares)
        self.scheduling.add_node(cast("Any", node))
        self.scheduling.add_node_collection(cast("Any", node), items)
        return node

    def die(self, node: Any) -> str | None:
        blamed = self.scheduling.remove_node(node)
        self.shares.release(node)
        return blamed


def documents(*numbers: int) -> list[str]:
    return [f"mme/mme.yaml::mme[{n}]" for n in numbers]


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("a/mme.yaml::mme[1]", True),
        ("mme.yml::mme[x.py::1]", True),
        ("test_a.py::test[mme.yaml]", False),
        ("test_a.py::test[a::b.yaml]", False),
    ],
)
def test_a_document_is_told_by_its_file(nodeid: str, expected: bool) -> None:
    assert may_be_document(nodeid) is expected


def test_each_worker_gets_all_of_its_own_and_no_more() -> None:
    session = Session()
    one, two = session.join(*documents(0, 2, 4)), session.join(*documents(1, 3))

    session.scheduling.schedule()

    assert one.sent == [[0, 1, 2]]
    assert two.sent == [[0, 1]]
    assert one.is_shut_down
    assert session.totals[-1] == 5
    assert session.usual.calls.count("schedule") == 0


def test_items_are_finished_when_every_one_is_crossed_off() -> None:
    session = Session()
    one, two = session.join(*documents(0, 2)), session.join(*documents(1))
    session.scheduling.schedule()

    for node, index in ((one, 0), (two, 0)):
        session.scheduling.mark_test_complete(node, index)
    before = session.scheduling.tests_finished
    session.scheduling.mark_test_complete(one, 1)

    assert not before
    assert session.scheduling.tests_finished
    assert not session.scheduling.has_pending


def test_a_suite_without_documents_is_left_to_xdist() -> None:
    session = Session()
    one, two = session.join(*_PLAIN), session.join(*_PLAIN)

    session.scheduling.schedule()

    assert session.usual.nodes == [one, two]
    assert session.usual.calls.count("schedule") == 1
    assert one.sent == two.sent == []
    assert session.scheduling.has_pending
    assert session.scheduling.remove_node(one) == "blamed by usual"


def test_a_replacement_runs_what_the_dead_one_left() -> None:
    session = Session()
    one, two = session.join(*documents(0, 2, 4)), session.join(*documents(1, 3))
    session.scheduling.schedule()
    session.scheduling.mark_test_complete(one, 0)

    blamed = session.die(one)
    replacement = session.join(*documents(0, 2, 4))
    session.scheduling.schedule()

    assert blamed is None
    assert share_index(replacement) == share_index(one) == 0
    assert replacement.sent == [[1, 2]]
    assert two.sent == [[0, 1]]
    assert not session.scheduling.tests_finished


def test_a_replacement_does_not_change_how_many_items_there_are() -> None:
    session = Session()
    one, two = session.join(*documents(0, 2, 4)), session.join(*documents(1))
    session.scheduling.schedule()
    session.scheduling.mark_test_complete(two, 0)
    session.scheduling.remove_node(two)

    session.die(one)
    session.join(*documents(0, 2, 4))
    session.scheduling.schedule()

    assert session.totals == [4, 4]


def test_a_document_that_kills_two_workers_is_blamed_and_left_out() -> None:
    session = Session(1)
    one = session.join(*documents(0, 1, 2))
    session.scheduling.schedule()
    session.scheduling.mark_test_complete(one, 0)
    first = session.die(one)
    two = session.join(*documents(0, 1, 2))
    session.scheduling.schedule()

    second = session.die(two)
    three = session.join(*documents(0, 1, 2))
    session.scheduling.schedule()

    assert first is None
    assert second == documents(1)[0]
    assert three.sent == [[2]]


def test_a_worker_that_dies_with_nothing_left_leaves_nothing() -> None:
    session = Session(1)
    one = session.join(*documents(0))
    session.scheduling.schedule()
    session.scheduling.mark_test_complete(one, 0)

    assert session.die(one) is None
    assert session.scheduling.tests_finished


def test_one_worker_with_documents_has_a_share_of_one() -> None:
    session = Session(1)
    one = session.join(*documents(0), *_PLAIN)

    session.scheduling.schedule()

    assert one.sent == [[0, 1, 2]]
