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
import math
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
        asked = server.traffic.requests
        print(f"filling: the server was asked {asked:,} times")
        cached_us, constant_us = net_costs(one, many, [cached, constant], repeats)
        again = server.traffic.requests - asked
        print(
            f"again:   the server was asked {again:,} times\n"
            f"cached   {cached_us:5.0f} us/document\n"
            f"constant {constant_us:5.0f} us/document: the cache adds "
            f"{cached_us - constant_us:.0f} us, {cached_us / constant_us:.2f} times that"
        )
        if again or cached_us > _LIMIT_US:
            raise SystemExit(f"above {_LIMIT_US} us a document, or asked again")


def net_costs(
    one: Path, many: Path, variants: list[list[str]], repeats: int
) -> list[float]:
    """Measure variants in turn, lest one of them meet a busier machine.

    Args:
        one: A suite of one document.
        many: The same of many.
        variants: Arguments of pytest.
        repeats: How often.

    Returns:
        Of each variant, microseconds of processor time a document, net of start-up.
    """
    least = [[math.inf, math.inf] for _ in variants]
    for _ in range(repeats):
        for costs, arguments in zip(least, variants, strict=True):
            for n, place in enumerate((one, many)):
                cpu_s = measure(place, *arguments, repeats=1).cpu_s
                costs[n] = min(costs[n], cpu_s)
    count = len((many / "test.jsonl").read_text().splitlines())
    return [(run_s - start_s) / count * 1e6 for start_s, run_s in least]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    report(given.count, given.repeats)


if __name__ == "__main__":
    main()
