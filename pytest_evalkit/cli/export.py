"""``evalkit export``: the samples of a run as CSV or Parquet."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pytest_evalkit.cli.runs import read_run
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.reports.table import Column, columns_of, table_rows
from pytest_evalkit.results.folder import write_whole

_BATCH = 5_000


def export(run: str, kind: str, output: Path | None) -> int:
    """Write a row for each document and filter, and say where.

    Args:
        run: A run folder, its results file, or ``last``.
        kind: ``csv`` or ``parquet``.
        output: The file; None for ``samples.csv`` or ``samples.parquet`` in the run's
            folder.

    Returns:
        The exit status, 0.

    Raises:
        ResultsError: The run cannot be read, has no samples, or the file cannot be
            written.
    """
    recorded, _ = read_run(run)
    root = recorded.folder.root
    path = root / f"samples.{kind}" if output is None else output
    if not recorded.samples:
        raise ResultsError(f"{root} holds no samples_<task>.jsonl to export")
    columns = columns_of(recorded.all_samples())
    rows = table_rows(recorded.all_samples(), columns)
    if kind == "csv":
        write_whole(path, _csv(columns, rows))
    else:
        _write_parquet(path, columns, rows)
    sys.stdout.write(f"{path}\n")
    return 0


def _csv(columns: Sequence[Column], rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    names = [column.name for column in columns]
    line = io.StringIO()
    writer = csv.DictWriter(line, names)
    writer.writeheader()
    for row in rows:
        writer.writerow(row)
        yield line.getvalue().encode("utf-8", "replace")
        line.seek(0)
        line.truncate()
    yield line.getvalue().encode()


def _write_parquet(
    path: Path, columns: Sequence[Column], rows: Iterable[dict[str, Any]]
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64()}
    schema = pa.schema([(column.name, types[column.kind]) for column in columns])
    content = io.BytesIO()
    with pq.ParquetWriter(content, schema) as writer:
        left = iter(rows)
        while batch := list(islice(left, _BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema))
    write_whole(path, [content.getvalue()])
