"""The beginning of a load that workers share: where it is kept, who is waited for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_evalkit.plugin.place import RunStart, Share
from pytest_evalkit.plugin.run_options import RunOptions

if TYPE_CHECKING:
    from pytest_evalkit.engine import SharedOrigin

_NAME = "origin-"


def has_origin(options: RunOptions) -> bool:
    """Tell whether it matters that workers begin together.

    So it does where the clock says when a request goes or when the load ends, and where
    requests warm the endpoint up that no measured one is to meet.

    Args:
        options: What the user asked for; they go together.
    """
    if options.duration is not None or options.warmup_requests:
        return True
    if options.load_pattern is None:
        return False
    from pytest_evalkit.plugin.load import pattern_of

    pattern = pattern_of(options)
    return pattern is not None and pattern.is_open


def origin_of(
    options: RunOptions, share: Share | None, journals: Path, start: RunStart
) -> SharedOrigin | None:
    """Make what a worker learns the beginning from; None where it has its own.

    Args:
        options: What the user asked for.
        share: The worker's part; None where there is one process.
        journals: The folder that all processes of the run write to.
        start: When this session of the run started.
    """
    if share is None or share.number >= share.of or not has_origin(options):
        return None
    from pytest_evalkit.engine import SharedOrigin

    return SharedOrigin(_path(journals, start), share.number, share.of)


def excuse_worker(journals: Path, start: RunStart, number: int) -> None:
    """Have the others not wait for a worker that has nothing to send, or is gone.

    Args:
        journals: As of ``origin_of``.
        start: As of ``origin_of``.
        number: Of the worker's share.
    """
    from pytest_evalkit.engine.shared_origin import excuse

    excuse(_path(journals, start), number)


def forget_origins(journals: Path) -> None:
    """Take away what workers told each other, when all of them have ended."""
    for told in journals.glob(f"{_NAME}*"):
        told.unlink(missing_ok=True)


def _path(journals: Path, start: RunStart) -> Path:
    # A session that is gone may have left its own.
    return journals / f"{_NAME}{start.date:.6f}"
