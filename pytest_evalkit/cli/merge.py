"""``evalkit merge``: several runs joined to the one that they are parts of."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_evalkit.cli.recorded_tasks import RecordedTasks
from pytest_evalkit.cli.show import terminal_text
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.reports.pages import write_report
from pytest_evalkit.results.agreement import agreement
from pytest_evalkit.results.concluding import (
    Judging,
    baseline_for,
    conclude_record,
    gates_of,
)
from pytest_evalkit.results.conclusion import (
    RunRecord,
    read_run,
    write_results,
    write_samples,
)
from pytest_evalkit.results.document import RunFacts
from pytest_evalkit.results.failing import failures
from pytest_evalkit.results.folder import RunFolder, plan_run_folder
from pytest_evalkit.results.gates import Gate
from pytest_evalkit.results.load import load_of
from pytest_evalkit.results.merging import elapsed_s, join
from pytest_evalkit.results.read import read_results
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.results.sources import (
    MERGED_FROM,
    Part,
    Source,
    in_order,
    read_source,
    run_folders,
)
from pytest_evalkit.results.turns import write_turns

_RESULTS = Path("results")

EXIT_FAILED = 1
EXIT_INCOMPLETE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeOptions:
    """What ``evalkit merge`` is asked for.

    Attributes:
        runs: Run folders, or folders above them.
        output: The folder of the merged run; None for a new one below ``results/``.
        is_partial: Whether an incomplete run may be written.
        gates: Gates beside those of the runs.
        gate_partial: Whether gates are judged on a part of a task's documents too.
        gate_inconclusive: ``fail`` or ``warn`` for gates that neither pass nor fail;
            None for what the runs say.
        baseline: What gates on drops compare with; None for what the runs say.
        max_errors: Documents in error that do not fail the merged run; None for what
            the runs say.
        include_paths: Folders to look for tasks in whose files have moved.
    """

    runs: Sequence[Path]
    output: Path | None
    is_partial: bool
    gates: Sequence[str]
    gate_partial: bool
    gate_inconclusive: str | None
    baseline: Path | None
    max_errors: int | None
    include_paths: Sequence[Path]


def merge(options: MergeOptions) -> int:
    """Merge runs, print what the whole concludes, and judge it.

    Args:
        options: What is asked for.

    Returns:
        The exit status: 0; 1 where a gate fails or documents are in error, as pytest
        has it; 2 for an incomplete run.

    Raises:
        ResultsError: The runs cannot be read or written, or do not make one run.
        OptionError: A gate is written wrongly, or a task's file has gone.
        TaskError: A task's file is wrong now.
    """
    folders = run_folders(options.runs)
    sources = [read_source(folder) for folder in folders]
    gaps = _refused_gaps(sources, is_partial=options.is_partial)
    merged = _Merged(sources, options, is_whole=not gaps)
    target = _target(options.output, merged.record_name)
    with _written_whole(target) as folder:
        join(sources, folder)
        results, failed = merged.conclude(folder)
    for gap in gaps:
        sys.stdout.write(f"not complete: {gap}\n")
    sys.stdout.write(terminal_text(results, target.results_path, sys.stdout))
    for line in failed:
        sys.stdout.write(f"{line}\n")
    if not results["complete"]:
        return EXIT_INCOMPLETE
    return EXIT_FAILED if failed else 0


def _refused_gaps(sources: Sequence[Source], *, is_partial: bool) -> Sequence[str]:
    """Say what is missing, if that is allowed.

    Raises:
        ResultsError: The runs do not make one run, or only a part of it.
    """
    found = agreement(sources)
    if found.conflicts:
        raise ResultsError("\nevalkit: ".join(found.conflicts))
    if found.gaps and not is_partial:
        remedy = "run what is missing, or write an incomplete run with --partial"
        raise ResultsError("\nevalkit: ".join(f"{gap}; {remedy}" for gap in found.gaps))
    return found.gaps


class _Merged:
    """What several runs are together."""

    def __init__(
        self, sources: Sequence[Source], options: MergeOptions, *, is_whole: bool
    ) -> None:
        self._options = options
        self._is_whole = is_whole
        ordered = in_order(sources)
        self._parts = [part for _, part in ordered]
        self._first = ordered[0][0]
        every = {source.label: source.results for source, _ in ordered}
        self._told = [results for results in every.values() if results is not None]

    @property
    def record_name(self) -> str:
        """What the results call the model."""
        name = self._first.record.model_name
        return name or self._parts[0].said["options"].get("model") or ""

    def conclude(self, folder: RunFolder) -> tuple[ResultsDict, list[str]]:
        """Conclude from the joined journals, and write it beside them.

        Args:
            folder: Where the journals are.

        Returns:
            The results, and what fails the run, one line each.
        """
        said = self._parts[0].said
        groups = self._first.record.groups.values()
        tasks = RecordedTasks(
            said, groups, self._configs(), self._options.include_paths
        )
        record = read_run(folder, lambda selection: tasks.facts(folder, selection))
        gates: Sequence[Gate] = ()
        if not said["settings"].get("predict_only"):
            gates = gates_of(record, self._gates(), tasks.loaded)
        judging = Judging(
            gates=gates,
            judges_partial=self._options.gate_partial
            or all(part.said["options"].get("gate_partial") for part in self._parts),
            is_strict=said["settings"].get("compat") == "strict",
            baseline=baseline_for(gates, self._baseline()),
        )
        results = conclude_record(record, self._facts(record), judging)
        write_samples(folder, record)
        write_turns(folder, record)
        write_results(folder, results)
        write_report(folder, results)
        fails_wrong = bool(said["options"].get("fail_wrong"))
        failed = failures(
            record,
            results,
            max_errors=self._max_errors(),
            fails_wrong=fails_wrong,
            inconclusive=self._inconclusive(),
        )
        return results, list(failed)

    def _configs(self) -> dict[str, dict[str, Any]]:
        """Gather the files of tasks as the runs resolved them."""
        return {
            task: config
            for results in self._told
            for task, config in results["configs"].items()
        }

    def _gates(self) -> list[str]:
        """List the gates of the runs, each once, and those given now."""
        given = [gate for part in self._parts for gate in part.said["gates"]]
        return list(dict.fromkeys([*given, *self._options.gates]))

    def _baseline(self) -> Path | None:
        """Name what gates on drops compare with: what is given now, else then."""
        recorded = self._parts[0].said["options"].get("baseline")
        if self._options.baseline is not None or recorded is None:
            return self._options.baseline
        return Path(recorded)

    def _inconclusive(self) -> str | None:
        """Tell what becomes of inconclusive gates: what the strictest run says."""
        given = self._options.gate_inconclusive
        told = {part.said["options"].get("gate_inconclusive") for part in self._parts}
        return given or next(one for one in ("fail", None, "warn") if one in told)

    def _max_errors(self) -> int:
        given = self._options.max_errors
        if given is not None:
            return given
        return min(part.said["options"].get("max_errors") or 0 for part in self._parts)

    def _facts(self, record: RunRecord) -> RunFacts:
        elapsed, options = elapsed_s(self._parts), self._given_options()
        told = self._told
        return RunFacts(
            model_name=self.record_name,
            model_description=record.model_description,
            options=options,
            git_hash=told[0]["git_hash"] if told else None,
            started_at=min(part.said["started_at"] for part in self._parts),
            elapsed_s=elapsed,
            complete=self._is_whole and record.is_complete,
            environment=told[0]["environment"] if told else {},
            usage={**record.traffic.usage(), **_budget(told)},
            throughput=record.traffic.throughput(elapsed),
            latency=record.traffic.latency(),
            load=load_of(record, options),
            concurrency=record.concurrency,
            resumed=record.resumed(),
            cache=record.cache,
            sources={MERGED_FROM: [_named(part) for part in self._parts]},
        )

    def _given_options(self) -> dict[str, Any]:
        """List the options of the whole: those of the runs, but for which shard it was.

        What whole runs of different documents were given differently holds for none.
        """
        every = [part.said["options"] for part in self._parts]
        options = {
            name: value if all(one.get(name) == value for one in every) else None
            for name, value in every[0].items()
        }
        return {**options, "shard": None}


def _named(part: Part) -> dict[str, Any]:
    shard = part.shard
    return {
        "run": part.name,
        "shard": None if shard is None else f"{shard[0]}/{shard[1]}",
        "date": part.said["started_at"],
        "documents": sum(map(len, part.samples.values())),
    }


def _budget(told: Sequence[ResultsDict]) -> Mapping[str, Any]:
    """Add up what the runs could spend and have spent; empty where none had a budget."""
    budgets = [
        results["usage"]["budget"] for results in told if "budget" in results["usage"]
    ]
    if not budgets:
        return {}
    amounts = ("max_total_tokens", "max_cost_usd", "total_tokens", "cost_usd")
    summed: dict[str, Any] = {
        name: _sum([budget[name] for budget in budgets]) for name in amounts
    }
    spent = [budget["spent"] for budget in budgets if budget["spent"] is not None]
    return {"budget": {**summed, "spent": spent[0] if spent else None}}


def _sum(amounts: Sequence[float | None]) -> float | None:
    told = [amount for amount in amounts if amount is not None]
    return sum(told) if told else None


def _target(output: Path | None, model: str) -> RunFolder:
    """Choose the folder of the merged run.

    Raises:
        ResultsError: There is something else in it.
    """
    if output is None:
        return plan_run_folder(_RESULTS, model, datetime.now().astimezone())
    if output.exists() and not output.is_dir():
        raise ResultsError(f"--output {output} is a file; name a folder")
    if output.is_dir() and any(output.iterdir()) and not _is_merged(output):
        raise ResultsError(
            f"--output {output} has something else in it than a merged run; name a new "
            "folder"
        )
    return RunFolder(output)


def _is_merged(folder: Path) -> bool:
    has_results = RunFolder(folder).results_path.exists()
    return has_results and MERGED_FROM in read_results(folder)["config"]


@contextmanager
def _written_whole(target: RunFolder) -> Iterator[RunFolder]:
    """Have a run written beside its place, and put there once it is whole.

    Raises:
        ResultsError: It cannot be put there.
    """
    root = target.root
    beside = root.with_name(f".{root.name}.{os.getpid()}")
    try:
        yield RunFolder(beside)
        try:
            if root.exists():
                shutil.rmtree(root)
            beside.replace(root)
        except OSError as error:
            raise ResultsError(f"cannot write {root}: {error.strerror}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
