"""What travels on a test report: builtins only, since workers send them to xdist.

One value of any other type would end the whole distributed session, so every attribute
that this package puts on a report is written and read here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypedDict, cast

import pytest

from pytest_evalkit.evaluate import DocumentOutcome
from pytest_evalkit.naming import printable
from pytest_evalkit.plugin.collection import DocumentItem
from pytest_evalkit.plugin.options import RunOptions

_ATTRIBUTE = "evalkit"
_WORD = "evalkit_word"

# With these of -r the summary lists what passed, and needs a word for it.
_LISTING_PASSED = frozenset("pPA")

# One for all reports, as the terminal keeps every one.
_NO_KEYWORDS: Mapping[str, Literal[1]] = {}

Outcome = Literal["passed", "failed", "skipped"]
Longrepr = str | tuple[str, int, str] | None


class ReportDict(TypedDict):
    """What a document's report says beyond pytest's own attributes.

    ``score`` is the primary metric's value where it is a number. ``resumed`` says that
    the document was taken from an earlier session of the run.
    """

    task: str
    status: str
    metric: str | None
    score: float | None
    resumed: bool


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
        "resumed": outcome.is_resumed,
    }
    report = _report(item, outcome, failure, started)
    setattr(report, _ATTRIBUTE, said)
    report.duration = outcome.duration_s
    return report


def _report(
    item: DocumentItem, outcome: DocumentOutcome, failure: str | None, started: float
) -> pytest.TestReport:
    if outcome.status == "skipped":
        word: Outcome = "skipped"
        longrepr: Longrepr = (str(item.path), 0, f"Skipped: {failure}")
    else:
        word, longrepr = ("passed" if failure is None else "failed"), failure
    return pytest.TestReport(
        nodeid=getattr(item, "id", item.nodeid),
        location=item.location,
        keywords=_NO_KEYWORDS,
        outcome=word,
        longrepr=longrepr,
        when="call",
        start=started,
        stop=time.time(),
    )


def _failure(
    outcome: DocumentOutcome, primary: tuple[str, float] | None, options: RunOptions
) -> str | None:
    if outcome.message is not None:
        # The endpoint's own words may be in it.
        return printable(outcome.message)
    if options.fail_wrong and primary is not None and primary[1] <= 0:
        return f"wrong answer: {primary[0]} = {primary[1]:g}"
    return None


def word_of(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """Find the word that listings show for a report of ours; None for any other."""
    said = read_report(report)
    if said is None:
        return cast("str | None", getattr(report, _WORD, None))
    if said["status"] != "scored":
        return said["status"].upper()
    metric, score = said["metric"], said["score"]
    word = "SCORED" if score is None else f"{metric}={score:g}"
    return f"{word} (resumed)" if said["resumed"] else word


def say(report: pytest.TestReport, word: str) -> None:
    """Give a report that is no document's the word that listings show for it."""
    setattr(report, _WORD, word)


def closing_report(item: DocumentItem, outcome: DocumentOutcome) -> pytest.TestReport:
    """Make the second report that JUnit XML takes a test's properties from."""
    report = teardown_report(item, "passed", None)
    report.user_properties.extend(
        (name, value)
        for name, value in outcome.scores.items()
        if isinstance(value, int | float | str)
    )
    return report


def teardown_report(
    item: DocumentItem, outcome: Outcome, longrepr: Longrepr
) -> pytest.TestReport:
    """Make a second report of a document, of what followed its evaluation."""
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords=_NO_KEYWORDS,
        outcome=outcome,
        longrepr=longrepr,
        when="teardown",
    )


def slim(report: pytest.TestReport, config: pytest.Config) -> None:
    """Take off a report what everybody has seen, since the terminal keeps every one.

    Args:
        report: A report that has been handed to all hooks.
        config: Says whether a listing at the end wants the word.
    """
    if not _showing(config).in_list:
        del report.__dict__[_ATTRIBUTE]


def shown_status(
    report: pytest.CollectReport | pytest.TestReport, config: pytest.Config
) -> tuple[str, str, Any]:
    """Say how the terminal shows a report of ours.

    Without ``-v`` it shows nothing while the run goes on, the progress line does.

    Returns:
        The category to count it in, its letter, and its word.
    """
    if not report.passed:
        return report.outcome, "", report.outcome.upper()
    showing = _showing(config)
    is_shown = showing.at_once or showing.in_list
    return report.outcome, "", word_of(report) if is_shown else ""


class _Showing(NamedTuple):
    """Where the words of documents that passed are shown."""

    at_once: bool
    in_list: bool


_SHOWING_KEY: pytest.StashKey[_Showing] = pytest.StashKey()


def _showing(config: pytest.Config) -> _Showing:
    """Read what the user wants to see; once, since every report asks."""
    showing = config.stash.get(_SHOWING_KEY, None)
    if showing is None:
        verbosity = config.get_verbosity(pytest.Config.VERBOSITY_TEST_CASES)
        chars = config.getoption("reportchars", "")
        showing = config.stash[_SHOWING_KEY] = _Showing(
            at_once=verbosity > 0, in_list=bool(_LISTING_PASSED & set(chars))
        )
    return showing
