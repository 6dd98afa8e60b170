"""Sharing a session out over xdist workers.

Documents are shared out by position: each worker keeps its own part of the items and
runs all of it, with its own look-ahead. That needs a scheduler of our own, as xdist's
hand out items one by one and expect every worker to have collected the same. A session
without documents gets the scheduler that it would have had without us.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

# A document that was first in line when its worker died is tried once more.
_TRIES = 2


class Shares:
    """Numbers the workers, so that a replacement gets the dead one's part.

    Args:
        count: How many workers there are to be.

    Attributes:
        count: The same.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = list(range(count))
        self._released: set[int] = set()

    def assign(self, node: WorkerController) -> None:
        """Tell a new worker its share, and whether another has died of it."""
        index = self._free.pop(0) if self._free else 0
        node.workerinput["evalkit_replaces"] = index in self._released
        node.workerinput["evalkit_share"] = (index, self.count)

    def release(self, node: WorkerController) -> None:
        """Take the share of a dead worker back."""
        self._free.insert(0, share_index(node))
        self._released.add(share_index(node))


def may_be_document(nodeid: str) -> bool:
    """Tell by its id whether an item may be a document: it comes from a YAML file."""
    return nodeid.partition("::")[0].endswith((".yaml", ".yml"))


def share_index(node: WorkerController) -> int:
    """Get the number of a worker's share."""
    index: int = node.workerinput["evalkit_share"][0]
    return index


class Scheduling(Protocol):
    """What xdist asks of a scheduler: its own protocol, which comes without types."""

    @property
    def nodes(self) -> list[WorkerController]:
        """The workers at hand."""
        ...

    @property
    def tests_finished(self) -> bool:
        """True when nothing is left to run."""
        ...

    @property
    def has_pending(self) -> bool:
        """True while items wait or run."""
        ...

    def add_node(self, node: WorkerController) -> None:
        """Take a worker in."""
        ...

    def add_node_collection(
        self, node: WorkerController, collection: Sequence[str]
    ) -> None:
        """Take a worker's items in."""
        ...

    def schedule(self) -> None:
        """Hand out work."""
        ...

    def mark_test_complete(
        self, node: WorkerController, item_index: int, duration: float
    ) -> None:
        """Cross an item off."""
        ...

    def mark_test_pending(self, item: str) -> None:
        """Put an item back."""
        ...

    def remove_pending_tests_from_node(
        self, node: WorkerController, indices: Sequence[int]
    ) -> None:
        """Take items from a worker that were stolen from it."""
        ...

    def remove_node(self, node: WorkerController) -> str | None:
        """Let a worker go."""
        ...


class SharedScheduling:
    """Gives every worker all of its own items; or stands aside.

    Which of the two is known once all workers have collected: parts of documents
    differ, other suites are the same everywhere.

    Args:
        usual: The scheduler that xdist would have used.
        worker_count: How many workers collect before anything is scheduled.
        set_collected: Called with the number of items of all workers together.

    Attributes:
        blamed: Node ids of the items that took two workers down.
    """

    def __init__(
        self,
        usual: Scheduling,
        worker_count: int,
        set_collected: Callable[[int], None],
    ) -> None:
        self._usual = usual
        self._worker_count = worker_count
        self._set_collected = set_collected
        self._is_shared: bool | None = None
        self._collections: dict[WorkerController, list[str]] = {}
        self._pending: dict[WorkerController, dict[int, None]] = {}
        self._unfinished: dict[int, dict[int, None]] = {}
        self._deaths: dict[str, int] = {}
        self._total = 0
        self.blamed: list[str] = []

    @property
    def nodes(self) -> list[WorkerController]:
        """The workers at hand."""
        if self._is_shared:
            return list(self._pending)
        return self._usual.nodes

    @property
    def collection_is_completed(self) -> bool:
        """True once every worker has collected."""
        if self._is_shared:
            return True
        return len(self._collections) >= self._worker_count

    @property
    def tests_finished(self) -> bool:
        """True when nothing is left to run."""
        if not self._is_shared:
            return self._is_shared is not None and self._usual.tests_finished
        return not self._unfinished and not any(self._pending.values())

    @property
    def has_pending(self) -> bool:
        """True while items wait or run."""
        if self._is_shared:
            return any(self._pending.values())
        return self._usual.has_pending

    def add_node(self, node: WorkerController) -> None:
        """Take a worker in."""
        self._pending[node] = {}
        if not self._is_shared:
            self._usual.add_node(node)

    def add_node_collection(
        self, node: WorkerController, collection: Sequence[str]
    ) -> None:
        """Take a worker's items in."""
        self._collections[node] = list(collection)
        if not self._is_shared:
            self._usual.add_node_collection(node, collection)

    def schedule(self) -> None:
        """Hand out the work: at the start, and to each replacement."""
        if self._is_shared is None:
            self._is_shared = self._have_parts()
            if self._is_shared:
                self._hand_out_all()
        if not self._is_shared:
            self._usual.schedule()
            return
        for node in list(self._pending):
            self._hand_on(node)
        self._set_collected(self._total)

    def _have_parts(self) -> bool:
        collections = list(self._collections.values())
        if len(collections) == 1:
            return any(map(may_be_document, collections[0]))
        return any(items != collections[0] for items in collections)

    def _hand_out_all(self) -> None:
        self._total = sum(map(len, self._collections.values()))
        for node, items in self._collections.items():
            self._send(node, dict.fromkeys(range(len(items))))

    def _hand_on(self, node: WorkerController) -> None:
        """Give a replacement what its predecessor left."""
        left = self._unfinished.get(share_index(node))
        if left is not None and node in self._collections:
            del self._unfinished[share_index(node)]
            self._send(node, left)

    def _send(self, node: WorkerController, indices: dict[int, None]) -> None:
        self._pending[node] = indices
        node.send_runtest_some(list(indices))
        # A worker runs its last item only when it knows that none follows.
        node.shutdown()

    def mark_test_complete(
        self, node: WorkerController, item_index: int, duration: float = 0
    ) -> None:
        """Cross an item off."""
        if self._is_shared:
            self._pending[node].pop(item_index, None)
        else:
            self._usual.mark_test_complete(node, item_index, duration)

    def mark_test_pending(self, item: str) -> None:
        """Put an item back."""
        if not self._is_shared:
            self._usual.mark_test_pending(item)

    def remove_pending_tests_from_node(
        self, node: WorkerController, indices: Sequence[int]
    ) -> None:
        """Take items from a worker that were stolen from it."""
        self._usual.remove_pending_tests_from_node(node, indices)

    def remove_node(self, node: WorkerController) -> str | None:
        """Let a worker go.

        Returns:
            The item to blame if the worker died of it twice, else None.
        """
        if not self._is_shared:
            self._collections.pop(node, None)
            self._pending.pop(node, None)
            return self._usual.remove_node(node)
        pending = self._pending.pop(node)
        items = self._collections.pop(node, None)
        if not pending or items is None:
            return None
        blamed = self._blame(items, pending)
        if pending:
            self._unfinished[share_index(node)] = pending
        return blamed

    def _blame(self, items: list[str], pending: dict[int, None]) -> str | None:
        first = next(iter(pending))
        name = items[first]
        self._deaths[name] = self._deaths.get(name, 0) + 1
        if self._deaths[name] < _TRIES:
            return None
        del pending[first]
        self.blamed.append(name)
        return name
