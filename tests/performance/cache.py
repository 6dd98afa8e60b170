"""What a document costs whose answer is in the response cache.

Runs a benchmark of 10,000 documents against a mock server that counts its requests:
once to fill the cache, and then again from it, in one process. Beside it the same
documents are run with the model ``constant``, which answers at once and has no cache.
Prints, for each, the processor time of pytest's process (its children included), net of
start-up (a run of one document), and what the server was asked.

Every run but the filling one is made several times, and the least processor time
counts: whatever else the machine does can only add to it.

    python -m tests.performance.cache [--count 10000] [--repeats 5]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from pytest_evalkit.mockserver import MockServer, serve_in_thread
from tests.performance.overhead import measure, write_suites

_LIMIT_US = 200
_ANSWER = "It carries them all.\n#### 4"
_OUTPUT = ("--output-path", "out")


def suite(folder: Path, count: int) -> Path:
    """Write the benchmark, of a number of documents, into a folder of its own."""
    place = folder / f"of-{count}"
    place.mkdir()
    write_suites(place, count)
    return place


def report(count: int, repeats: int) -> None:
    """Print what a document costs from the cache and without a server."""
    server = MockServer(lambda _: _ANSWER)
    with tempfile.TemporaryDirectory() as name, serve_in_thread(server):
        one, many = suite(Path(name), 1), suite(Path(name), count)
        model = f"model=m,base_url={server.url}"
        cached = [
            *("sums.yaml", "--model", "openai", "--model-args", model, *_OUTPUT),
            *("--use-cache", str(Path(name) / "cache")),
        ]
        said = f"text={json.dumps(_ANSWER)}"
        constant = ["sums.yaml", "--model", "constant", "--model-args", said, *_OUTPUT]
        for place in (one, many):
            measure(place, *cached, repeats=1)
        asked = server.requests
        print(f"filling: the server was asked {asked:,} times")
        net_us = {}
        for label, arguments in (("cached", cached), ("constant", constant)):
            start_up_s = measure(one, *arguments, repeats=repeats).cpu_s
            run_s = measure(many, *arguments, repeats=repeats).cpu_s
            net_us[label] = (run_s - start_up_s) / count * 1e6
            print(
                f"{label:<9} {count:>7,} documents {net_us[label]:6.0f} us/document"
                f"  start-up {start_up_s:.2f} s",
                flush=True,
            )
        again = server.requests - asked
        more_us = net_us["cached"] - net_us["constant"]
        print(
            f"again: the server was asked {again:,} times; the cache adds "
            f"{more_us:.0f} us, {net_us['cached'] / net_us['constant']:.2f} of constant"
        )
        if again or net_us["cached"] > _LIMIT_US:
            raise SystemExit(f"above {_LIMIT_US} us a document, or asked again")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    report(given.count, given.repeats)


if __name__ == "__main__":
    main()
