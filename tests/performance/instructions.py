"""How many instructions of the processor a document costs: exact on a busy machine.

Times of a run vary by a tenth and more with what else the machine does; the number of
instructions does not, to some thousandths. So whether a small change is worth it can be
told. They are counted by cachegrind (Debian's ``valgrind``), in user space alone, for two
numbers of documents; the difference is what a document costs.

- bare aiohttp: the loop of ``tests.performance.endpoint``, 64 connections.
- endpoint: the same requests as a run, everything included.
- cached: the run once more, answered from the response cache.
- constant: a run whose model answers at once, without any request.
- plain: pytest items that do nothing.

    python -m tests.performance.instructions [--only endpoint,constant]
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.performance.endpoint import Serving
from tests.performance.environment import environment
from tests.performance.overhead import write_suites
from tests.performance.sums import QUIET

_FEW, _MANY = 100, 600
_COUNTER = (
    *("valgrind", "--tool=cachegrind", "--cache-sim=no"),
    "--cachegrind-out-file=/dev/null",
)
# What valgrind does not know how to follow.
_FOLLOWED = {"UV_USE_IO_URING": "0"}
_TOLD = re.compile(r"I\s+refs:\s+([\d,]+)")
_MODEL = ("--model", "openai", "--max-concurrency", "64", "--model-args")


def counted(folder: Path, command: Sequence[str]) -> int:
    """Run a command of Python and count its instructions."""
    ran = subprocess.run(
        [*_COUNTER, sys.executable, "-m", *command],
        cwd=folder,
        env=environment(**_FOLLOWED),
        capture_output=True,
        text=True,
        check=False,
    )
    told = _TOLD.search(ran.stderr)
    if ran.returncode != 0 or told is None:
        raise SystemExit(ran.stdout[-1500:] + ran.stderr[-1500:])
    return int(told[1].replace(",", ""))


def _bare(url: str, count: int) -> Sequence[str]:
    bare = ("tests.performance.endpoint", "--bare", url)
    return (*bare, "--documents", str(count), "--connections", "64")


def _run(arguments: Sequence[str], _: int) -> Sequence[str]:
    return ("pytest", *QUIET, *arguments, "--output-path", "out")


def _commands(url: str, cache: Path) -> dict[str, Callable[[int], Sequence[str]]]:
    """List what is measured: the command for so many documents."""
    endpoint = ("sums.yaml", *_MODEL, f"model=m,base_url={url}")
    return {
        "bare aiohttp": partial(_bare, url),
        "endpoint": partial(_run, endpoint),
        "cached": partial(_run, (*endpoint, "--use-cache", str(cache))),
        "constant": partial(_run, ("sums.yaml", "--model", "constant")),
        "plain": partial(_run, ("suite.plain",)),
    }


def per_document(name: str, command: Callable[[int], Sequence[str]]) -> float:
    """Count the thousands of instructions that a document costs."""
    found = []
    for count in (_FEW, _MANY):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write_suites(folder, count)
            if name == "cached":
                # The first run asks, and leaves the answers behind.
                arguments = [sys.executable, "-m", *command(count)]
                subprocess.run(
                    arguments, cwd=folder, env=environment(**_FOLLOWED), check=True,
                    capture_output=True,
                )  # fmt: skip
            found.append(counted(folder, command(count)))
    few, many = found
    return (many - few) / (_MANY - _FEW) / 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="bare aiohttp,endpoint,cached,constant,plain")
    wanted = parser.parse_args().only.split(",")
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not there; install Debian's package of that name")
    with tempfile.TemporaryDirectory() as cache:
        serving = Serving({})
        try:
            for name, command in _commands(serving.url, Path(cache)).items():
                if name in wanted:
                    thousands = per_document(name, command)
                    print(f"{name:<13} {thousands:7,.0f} thousand instructions a document",
                          flush=True)  # fmt: skip
        finally:
            serving.end()


if __name__ == "__main__":
    main()
