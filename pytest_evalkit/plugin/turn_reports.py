"""Turns of conversations as pytest's subtests.

The one private name touched is the class of what a subtest is called; reports of pytest's
own are made with it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_evalkit.evaluate import DocumentOutcome, TurnDict
from pytest_evalkit.naming import printable
from pytest_evalkit.plugin.collection import DocumentItem, TaskNode
from pytest_evalkit.plugin.wire import Longrepr, Outcome

_OUTCOMES: dict[str, Outcome] = {
    "successful": "passed",
    "errored": "failed",
    # The end of the load cut it off, which is no fault.
    "incomplete": "skipped",
    "skipped": "skipped",
}


def require_subtests(node: TaskNode) -> None:
    """Refuse to report turns where pytest knows no subtests.

    Raises:
        UsageError: It does not.
    """
    rules = node.opened.task.conversation
    if rules is None or not rules.reports_turns or hasattr(pytest, "SubtestReport"):
        return
    path, line = node.opened.task.recipe.source.place("conversation", "subtests")
    raise pytest.UsageError(
        f"{path}:{line}: conversation.subtests needs pytest 9.0 or newer, and this is "
        f"{pytest.__version__}; leave it out"
    )


def report_turns(item: DocumentItem, outcome: DocumentOutcome) -> int:
    """Report each turn of a conversation, where its task wants that.

    Returns:
        How many of them are reported as failed.
    """
    if not _reports_turns(item):
        return 0
    reports = list(_turn_reports(item, outcome))
    for report in reports:
        item.parent.report_hook.pytest_runtest_logreport(report=report)
    return sum(report.failed for report in reports)


def _reports_turns(item: DocumentItem) -> bool:
    """Tell whether the turns of a document are reported one by one."""
    rules = item.parent.opened.task.conversation
    return rules is not None and rules.reports_turns


def _turn_reports(
    item: DocumentItem, outcome: DocumentOutcome
) -> Iterator[pytest.TestReport]:
    """Make a report of each turn of a conversation, as pytest makes those of subtests."""
    from _pytest.subtests import SubtestContext

    for turn in outcome.turns:
        report = pytest.SubtestReport(
            nodeid=getattr(item, "id", item.nodeid),
            location=item.location,
            keywords={},
            outcome=_OUTCOMES[turn["status"]],
            longrepr=_longrepr(item, turn),
            when="call",
            duration=turn["latency_s"] or 0.0,
        )
        report.context = SubtestContext(msg=f"turn {turn['turn']}", kwargs={})
        yield report


def _longrepr(item: DocumentItem, turn: TurnDict) -> Longrepr:
    cause = printable(turn["cause"] or "")
    match _OUTCOMES[turn["status"]]:
        case "skipped":
            return (str(item.path), 0, f"Skipped: {cause}")
        case "failed":
            return cause
        case _:
            return None
