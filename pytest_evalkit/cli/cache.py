"""``evalkit cache``: what a response cache holds, and taking out what is old."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from pytest_evalkit.codec import encode
from pytest_evalkit.engine.answer_upkeep import (
    Kept,
    Pruning,
    contents,
    exported,
    prune,
    size_of,
)
from pytest_evalkit.errors import OptionError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_PREFIXES = ("", "k", "M", "G", "T")
_HEADINGS = ("model", "requests", "answers", "size", "oldest", "newest")
_NUMBERS = {"answers", "size"}


def look_after(options: argparse.Namespace) -> int:
    """Do what a subcommand asks for.

    Returns:
        The exit status, 0.

    Raises:
        OptionError: An argument makes no sense, or there is no such model.
        CacheError: There is no cache, or it cannot be used.
    """
    return _ACTIONS[options.action](options)


def _stats(options: argparse.Namespace) -> int:
    folder = options.folder
    found = contents(folder)
    entries = sum(kept.entries for kept in found)
    sys.stdout.write(f"{_answers(entries)}, {_size(size_of(folder))} on disk\n")
    if found:
        sys.stdout.write(_table([_HEADINGS, *map(_row, found)]))
    return 0


def _answers(count: int) -> str:
    return f"{count:,} answer{'' if count == 1 else 's'}"


def _row(kept: Kept) -> tuple[str, ...]:
    return (
        kept.model,
        kept.kind,
        f"{kept.entries:,}",
        _size(kept.size),
        _time(kept.oldest),
        _time(kept.newest),
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    forms = [
        f"{'>' if heading in _NUMBERS else '<'}{width}"
        for heading, width in zip(rows[0], widths, strict=True)
    ]
    lines = ("  ".join(map(format, row, forms)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _size(size: float) -> str:
    """Write a number of bytes, to a tenth of a unit of a thousand."""
    for prefix in _PREFIXES[:-1]:
        if size < 1000:  # noqa: PLR2004 - as the units have it
            return f"{size:.0f} B" if not prefix else f"{size:.1f} {prefix}B"
        size /= 1000
    return f"{size:.1f} {_PREFIXES[-1]}B"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _prune(options: argparse.Namespace) -> int:
    pruning = Pruning(
        before=_before(options.older_than),
        model=options.model,
        max_size=None if options.max_size is None else size_said(options.max_size),
    )
    if pruning == Pruning():
        raise OptionError(
            "say what to take out: --older-than AGE, --model NAME or --max-size SIZE; "
            "to take out all, remove the folder"
        )
    removed = prune(options.folder, pruning)
    left = _size(size_of(options.folder))
    sys.stdout.write(f"{_answers(removed)} taken out, {left} left on disk\n")
    return 0


def _before(age: str | None) -> float | None:
    return None if age is None else time.time() - age_said(age)


def age_said(text: str) -> float:
    """Read an age such as ``30d``, in seconds.

    Raises:
        OptionError: It is something else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if match is None:
        raise OptionError(
            f"--older-than {text!r}: must be a number and s, m, h, d or w, such as 30d"
        )
    return float(match[1]) * _SECONDS[match[2]]


def size_said(text: str) -> int:
    """Read a size such as ``500MB`` or ``2GiB``, in bytes.

    Raises:
        OptionError: It is something else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kMGT]?)(i?)B?", text)
    if match is None:
        raise OptionError(
            f"--max-size {text!r}: must be a number of bytes, such as 500MB or 2GiB"
        )
    unit = 1024 if match[3] else 1000
    return int(float(match[1]) * unit ** _PREFIXES.index(match[2]))


def _export(options: argparse.Namespace) -> int:
    lines = (encode(entry) for entry in exported(options.folder, options.model))
    try:
        _print(lines)
    except BrokenPipeError:
        # Whoever reads has seen enough; and Python would flush once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _print(lines: Iterable[bytes]) -> None:
    # JSON Lines are UTF-8, whatever the terminal is.
    sys.stdout.buffer.writelines(line + b"\n" for line in lines)
    sys.stdout.flush()


_ACTIONS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "stats": _stats,
    "prune": _prune,
    "export": _export,
}
