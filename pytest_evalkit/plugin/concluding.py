"""What a run concludes, in pytest's terms: results, gates as reports, exit status."""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.plugin.asked import asked_of
from pytest_evalkit.plugin.pace import allowance_of, price_of
from pytest_evalkit.plugin.publishing import publish
from pytest_evalkit.plugin.run import Run
from pytest_evalkit.plugin.secrecy import secrets_of
from pytest_evalkit.plugin.verdicts import report_verdicts
from pytest_evalkit.results.cases import case_facts
from pytest_evalkit.results.concluding import (
    Judging,
    baseline_for,
    conclude_record,
    end_early,
    facts_of_task,
    gates_of,
)
from pytest_evalkit.results.conclusion import (
    RunRecord,
    read_run,
    write_results,
    write_samples,
)
from pytest_evalkit.results.document import RunFacts
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.gates import Gate
from pytest_evalkit.results.journal import SelectionDict
from pytest_evalkit.results.load import load_of
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.results.task_record import TaskFacts
from pytest_evalkit.results.turns import write_turns

_PACKAGES = ("pytest-evalkit", "pytest", "pytest-xdist", "datasets", "aiohttp")


@dataclass(slots=True)
class Conclusion:
    """What a run concludes and what became of writing it down.

    Attributes:
        folder: Where it is.
        results: What was concluded, or None where that failed.
        problem: Why something could not be concluded or written, in one line, or None.
        max_errors: Documents in error that do not fail the run.
        sent: Where results are besides, a line for each sink.
        unsent: Why they are not, for each sink that failed.
    """

    folder: RunFolder
    results: ResultsDict | None
    problem: str | None
    max_errors: int
    sent: Sequence[str] = ()
    unsent: Sequence[str] = ()

    def decide(self, session: pytest.Session, errors: int, failed: int) -> None:
        """Set the exit status that the conclusion asks for.

        Args:
            session: The session that ends.
            errors: Documents in error, each of which failed its item.
            failed: Reports that failed for these: of the items, and of turns in them.
        """
        if self.problem is not None and session.exitstatus in {
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        }:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        tolerated = 0 < errors <= self.max_errors and session.testsfailed == failed
        if tolerated and session.exitstatus == pytest.ExitCode.TESTS_FAILED:
            session.exitstatus = pytest.ExitCode.OK


def conclude(session: pytest.Session, run: Run, *, is_whole: bool) -> Conclusion:
    """Conclude a run from its journals, and report its gates.

    Args:
        session: The session that ends.
        run: The run.
        is_whole: False when the run was broken off.

    Returns:
        The conclusion; what goes wrong here is part of it, since raising now would
        lose pytest's whole summary.
    """
    conclusion = Conclusion(run.folder, None, None, run.options.max_errors)
    try:
        record = read_run(run.folder, lambda said: _facts(run, said))
        secrets = secrets_of(run.config)
        results = cast(
            "ResultsDict", secrets.plain(_results(run, record, is_whole=is_whole))
        )
        conclusion.results = results
        conclusion.problem = record.cache_problem
        report_verdicts(session, run, results)
        write_samples(run.folder, record)
        write_turns(run.folder, record)
        write_results(run.folder, results)
        publish(run, results)
    except EvalkitError as error:
        conclusion.problem = secrets_of(run.config).text(str(error))
    if run.options.sinks and conclusion.results and run.folder.results_path.is_file():
        from pytest_evalkit.plugin.sending import send_results

        # Whatever a hook did: the results are written.
        sent = send_results(run, conclusion.results)
        conclusion.sent, conclusion.unsent = sent
    return conclusion


def _facts(run: Run, said: SelectionDict) -> TaskFacts:
    """Look a task up: by its file, which may not be open in this process."""
    if said["path"] is None:
        return case_facts(run.folder, said["task"])
    path, name = Path(said["path"]), said["task"]
    opened = run.tasks.opened.get(name)
    if opened is not None:
        task = opened.task
    else:
        task = run.tasks.load(path, asked_of(run.config).reference(path, name))
    run.tasks.known[name] = task
    return facts_of_task(task)


def _results(run: Run, record: RunRecord, *, is_whole: bool) -> ResultsDict:
    options = run.given_options()
    elapsed_s = record.sessions.earlier_s + time.monotonic() - run.started_at
    gates: Sequence[Gate] = ()
    if not run.options.predict_only:
        gates = gates_of(record, run.options.gates, run.tasks.known)
    if run.options.early_stop:
        end_early(record, gates, run.options.seed)
    facts = RunFacts(
        model_name=record.model_name or run.options.model or "",
        model_description=record.model_description,
        judge=record.judge,
        options=options,
        git_hash=_git_hash(run.config.rootpath),
        started_at=record.sessions.started_at or run.started_date,
        elapsed_s=elapsed_s,
        complete=is_whole and record.is_complete,
        environment=_environment(),
        usage=_usage(run, record),
        throughput=record.traffic.throughput(elapsed_s),
        latency=record.traffic.latency(),
        load=load_of(record, options),
        concurrency=record.concurrency,
        cache=record.cache,
        sources=_sources(run),
        sessions=record.sessions.rows(),
        resumed=record.resumed(),
    )
    judging = Judging(
        gates=gates,
        judges_partial=run.options.gate_partial,
        is_strict=run.options.compat == "strict",
        baseline=baseline_for(gates, run.options.baseline),
    )
    return conclude_record(record, facts, judging)


def _sources(run: Run) -> Mapping[str, Any]:
    """Name the run whose answers were scored again, where that was so."""
    if run.recorded is None:
        return {}
    return {"rescored_from": {"run": run.recorded.name, "path": run.recorded.label}}


def _usage(run: Run, record: RunRecord) -> dict[str, Any]:
    """Sum up tokens, and set them beside the budget where there is one."""
    usage: dict[str, Any] = dict(record.traffic.usage())
    allowance, table = allowance_of(run.options), run.options.price_table
    if allowance.is_limited or table is not None:
        price = None
        if table is not None and record.model_name is not None:
            price = price_of(record.model_name, table)
        usage["budget"] = record.spending.budget(allowance, price, record.spent)
    return usage


def _git_hash(folder: Path) -> str | None:
    """Get the commit of the user's working directory; None where there is none."""
    try:
        told = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the user has
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return told.stdout.strip() or None


def _environment() -> Mapping[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: version(name) for name in _PACKAGES},
    }
