"""What a journal costs: to append to, to look through, and to conclude from.

    python tests/performance/journal.py [lines, a million by default]

Shows microseconds of processor time a document, the seconds and the memory that a
journal of so many lines takes, and how much slower the last appends are than the first.
"""

from __future__ import annotations

import gc
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.results.conclusion import read_run, write_samples
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.journal import JournalWriter, SelectionDict
from pytest_evalkit.results.survey import survey
from pytest_evalkit.results.task_record import TaskFacts
from pytest_evalkit.scoring import build_plan

_LINES = 1_000_000
_PART = 10
_MIB = 1024


def sample(number: int) -> dict[str, Any]:
    """A sample of some 700 bytes, as a short question makes it."""
    return {
        "schema_version": 1,
        "task": "capitals",
        "doc_id": number,
        "item_id": f"q{number}",
        "doc_hash": f"{number:064x}",
        "status": "scored",
        "input": [{"role": "user", "content": "What is the capital of " * 12}],
        "target": "x",
        "timing": {"started_s": number / 1e3, "latency_s": 0.25},
        "attempts": 1,
        "finish_reason": "stop",
        "token_counts": {
            "input_tokens": 100,
            "output_tokens": 5,
            "reasoning_tokens": None,
            "cached_tokens": None,
        },
        "request_latency_s": number / 1e6,
        "filter": "none",
        "filtered_resps": "x",
        "metrics": ["exact_match"],
        "exact_match": float(number % 2),
    }


def selection(lines: int) -> SelectionDict:
    return {
        "kind": "selection",
        "task": "capitals",
        "path": "capitals.yaml",
        "shard": 0,
        "original": lines,
        "selected": lines,
        "fingerprint": "",
        "is_sample": False,
        "documents": [[0, lines, 1]],
        "filters": ["none"],
        "identity": {},
    }


def facts_of(_: SelectionDict) -> TaskFacts:
    plan = build_plan(None, [{"metric": "exact_match"}], None)
    return TaskFacts(alias="capitals", config={}, version=1, num_fewshot=0, plan=plan)


def append(folder: RunFolder, lines: int) -> None:
    """Write the journal as a run does, and say what each part of it took."""
    writer = JournalWriter(folder.journal_dir / "main.jsonl")
    writer.write_selection(selection(lines))
    parts = []
    for part in range(_PART):
        ends = part * lines // _PART, (part + 1) * lines // _PART
        samples = [sample(number) for number in range(*ends)]
        started = time.process_time()
        for each in samples:
            writer.write(encode(each) + b"\n")
        parts.append((time.process_time() - started) / len(samples) * 1e6)
    writer.close()
    print(f"append      {sum(parts) / _PART:8.2f} us a document")
    print(f"last tenth  {parts[-1] / parts[0]:8.2f} times the first")


def measured(what: str, lines: int, work: Callable[[], Any]) -> Any:
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    made = work()
    spent = time.process_time() - started
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / _MIB
    print(
        f"{what:<12}{spent:8.2f} s  {spent / lines * 1e6:6.2f} us a document  "
        f"{more:8.1f} MiB more at most"
    )
    return made


def main(lines: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = RunFolder(Path(name))
        append(folder, lines)
        path = folder.journal_dir / "main.jsonl"
        print(f"journal     {path.stat().st_size / _MIB**2:8.1f} MiB")
        measured("survey", lines, lambda: survey(folder.journal_dir))
        record = measured("read", lines, lambda: read_run(folder, facts_of))
        task = record.tasks["capitals"]
        measured("conclude", lines, lambda: task.conclude(judge_partial=True))
        measured("samples", lines, lambda: write_samples(folder, record))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _LINES)
