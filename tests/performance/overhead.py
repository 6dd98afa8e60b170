"""What a document costs beyond its answer: processor time and memory.

Runs, one after another in processes of their own, a suite of plain items that do nothing
and a benchmark whose model answers at once, at growing counts, and prints microseconds
of processor time per document net of start-up (a run of one document), with the
highest resident memory. The benchmark makes prompts from a template, filters by a
regular expression, scores by exact match and writes durable samples.

Every run is made several times and its least processor time counts: whatever else the
machine does can only add to it.

    python -m tests.performance.overhead [--counts 1000,10000,50000] [--workers 2]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.performance.environment import environment
from tests.performance.sums import QUIET, write_sums

_PLAIN = """\
import pytest

class Plain(pytest.Item):
    def runtest(self):
        pass

class PlainFile(pytest.File):
    def collect(self):
        for number in range(int(self.path.read_text())):
            yield Plain.from_parent(self, name=f"plain[{number}]")

def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".plain":
        return PlainFile.from_parent(parent, path=file_path)
"""


class Cost(NamedTuple):
    """What one run took: seconds of all its processes, and megabytes of the largest."""

    cpu_s: float
    rss_mb: float


def measure(folder: Path, *arguments: str, repeats: int) -> Cost:
    """Run pytest several times, and take the least of each cost."""
    runs = [_run(folder, *arguments) for _ in range(repeats)]
    return Cost(min(run.cpu_s for run in runs), min(run.rss_mb for run in runs))


def _run(folder: Path, *arguments: str) -> Cost:
    """Run pytest in a process of its own, and take its costs."""
    command = [sys.executable, "-m", "pytest", *QUIET, *arguments]
    # Where resource usage comes from: the children of a fresh process are just these.
    probe = (
        "import json, resource, subprocess, sys;"
        "r = subprocess.run(sys.argv[1:], capture_output=True, text=True);"
        "u = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(json.dumps([r.returncode, u.ru_utime + u.ru_stime, u.ru_maxrss,"
        " r.stdout[-800:] + r.stderr[-800:]]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", probe, *command],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    status, cpu_s, rss_kb, output = json.loads(told.stdout)
    if status != 0:
        raise SystemExit(output)
    return Cost(cpu_s, rss_kb / 1024)


def write_suites(folder: Path, count: int) -> None:
    """Write the plain suite and the benchmark, of a number of documents."""
    write_sums(folder, count)
    (folder / "conftest.py").write_text(_PLAIN)
    (folder / "suite.plain").write_text(str(count))


def costs(count: int, arguments: list[str], repeats: int) -> dict[str, Cost]:
    """Measure both suites at one count."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_suites(folder, count)
        benchmark = ["sums.yaml", "--model", "oracle", "--output-path", "out"]
        return {
            "plain items": measure(
                folder, "suite.plain", "-p", "no:evalkit", *arguments, repeats=repeats
            ),
            "documents": measure(folder, *benchmark, *arguments, repeats=repeats),
        }


def report(counts: list[int], arguments: list[str], repeats: int) -> None:
    """Print the table of one setting."""
    start_up = costs(1, arguments, repeats + 2)
    for count in counts:
        for name, cost in costs(count, arguments, repeats).items():
            net_us = (cost.cpu_s - start_up[name].cpu_s) / count * 1e6
            setting = " ".join(arguments) or "one process"
            print(
                f"{setting:<12} {count:>7,} {name:<12} {net_us:8.0f} us/document "
                f"{cost.rss_mb:6.0f} MB  start-up {start_up[name].cpu_s:.2f} s",
                flush=True,
            )


def main() -> None:
    """Measure in one process and, if asked for, over workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default="1000,10000,50000")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    counts = [int(text) for text in given.counts.split(",")]
    report(counts, [], given.repeats)
    if given.workers:
        large = [count for count in counts if count >= 10_000]
        report(large, ["-n", str(given.workers)], given.repeats)


if __name__ == "__main__":
    main()
