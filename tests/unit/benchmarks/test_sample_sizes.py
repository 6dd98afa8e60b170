"""Samples are packed into the wheel, so each of them is small."""

from __future__ import annotations

from pathlib import Path

_MOST_BYTES = 60_000


def test_no_sample_is_large(benchmarks: Path) -> None:
    sizes = {
        folder.parent.name: sum(
            path.stat().st_size for path in folder.rglob("*") if path.is_file()
        )
        for folder in benchmarks.glob("*/sample")
    }

    assert len(sizes) >= 40
    assert {name for name, size in sizes.items() if size > _MOST_BYTES} == set()
