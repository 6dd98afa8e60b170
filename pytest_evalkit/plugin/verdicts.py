"""Verdicts on a whole run as test reports, so that they count wherever tests do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from pytest_evalkit.naming import printable
from pytest_evalkit.plugin.place import node_path
from pytest_evalkit.plugin.run import Run
from pytest_evalkit.plugin.wire import Longrepr, Outcome, say
from pytest_evalkit.results.failing import is_failing
from pytest_evalkit.results.schema import GateDict, ResultsDict

_OUTCOMES: Mapping[str, Outcome] = {
    "pass": "passed",
    "fail": "failed",
    "inconclusive": "skipped",
}
_REMEDY = "; so it is inconclusive, which --gate-inconclusive warn lets pass"


def report_verdicts(session: pytest.Session, run: Run, results: ResultsDict) -> None:
    """Report every gate, and every metric that could not be aggregated.

    Args:
        session: The session that ends.
        run: Knows the files of the tasks.
        results: What the run concludes.
    """
    reports = [
        *_broken_metrics(session, run, results),
        *(_gate(session, run, gate) for gate in results["gates"]),
    ]
    session.testscollected += len(reports)
    for report in reports:
        session.config.hook.pytest_runtest_logreport(report=report)
    if session.config.getoption("xmlpath", None):
        for gate in results["gates"]:
            closing = _closing(session, run, gate)
            session.config.hook.pytest_runtest_logreport(report=closing)


def _broken_metrics(
    session: pytest.Session, run: Run, results: ResultsDict
) -> Iterator[pytest.TestReport]:
    for task, rows in results["aggregates"].items():
        for row in rows:
            if "error" in row:
                name = f"metric[{row['metric']},{row['filter']}]"
                place = _place(session, run, task)
                said = printable(f"{task}: {row['error']}")
                yield _report(place, name, "failed", said)


def _gate(session: pytest.Session, run: Run, gate: GateDict) -> pytest.TestReport:
    place = _place(session, run, gate["task"])
    outcome = _OUTCOMES[gate["verdict"]]
    if is_failing(gate, run.options.gate_inconclusive):
        outcome = "failed"
    longrepr: Longrepr = None
    if outcome == "failed":
        of_task = f"{gate['task']}: " if gate["task"] else ""
        remedy = _REMEDY if gate["verdict"] == "inconclusive" else ""
        longrepr = f"{of_task}{gate['message']}{remedy}"
    elif outcome == "skipped":
        longrepr = (place, 0, f"Skipped: {gate['message']}")
    report = _report(place, f"gate[{gate['condition']}]", outcome, longrepr)
    say(report, "GATE HOLDS")
    return report


def _closing(session: pytest.Session, run: Run, gate: GateDict) -> pytest.TestReport:
    """Make the second report of a gate, which JUnit XML takes properties from."""
    place = _place(session, run, gate["task"])
    report = _report(place, f"gate[{gate['condition']}]", "passed", None)
    report.when = "teardown"
    told = ("metric", "filter", "value", "bound", "n", "verdict", "message")
    values: Mapping[str, object] = {**gate}
    report.user_properties.extend(
        (name, str(values[name])) for name in told if values[name] is not None
    )
    return report


def _place(session: pytest.Session, run: Run, task: str) -> str:
    path = run.tasks.path_of(task)
    return "results" if path is None else node_path(session.config, path)


def _report(
    place: str, name: str, outcome: Outcome, longrepr: Longrepr
) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=f"{place}::{name}",
        location=(place, None, name),
        keywords={},
        outcome=outcome,
        longrepr=longrepr,
        when="call",
    )
