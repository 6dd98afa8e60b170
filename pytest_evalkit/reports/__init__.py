"""Results as people read them: pure functions from results to text."""

from __future__ import annotations

from pytest_evalkit.reports.html import OtherRun, PageRun, render_html
from pytest_evalkit.reports.markdown import (
    markdown_gates,
    markdown_summary,
    markdown_table,
    markdown_text,
)
from pytest_evalkit.reports.terminal import (
    budget_lines,
    cache_lines,
    gate_lines,
    path_lines,
    results_table,
)

__all__ = [
    "OtherRun",
    "PageRun",
    "budget_lines",
    "cache_lines",
    "gate_lines",
    "markdown_gates",
    "markdown_summary",
    "markdown_table",
    "markdown_text",
    "path_lines",
    "render_html",
    "results_table",
]
