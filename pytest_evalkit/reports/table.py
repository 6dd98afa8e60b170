"""Samples as a flat table, for spreadsheets and data frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_evalkit.codec import encode
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.standing import value_of

Kind = Literal["text", "integer", "number"]

_TEXTS = (
    *("task", "item_id", "doc_hash", "filter", "status", "prompt", "target"),
    *("response", "answer", "reasoning", "finish_reason", "parse_status", "error"),
)
_TOKENS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    Attributes:
        name: Its heading.
        kind: What its cells are, where they are not empty.
    """

    name: str
    kind: Kind


def columns_of(samples: Iterable[SampleDict]) -> list[Column]:
    """Find the columns that samples need.

    What every sample has comes first; then a column ``category.NAME`` for what
    documents are told apart by, and ``metric.NAME`` for each metric. A metric that is
    not always a number is written as JSON.
    """
    categories: dict[str, None] = {}
    metrics: dict[str, Kind] = {}
    for sample in samples:
        categories.update(dict.fromkeys(sample.get("categories", ())))
        for name in sample["metrics"]:
            is_number = isinstance(value_of(sample, name), int | float | None)
            kind: Kind = "number" if is_number else "text"
            metrics[name] = kind if metrics.get(name, kind) == kind else "text"
    return [
        *(Column(name, "text") for name in _TEXTS),
        *(Column(name, "integer") for name in ("doc_id", "attempts", *_TOKENS)),
        *(Column(name, "number") for name in ("started_s", "latency_s")),
        *(Column(f"category.{name}", "text") for name in categories),
        *(Column(f"metric.{name}", kind) for name, kind in metrics.items()),
    ]


def table_rows(
    samples: Iterable[SampleDict], columns: Iterable[Column]
) -> Iterator[dict[str, Any]]:
    """Write samples as rows, a cell for each column; None for an empty one."""
    kinds = {column.name: column.kind for column in columns}
    for sample in samples:
        row = _row(sample)
        yield {name: _cell(row.get(name), kind) for name, kind in kinds.items()}


def _row(sample: SampleDict) -> dict[str, Any]:
    timing: Mapping[str, Any] = sample.get("timing") or {}
    received = sample.get("resps", sample["filtered_resps"])
    return {
        **sample,
        "prompt": _prompt(sample),
        "response": received,
        "answer": sample["filtered_resps"],
        **(sample.get("token_counts") or {}),
        "started_s": timing.get("started_s"),
        "latency_s": timing.get("latency_s"),
        **{f"category.{k}": v for k, v in sample.get("categories", {}).items()},
        **{f"metric.{name}": value_of(sample, name) for name in sample["metrics"]},
    }


def _prompt(sample: SampleDict) -> Any:
    """Write what was asked: the text where it is one, else as it is recorded."""
    match sample["input"]:
        case [{"role": "user", "content": str(text)}]:
            return text
        case []:
            return sample.get("arguments")
        case messages:
            return messages


def _cell(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind == "number":
        return float(value)
    if kind == "integer":
        return value
    text = value if isinstance(value, str) else encode(value).decode()
    # Models do emit halves of characters, which no file of text can hold.
    return text.encode("utf-8", "replace").decode()
