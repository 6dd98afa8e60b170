"""How long it takes from the command to the first request at the model.

Serves the stub server in this process, runs ``pytest --limit 1`` on local data against
it several times, and prints the seconds from starting the command to the arrival of
the request, beside those of ``pytest --version`` for scale.

    python tests/performance/startup.py [--runs 5]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_evalkit.mockserver import MockServer, serve_in_thread

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def write_mirror(folder: Path) -> None:
    """Write a data set of GSM8K's schema where ``--data-dir`` looks for it."""
    target = folder / "openai" / "gsm8k" / "main"
    target.mkdir(parents=True)
    rows = [
        {"question": f"What is {n} and {n}?", "answer": f"Twice.\n#### {2 * n}"}
        for n in range(1319)
    ]
    text = "\n".join(json.dumps(row) for row in rows)
    (target / "test.jsonl").write_text(text)
    (target / "train.jsonl").write_text(text)


def first_request_s(folder: Path, task: str) -> float:
    """Run one document and tell when its request arrived, in seconds."""
    arrivals: list[float] = []

    def answer(_: Mapping[str, Any]) -> str:
        arrivals.append(time.perf_counter())
        return "#### 4"

    with serve_in_thread(MockServer(answer)) as server:
        command = [
            sys.executable, "-m", "pytest", "-q", str(BENCHMARKS / "gsm8k" / task),
            "--model", "openai", "--model-args", f"model=m,base_url={server.url}",
            "--data-dir", str(folder), "--limit", "1", "--output-path", "out",
        ]  # fmt: skip
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return arrivals[0] - started


def version_s(folder: Path) -> float:
    """Time the least that pytest can do."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "--version"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        write_mirror(folder)
        print(
            f"pytest --version: {statistics.median(version_s(folder) for _ in range(runs)):.2f} s"
        )
        for task in ("gsm8k.yaml", "gsm8k_cot_zeroshot.yaml"):
            seconds = [first_request_s(folder, task) for _ in range(runs)]
            print(
                f"{task}: first request after {statistics.median(seconds):.2f} s "
                f"({min(seconds):.2f} to {max(seconds):.2f})"
            )


if __name__ == "__main__":
    main()
