"""Results as one page that needs nothing but a browser, pictures included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.comparison import Comparison
from pytest_evalkit.reports.page_compared import Compared, compared
from pytest_evalkit.reports.page_documents import MOST_DOCUMENTS, PageDocuments
from pytest_evalkit.reports.page_figures import (
    errors_of,
    facts_of,
    figures_of,
    options_of,
    share_bar,
    subtitle_of,
)
from pytest_evalkit.reports.page_frame import PageFrame, data_block
from pytest_evalkit.reports.page_load import load_index, page_load
from pytest_evalkit.reports.page_media import (
    MOST_BYTES,
    MOST_FULL_BYTES,
    chosen_pictures,
    media_blocks,
)
from pytest_evalkit.results.comparison import RunComparison
from pytest_evalkit.results.media import MediaShelf
from pytest_evalkit.results.schema import ResultsDict

_FRAME = PageFrame(
    "page.html.jinja",
    (
        *("text", "store", "filtering", "drawing", "charts", "load"),
        *("detail", "list", "page"),
    ),
)
_VERDICTS = {"pass": "Passed", "fail": "Failed", "inconclusive": "Inconclusive"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRun:
    """A run to be shown.

    Attributes:
        results: What it concludes.
        samples: Its documents, in order, the samples of each next to each other.
    """

    results: ResultsDict
    samples: Iterable[SampleDict]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRun:
    """A run to be shown beside another.

    Attributes:
        run: The run.
        tested: What differs between the two, and how surely.
    """

    run: PageRun
    tested: RunComparison


def render_html(
    run: PageRun,
    other: OtherRun | None = None,
    pictures: MediaShelf | None = None,
    *,
    most: int = MOST_DOCUMENTS,
) -> Iterator[bytes]:
    """Write a run as one page, or two runs beside each other.

    Args:
        run: The run.
        other: A second run, to compare with the first.
        pictures: Media of the documents; None to show none.
        most: Documents to show.

    Returns:
        The page, piece by piece, in UTF-8.
    """
    documents = PageDocuments(run.results, most, is_compared=other is not None)
    documents.add_all(run.samples)
    comparison = None
    if other is not None:
        comparison = Comparison(documents, run.results, other.run.results)
        comparison.add_all(other.run.samples)
    documents.texts.settle()
    options = run.results["config"].get("resolved_cli_args", {})
    is_full = options.get("report_media") == "full"
    room = MOST_FULL_BYTES if is_full else MOST_BYTES
    chosen = chosen_pictures(documents, pictures, room)
    notes = [*_notes(documents), *chosen.notes]
    shown = None
    if comparison is not None and other is not None:
        shown = compared(comparison, other.tested)
    yield _head(run.results, documents, shown, notes)
    index = documents.index() | {
        "load": load_index(run.results),
        "limits": run.results.get("concurrency", []),
        "media": chosen.places,
        "other": None if comparison is None else comparison.index(),
    }
    yield data_block(index, "index")
    for block in documents.blocks():
        yield data_block(block, "block")
    for pictured in media_blocks(chosen, pictures):
        yield data_block(pictured, "media")
    yield from _FRAME.end()


def _head(
    results: ResultsDict,
    documents: PageDocuments,
    comparison: Compared | None,
    notes: list[str],
) -> bytes:
    """Write all that needs no script."""
    return _FRAME.head(
        results=results,
        subtitle=subtitle_of(results),
        rows=list(figures_of(results)),
        facts=list(facts_of(results)),
        versions=results["environment"],
        options=options_of(results),
        errors=errors_of(results),
        breakdowns=documents.breakdowns(),
        load=page_load(results),
        qualities=documents.qualities,
        comparison=comparison,
        count=documents.count,
        shown=len(documents.details),
        notes=notes,
        arrow=_arrow,
        share_bar=share_bar,
        verdicts=_VERDICTS,
    )


def _notes(documents: PageDocuments) -> Iterator[str]:
    shown, count = len(documents.details), documents.count
    if shown < count:
        yield (
            f"{shown:,} of {count:,} documents are shown, the first of each task; the "
            "samples files beside this page have them all."
        )
    if documents.texts.cut_at is not None:
        yield (
            f"Texts of more than {documents.texts.cut_at:,} characters are cut in the "
            "middle; the samples files beside this page have them whole."
        )


def _arrow(higher_is_better: bool | None) -> Any:
    from markupsafe import Markup

    if higher_is_better is None:
        return ""
    word, sign = ("higher", "↑") if higher_is_better else ("lower", "↓")
    return Markup(' <span class="arrow" title="{} is better">{}</span>').format(
        word, sign
    )
