"""A tenth of the requests fail: what becomes of the documents?

Runs a suite against a stub server that answers well, and then against one where a tenth
of the requests end in 429, 500, a reset connection, a hang or a cut answer: with and
without streaming, with several attempts and with one, in one process and over workers.
Every document must end scored or in error, none be lost or recorded twice, and whatever
has a score must have that of the clean run.

    python -m tests.faults.faulty_endpoint [--documents 1000] [--rate 0.1]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.sums import write_sums

_KINDS = "429,500,reset,hang,cut"

CASES: dict[str, tuple[str, ...]] = {
    "five attempts": (),
    "five attempts, streaming": ("stream=true",),
    "one attempt": ("max_retries=1",),
    "one attempt, streaming": ("max_retries=1", "stream=true"),
    "adaptive": ("adaptive_concurrency=true",),
    "two workers": ("-n", "2"),
    "two workers, one attempt": ("max_retries=1", "-n", "2"),
}


def write_suite(folder: Path, documents: int) -> None:
    """Write the benchmark, and the answers that the server gives."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    write_sums(folder, documents)


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """Run the stub server; give its URL."""
    answers = str(folder / "answers.jsonl")
    command = [sys.executable, "-m", "pytest_evalkit.mockserver", "--answers", answers]
    with subprocess.Popen(
        [*command, "--latency", "0.01", *options], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def run(folder: Path, url: str, case: Sequence[str]) -> Path:
    """Run the suite; give the folder of the run."""
    args = [f"model=m,base_url={url}", "timeout=1", "retry_backoff_s=0.05"]
    args += [one for one in case if "=" in one]
    options = [one for one in case if "=" not in one]
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "sums.yaml",
        "--model", "openai", "--model-args", ",".join(args), "--max-concurrency", "64",
        "--tb", "no", "-r", "N", "--output-path", "out", *options,
    ]  # fmt: skip
    told = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode not in (0, 1):
        raise SystemExit(told.stdout[-2000:] + told.stderr[-2000:])
    return max((folder / "out").glob("m/*"), key=os.path.getmtime)


def samples_of(run_folder: Path) -> dict[int, dict[str, Any]]:
    """Read the samples by document."""
    lines = (run_folder / "samples_sums.jsonl").read_text().splitlines()
    return {sample["doc_id"]: sample for sample in map(json.loads, lines)}


def recorded(run_folder: Path) -> Counter[int]:
    """Count how often each document stands in the journals."""
    return Counter(
        line["doc_id"]
        for path in (run_folder / "journal").glob("*.jsonl")
        for line in map(json.loads, path.read_text().splitlines())
        if "kind" not in line
    )


def faults(clean: dict[int, dict[str, Any]], run_folder: Path) -> list[str]:
    """Find what is wrong with a run."""
    samples, counts = samples_of(run_folder), recorded(run_folder)
    found = []
    if set(samples) != set(clean):
        found.append(f"{len(set(clean) - set(samples))} documents are lost")
    if any(count > 1 for count in counts.values()):
        found.append(f"{sum(n > 1 for n in counts.values())} are recorded twice")
    for doc_id, sample in samples.items():
        if sample["status"] == "error":
            if "exact_match" in sample or not sample["error"]:
                found.append(f"document {doc_id} is in error and has a score")
        elif sample["exact_match"] != clean[doc_id]["exact_match"]:
            found.append(f"document {doc_id} has another score")
    return found


def main() -> int:
    """Run all cases; give 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=0.1)
    given = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_suite(folder, given.documents)
        with serving(folder) as url:
            clean = samples_of(run(folder, url, ()))
        assert {one["status"] for one in clean.values()} == {"scored"}
        for case, arguments in CASES.items():
            options = ("--error-rate", str(given.rate), "--errors", _KINDS)
            started = time.monotonic()
            with serving(folder, *options, "--retry-after", "0.05") as url:
                run_folder = run(folder, url, arguments)
            wrong = faults(clean, run_folder)
            failed = failed or bool(wrong)
            samples = samples_of(run_folder).values()
            statuses = Counter(sample["status"] for sample in samples)
            again = sum(sample["attempts"] > 1 for sample in samples)
            print(
                f"{case:<26} {dict(statuses)}, {again} asked more than once, "
                f"{time.monotonic() - started:.1f} s: {'; '.join(wrong) or 'sound'}",
                flush=True,
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
