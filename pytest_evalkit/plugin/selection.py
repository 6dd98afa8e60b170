"""Which of the selected documents and cases a run, and a worker, takes.

Documents that belong together, as ``metadata.group_by`` says, form a bundle. Bundles
stand one after another in the order of their first documents, and are never cut: one is
taken where its first document is. A case in Python stands alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_evalkit.errors import TaskError
from pytest_evalkit.plugin.cases import asks_for_model
from pytest_evalkit.plugin.collection import DocumentItem, TaskNode
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.plugin.place import Share
from pytest_evalkit.results.journal import WholeDict

_Bundle = list[pytest.Item]

_DIGEST_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What narrowing did.

    Attributes:
        removed: The items taken out.
        notes: Of each task whose bundles made a limit or an offset another number of
            documents, one line that says so.
        wholes: Where ``--shard`` took a share, what it was taken of: by the node of a
            task, and by the path of a module of cases.
    """

    removed: Sequence[pytest.Item] = ()
    notes: Sequence[str] = ()
    wholes: Mapping[TaskNode | Path, WholeDict] = field(default_factory=dict)


def narrow(items: list[pytest.Item], options: RunOptions) -> Narrowed:
    """Keep the documents that ``--offset``, ``--limit`` and ``--shard`` leave.

    What pytest itself deselected is gone already, so that a limit counts documents
    that match ``-k``. Of cases in Python ``--shard`` alone takes its share. Items that
    are neither stay.

    Args:
        items: The items of the session; narrowed in place, in their order.
        options: What the user asked for.

    Raises:
        UsageError: A task cannot tell which documents belong together.
    """
    if options.limit is None and not options.offset and options.shard is None:
        return Narrowed()
    keep: set[int] = set()
    notes: list[str] = []
    wholes: dict[TaskNode | Path, WholeDict] = {}
    for owner, owned in _by_owner(items).items():
        if owner is None:
            keep.update(map(id, owned))
            continue
        chosen = _chosen(owned, options, notes)
        if options.shard is not None:
            wholes[owner] = _whole(chosen)
            index, count = options.shard
            chosen = chosen[index - 1 :: count]
        keep.update(id(item) for bundle in chosen for item in bundle)
    removed = [item for item in items if id(item) not in keep]
    items[:] = [item for item in items if id(item) in keep]
    return Narrowed(removed=removed, notes=notes, wholes=wholes)


def _by_owner(
    items: Iterable[pytest.Item],
) -> dict[TaskNode | Path | None, list[pytest.Item]]:
    """Sort items by what they belong to: a task, or a module of cases; None for others."""
    owned: dict[TaskNode | Path | None, list[pytest.Item]] = {}
    for item in items:
        owner: TaskNode | Path | None = None
        if isinstance(item, DocumentItem):
            owner = item.parent
        elif asks_for_model(item):
            owner = item.path
        owned.setdefault(owner, []).append(item)
    return owned


def _whole(bundles: Iterable[_Bundle]) -> WholeDict:
    # Not by node ids, which begin with where a machine has the files.
    names = sorted(item.name for bundle in bundles for item in bundle)
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    return {"documents": len(names), "digest": digest[:_DIGEST_DIGITS]}


def _chosen(
    items: Sequence[pytest.Item], options: RunOptions, notes: list[str]
) -> list[_Bundle]:
    """Take what an offset and a limit leave of a task; of cases all."""
    if not isinstance(items[0], DocumentItem):
        return [[item] for item in items]
    start, end = options.offset, len(items)
    if options.limit is not None:
        end = start + _count(options.limit, len(items))
    chosen = _between(_bundled(items), start, end)
    plain, taken = len(items[start:end]), sum(map(len, chosen))
    if taken != plain:
        notes.append(_rounding(items[0], options, plain, taken))
    return chosen


def _count(limit: float, available: int) -> int:
    return math.ceil(limit * available) if limit < 1 else int(limit)


def _between(bundles: Iterable[_Bundle], start: int, end: int) -> list[_Bundle]:
    """Take the bundles whose first document is in a part of the line."""
    chosen, position = [], 0
    for bundle in bundles:
        if start <= position < end:
            chosen.append(bundle)
        position += len(bundle)
    return chosen


def _rounding(item: pytest.Item, options: RunOptions, plain: int, taken: int) -> str:
    assert isinstance(item, DocumentItem)
    given = [f"--offset {options.offset}"] if options.offset else []
    if options.limit is not None:
        given.append(f"--limit {options.limit:g}")
    return (
        f"{item.parent.name}: {' '.join(given)} takes {taken} documents in place of "
        f"{plain}, since those that belong together stay together"
    )


def take_share(items: list[pytest.Item], share: Share) -> bool:
    """Keep a worker's share of the items, if there are documents among them.

    Neighbours go to different workers, so that each gets its part of every task. A
    session without documents is left to xdist. A worker beyond the last share is left
    without items.

    Returns:
        Whether the items were shared out.

    Raises:
        UsageError: A task cannot tell which documents belong together.
    """
    if not any(isinstance(item, DocumentItem) for item in items):
        return False
    has_part = share.number < share.of
    mine = _bundled(items)[share.number :: share.of] if has_part else []
    keep = {id(item) for bundle in mine for item in bundle}
    items[:] = [item for item in items if id(item) in keep]
    return True


def _bundled(items: Iterable[pytest.Item]) -> list[_Bundle]:
    """Put items that belong together side by side; most stand alone."""
    bundles: list[_Bundle] = []
    known: dict[tuple[int, Hashable], _Bundle] = {}
    for item in items:
        key = _bundle_key(item)
        if key is None:
            bundles.append([item])
        elif key in known:
            known[key].append(item)
        else:
            known[key] = [item]
            bundles.append(known[key])
    return bundles


def _bundle_key(item: pytest.Item) -> tuple[int, Hashable] | None:
    if not isinstance(item, DocumentItem):
        return None
    try:
        keys = item.parent.opened.bundles
    except TaskError as error:
        raise pytest.UsageError(str(error)) from None
    key = None if keys is None else keys[item.doc_id]
    return None if key is None else (id(item.parent), key)
