"""Results as one page that needs nothing but a browser.

The page asks the network for nothing: style and script stand in it. Whatever comes
from a model, a data set or a task is escaped by the template engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.rows import Row, rows_of
from pytest_evalkit.results.schema import ResultsDict, task_names

_MINUTE_S = 60
_HOUR_S = 3600


def render_html(results: ResultsDict, samples: Iterable[SampleDict]) -> str:
    """Write a run as one page.

    Args:
        results: What the run concludes.
        samples: The documents to show, in order; all that are given are written.
    """
    cards = [_card(sample) for sample in samples]
    return str(
        _template().render(
            results=results,
            rows=[_Figure(row=row, bar=_bar(row)) for row in rows_of(results)],
            facts=list(_facts(results)),
            versions=results["environment"],
            options=_options(results),
            errors=_errors(results),
            cards=cards,
            tasks=list(dict.fromkeys(card.task for card in cards)),
            filters=list(dict.fromkeys(card.pipeline for card in cards)),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    """A share between 0 and 1, drawn; all in per cent of the bar's length."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """A row of the table with its bar; without one where the scale is not known."""

    row: Row
    bar: _Bar | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    """Something about the run, in words."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """One message of a prompt: who says what, with what media."""

    role: str
    text: str
    media: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """One document as the page shows it."""

    task: str
    item_id: str
    pipeline: str
    outcome: str
    said: Sequence[_Said]
    target: str
    answer: str
    raw: str | None
    reasoning: str | None
    error: str | None
    metrics: Mapping[str, str]


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # The package's own files are the only texts that are not escaped.
    environment.globals["style"] = Markup(_resource("page.css"))  # noqa: S704
    environment.globals["script"] = Markup(_resource("page.js"))  # noqa: S704
    return environment.from_string(_resource("page.html.jinja"))


def _resource(name: str) -> str:
    file = resources.files("pytest_evalkit.reports").joinpath(name)
    return file.read_text(encoding="utf-8")


def _bar(row: Row) -> _Bar | None:
    """Draw what is a share; the length of any other figure would mean nothing."""
    if row.value is None or not 0 <= row.value <= 1:
        return None
    low, high = row.ci95 or (None, None)
    return _Bar(
        value=100 * row.value,
        low=None if low is None else 100 * max(low, 0.0),
        high=None if high is None else 100 * min(high, 1.0),
    )


def _facts(results: ResultsDict) -> Iterator[_Fact]:
    started = datetime.fromtimestamp(results["date"], tz=UTC)
    yield _Fact(name="Started", value=f"{started:%Y-%m-%d %H:%M} UTC")
    yield _Fact(name="Took", value=_duration(results["total_evaluation_time_seconds"]))
    counts = [results["coverage"][task] for task in task_names(results)]
    selected = sum(count["selected"] for count in counts)
    scored = sum(count["scored"] for count in counts)
    yield _Fact(name="Documents scored", value=f"{scored:,} of {selected:,}")
    yield from _measured(results)
    if results["git_hash"]:
        yield _Fact(name="Commit", value=results["git_hash"][:12])


def _measured(results: ResultsDict) -> Iterator[_Fact]:
    """Tell what was measured, and nothing of what was not."""
    usage, speed = results["usage"], results["throughput"]
    for kind in ("input", "output", "reasoning", "cached"):
        if usage.get(f"{kind}_tokens") is not None:
            count = usage[f"{kind}_tokens"]
            yield _Fact(name=f"{kind.capitalize()} tokens", value=f"{count:,}")
    if speed.get("documents_per_s") is not None:
        yield _Fact(
            name="Documents per second", value=f"{speed['documents_per_s']:.3g}"
        )
    if speed.get("output_tokens_per_s") is not None:
        per_s = speed["output_tokens_per_s"]
        yield _Fact(name="Output tokens per second", value=f"{per_s:,.4g}")
    if results["latency"]:
        times = results["latency"]
        percentiles = " / ".join(f"{times[f'p{p}_s']:.2f}" for p in (50, 90, 99))
        yield _Fact(name="Request latency p50 / p90 / p99", value=f"{percentiles} s")


def _duration(seconds: float) -> str:
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    if seconds < _HOUR_S:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _options(results: ResultsDict) -> dict[str, str]:
    options = results["config"].get("resolved_cli_args", {})
    return {
        name: _text(value) for name, value in options.items() if value not in (None, "")
    }


def _errors(results: ResultsDict) -> list[_Fact]:
    return [
        _Fact(name=task, value=f"{kind} ({count})")
        for task, kinds in results["errors"].items()
        for kind, count in kinds.items()
    ]


def _card(sample: SampleDict) -> _Card:
    metrics = {name: _value(sample, name) for name in sample["metrics"]}
    raw, answer = sample.get("resps"), sample["filtered_resps"]
    reasoning = sample.get("reasoning")
    return _Card(
        task=sample["task"],
        item_id=sample["item_id"],
        pipeline=sample["filter"],
        outcome=_outcome(sample, metrics),
        said=[
            *(_said(message) for message in sample["input"]),
            *_weighed(sample),
        ],
        target=_text(sample["target"]),
        answer="" if answer is None else _text(answer),
        raw=None if raw is None else _text(raw),
        reasoning=None if reasoning is None else _text(reasoning),
        error=sample.get("error"),
        metrics={name: _text(value) for name, value in metrics.items()},
    )


def _value(sample: SampleDict, metric: str) -> Any:
    # Metric values stand beside the named keys, under the metrics' own names.
    values: Mapping[str, Any] = {**sample}
    return values[metric]


def _outcome(sample: SampleDict, metrics: Mapping[str, Any]) -> str:
    """Say by the first number among the metrics how the document did."""
    if sample["status"] != "scored":
        return sample["status"]
    for value in metrics.values():
        if isinstance(value, int | float):
            return "zero" if value == 0 else "nonzero"
    return "scored"


def _said(message: Mapping[str, Any]) -> _Said:
    content = message["content"]
    if isinstance(content, str):
        return _Said(role=message["role"], text=content, media=())
    texts = [part["text"] for part in content if part["type"] == "text"]
    media = [
        f"{part.get('mime', part['type'])} {part.get('sha256', '')[:12]}"
        for part in content
        if part["type"] != "text"
    ]
    return _Said(role=message["role"], text="".join(texts), media=media)


def _weighed(sample: Mapping[str, Any]) -> Iterator[_Said]:
    """Show the texts whose likelihood was asked for, a context once for them all."""
    context = None
    for *before, text in sample.get("arguments", ()):
        if before and before[0] != context:
            context = before[0]
            yield _Said(role="context", text=context, media=())
        yield _Said(role="continuation" if before else "text", text=text, media=())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else encode(value).decode()
