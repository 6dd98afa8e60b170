"""Results as one page that needs nothing but a browser.

The page asks the network for nothing: style, script, data and pictures stand in it.
Whatever comes from a model, a data set or a task is escaped by the template engine, or
stands in data that the script shows as text; no script but the package's own may run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from pytest_evalkit.codec import encode
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

_SCRIPTS = ("text", "store", "filtering", "charts", "load", "detail", "list", "page")
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
    yield _head(run.results, documents, shown, notes).encode("utf-8", "replace")
    index = documents.index() | {
        "load": load_index(run.results),
        "limits": run.results.get("concurrency", []),
        "media": chosen.places,
        "other": None if comparison is None else comparison.index(),
    }
    yield _data(index, "index")
    for block in documents.blocks():
        yield _data(block, "block")
    for pictured in media_blocks(chosen, pictures):
        yield _data(pictured, "media")
    for script in _scripts():
        yield f"<script>{script}</script>\n".encode()
    yield b"</body>\n</html>\n"


def _head(
    results: ResultsDict,
    documents: PageDocuments,
    comparison: Compared | None,
    notes: list[str],
) -> str:
    """Write all that needs no script."""
    return str(
        _template().render(
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
        )
    )


def _data(value: Any, name: str) -> bytes:
    """Write data into the page.

    A less-than sign is escaped, so that no text in it can end the element or begin
    another.
    """
    text = encode(value).replace(b"<", b"\\u003c")
    head = f'<script type="application/json" class="{name}">'.encode()
    return head + text + b"</script>\n"


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


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # The package's own files are the only texts that are not escaped.
    style = _resource("uplot", "uPlot.min.css") + _resource("page", "page.css")
    environment.globals["style"] = Markup(style)  # noqa: S704
    hashes = " ".join(map(_source_hash, _scripts()))
    environment.globals["script_hashes"] = Markup(hashes)  # noqa: S704
    environment.globals["arrow"] = _arrow
    environment.globals["share_bar"] = share_bar
    environment.globals["verdicts"] = _VERDICTS
    return environment.from_string(_resource("page", "page.html.jinja"))


def _arrow(higher_is_better: bool | None) -> Any:
    from markupsafe import Markup

    if higher_is_better is None:
        return ""
    word, sign = ("higher", "↑") if higher_is_better else ("lower", "↓")
    return Markup(' <span class="arrow" title="{} is better">{}</span>').format(
        word, sign
    )


@cache
def _scripts() -> tuple[str, str]:
    """Read the scripts: the charting library, and the page's own in one scope."""
    own = "\n".join(_resource("page", f"{name}.js") for name in _SCRIPTS)
    library = _resource("uplot", "uPlot.iife.min.js")
    return library, f'(() => {{\n"use strict";\n{own}\n}})();'


def _source_hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _resource(folder: str, name: str) -> str:
    file = resources.files("pytest_evalkit.reports").joinpath(folder, name)
    return file.read_text(encoding="utf-8")
