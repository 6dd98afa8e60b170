"""Joining the journals of several runs to those of one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.conclusion import RunRecord
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.journal import (
    JournalWriter,
    PlaceReader,
    RunDict,
    SelectionDict,
)
from pytest_evalkit.results.schema import LimitDict
from pytest_evalkit.results.sources import Part, Source, in_order
from pytest_evalkit.results.spans import covered_s

# What names of processes begin with in a merged run.
_PART = "part{:04}-"
# Written together: few calls of the system, and little memory.
_BLOCK_BYTES = 1 << 20


def join(sources: Sequence[Source], folder: RunFolder) -> None:
    """Write the journals of one run that has the documents of several.

    Each of the runs has one journal there, whatever it had of its own. In it stands what
    the run concludes from: of a document recorded twice the record that counts. The
    order in which runs are given does not matter.

    Args:
        sources: The runs, which agree.
        folder: Where to write.

    Raises:
        ResultsError: A journal cannot be read or written.
    """
    shares = count()
    for number, (source, part) in enumerate(in_order(sources), start=1):
        writer = JournalWriter(folder.journal_dir / f"part{number:04}.jsonl")
        try:
            for line in _announcements(source, part, number, shares):
                writer.write(encode(line) + b"\n")
            for block in _blocks(_samples(source, part)):
                writer.write(block)
        finally:
            writer.close()
        _copy_media(source, part, number, folder)


def _copy_media(source: Source, part: Part, number: int, folder: RunFolder) -> None:
    """Copy the pictures that the report shows."""
    before = _prefix(part)
    for path in sorted(source.folder.media_dir.glob(f"{before}*.jsonl")):
        name = path.name.removeprefix(before)
        target = folder.media_dir / f"{_PART.format(number)}{name}"
        try:
            folder.media_dir.mkdir(exist_ok=True)
            shutil.copyfile(path, target)
        except OSError as error:
            raise ResultsError(
                f"cannot copy {path} to {target}: {error.strerror}"
            ) from error


def _announcements(
    source: Source, part: Part, number: int, shares: Iterator[int]
) -> Iterator[Mapping[str, Any]]:
    """Write what a part says beside its samples, its workers numbered anew."""
    said: RunDict = {
        **part.said,
        "part": number,
        "name": part.name,
        "spans": sorted(part.spans.items()),
    }
    yield said
    record = source.record
    yield from record.groups.values()
    if record.model_name is not None:
        yield {
            "kind": "model",
            "name": record.model_name,
            "description": record.model_description,
        }
    numbers = {share: next(shares) for share in _shares(part)}
    for selection in (one for each in part.selections.values() for one in each):
        renumbered: SelectionDict = {
            **selection,
            "shard": numbers[selection["shard"]],
            "part": number,
        }
        yield renumbered
    for limit in record.limits:
        share = limit.get("worker", 0)
        if share in numbers:
            yield _limit(limit, numbers[share])
    if record.spent is not None:
        yield {"kind": "budget", "reason": record.spent}
    if record.load.ended is not None:
        yield {"kind": "load_end", "reason": record.load.ended}
    before = _prefix(part)
    for process, cache in record.caches.items():
        if process.startswith(before):
            name = process.removeprefix(before)
            yield {**cache, "process": f"{_PART.format(number)}{name}"}
    yield from _of_load(record, before, number)


def _of_load(
    record: RunRecord, before: str, number: int
) -> Iterator[Mapping[str, Any]]:
    """Write what the processes of a part say of the load, their names anew."""
    told: Sequence[tuple[str, Sequence[Mapping[str, Any]]]] = (
        ("client", record.load.clients),
        ("warmup", record.load.warmed),
        ("token_counting", record.load.counted),
    )
    for kind, lines in told:
        for line in lines:
            if line["process"].startswith(before):
                name = line["process"].removeprefix(before)
                process = f"{_PART.format(number)}{name}"
                yield {"kind": kind, **line, "process": process}


def _prefix(part: Part) -> str:
    """Tell how names of a part begin where it stands now: in a merged run, or alone."""
    number = part.said.get("part")
    return "" if number is None else _PART.format(number)


def _shares(part: Part) -> list[int]:
    """List the numbers of the workers that a part had documents for."""
    selections = (one for each in part.selections.values() for one in each)
    return sorted({selection["shard"] for selection in selections})


def _limit(limit: LimitDict, worker: int) -> Mapping[str, Any]:
    return {"kind": "concurrency", **limit, "worker": worker}


def _samples(source: Source, part: Part) -> Iterator[bytes]:
    """Read the samples of a part again, as they stand in its journals."""
    with PlaceReader(source.record.paths) as reader:
        for samples in part.samples.values():
            for _, place in samples:
                yield reader.line(place)


def _blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Join lines to blocks that end where a line does."""
    block: list[bytes] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line)
        if size >= _BLOCK_BYTES:
            yield b"".join(block)
            block, size = [], 0
    if block:
        yield b"".join(block)


def elapsed_s(parts: Sequence[Part]) -> float:
    """Add up the seconds in which at least one of several runs was at work."""
    return covered_s(span for part in parts for span in part.spans.items())
