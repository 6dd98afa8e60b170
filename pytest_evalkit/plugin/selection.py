"""Which of the selected documents a run, and a worker, takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

import pytest

from pytest_evalkit.plugin.collection import DocumentItem
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.plugin.place import Share


def narrow(items: list[pytest.Item], options: RunOptions) -> list[pytest.Item]:
    """Keep the documents that ``--offset``, ``--limit`` and ``--shard`` leave.

    What pytest itself deselected is gone already, so that a limit counts documents
    that match ``-k``. Items that are no documents stay.

    Args:
        items: The items of the session; narrowed in place, in their order.
        options: What the user asked for.

    Returns:
        The items taken out.
    """
    if options.limit is None and not options.offset and options.shard is None:
        return []
    kept: list[pytest.Item] = []
    for node, neighbours in groupby(items, key=_task_node):
        group = list(neighbours)
        kept.extend(group if node is None else _narrow_task(group, options))
    keep = set(map(id, kept))
    removed = [item for item in items if id(item) not in keep]
    items[:] = kept
    return removed


def _task_node(item: pytest.Item) -> object:
    return item.parent if isinstance(item, DocumentItem) else None


def _narrow_task(
    items: Sequence[pytest.Item], options: RunOptions
) -> Iterable[pytest.Item]:
    chosen = items[options.offset :]
    if options.limit is not None:
        chosen = chosen[: _count(options.limit, len(items))]
    if options.shard is not None:
        index, count = options.shard
        chosen = chosen[index - 1 :: count]
    return chosen


def _count(limit: float, available: int) -> int:
    return math.ceil(limit * available) if limit < 1 else int(limit)


def take_share(items: list[pytest.Item], share: Share) -> bool:
    """Keep a worker's share of the items, if there are documents among them.

    Neighbours go to different workers, so that each gets its part of every task. A
    session without documents is left to xdist. A worker beyond the last share is left
    without items.

    Returns:
        Whether the items were shared out.
    """
    if not any(isinstance(item, DocumentItem) for item in items):
        return False
    has_part = share.number < share.of
    items[:] = items[share.number :: share.of] if has_part else []
    return True
