"""What travels on a test report: builtins only, since workers send them to xdist.

One value of any other type would end the whole distributed session, so every attribute
that this package puts on a report is written and read here.
"""

from __future__ import annotations

import time
from typing import TypedDict, cast

import pytest

from pytest_evalkit.evaluate import DocumentOutcome
from pytest_evalkit.plugin.collection import DocumentItem
from pytest_evalkit.plugin.options import RunOptions

_ATTRIBUTE = "evalkit"


class ReportDict(TypedDict):
    """What a document's report says beyond pytest's own attributes.

    ``score`` is the primary metric's value where it is a number; ``word`` is what the
    verbose listing shows.
    """

    task: str
    status: str
    metric: str | None
    score: float | None
    word: str


def read_report(report: pytest.TestReport | pytest.CollectReport) -> ReportDict | None:
    """Get what a document's report says; None for any other report."""
    return cast("ReportDict | None", getattr(report, _ATTRIBUTE, None))


def report_document(
    item: DocumentItem, outcome: DocumentOutcome, started: float, options: RunOptions
) -> pytest.TestReport:
    """Make the one report of a document.

    Args:
        item: The document's item.
        outcome: How it ended.
        started: Seconds since the epoch when the item began.
        options: Says whether a wrong answer fails its item.
    """
    primary = outcome.primary
    failure = _failure(outcome, primary, options)
    said: ReportDict = {
        "task": outcome.task,
        "status": outcome.status,
        "metric": primary[0] if primary else None,
        "score": primary[1] if primary else None,
        "word": _word(outcome, primary),
    }
    if outcome.status == "skipped":
        return _report(
            item, "skipped", (str(item.path), 0, f"Skipped: {failure}"), started, said
        )
    report = _report(
        item, "passed" if failure is None else "failed", failure, started, said
    )
    report.duration = outcome.duration_s
    report.user_properties.extend(
        (name, value)
        for name, value in outcome.scores.items()
        if isinstance(value, int | float | str)
    )
    return report


def _report(
    item: DocumentItem,
    outcome: str,
    longrepr: str | tuple[str, int, str] | None,
    started: float,
    said: ReportDict,
) -> pytest.TestReport:
    report = pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords=item.parent.report_keywords,
        outcome=outcome,  # type: ignore[arg-type]  # one of pytest's three words
        longrepr=longrepr,
        when="call",
        start=started,
        stop=time.time(),
    )
    setattr(report, _ATTRIBUTE, said)
    return report


def _failure(
    outcome: DocumentOutcome, primary: tuple[str, float] | None, options: RunOptions
) -> str | None:
    if outcome.message is not None:
        return outcome.message
    if options.fail_wrong and primary is not None and primary[1] <= 0:
        return f"wrong answer: {primary[0]} = {primary[1]:g}"
    return None


def _word(outcome: DocumentOutcome, primary: tuple[str, float] | None) -> str:
    if outcome.status == "scored":
        return f"{primary[0]}={primary[1]:g}" if primary else "SCORED"
    return outcome.status.upper()
