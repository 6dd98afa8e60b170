"""The same seed and answers give the same samples, however the run came about."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import sums

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

# Answers depend on what was asked and on the repeat; when they come, on chance.
_ANSWERS_IN_ANY_ORDER = """
import asyncio, hashlib
from random import Random

turns = Random(os.getpid())

async def answer(request):
    for _ in range(turns.randrange(4)):
        await asyncio.sleep(0)
    asked = repr([str(message) for message in request.messages])
    digest = hashlib.sha256(f"{asked}{request.origin.repeat}".encode()).digest()
    if request.origin.doc_id % 5 == 3:
        raise RequestRejectedError("HTTP 400: not this one")
    return target_of(request) if digest[0] % 2 else f"<think>{digest[1]}</think>no"
"""
_DOCUMENTS = 13
_TIMES = frozenset({"timing", "request_latency_s"})


@pytest.fixture
def suite(arith_suite: ArithSuite) -> ArithSuite:
    arith_suite.task(
        rows=sums(_DOCUMENTS),
        num_fewshot=2,
        repeats=2,
        fewshot_split="test",
        filter_list=[
            {"name": name, "filter": [{"function": "take_first"}]} for name in "ab"
        ],
    )
    arith_suite.model(_ANSWERS_IN_ANY_ORDER)
    return arith_suite


def lines_of(folder: Path) -> list[str]:
    """The lines of the samples file, byte by byte but for times."""
    text = (folder / "samples_arith.jsonl").read_text("utf-8")
    return [
        json.dumps({k: v for k, v in json.loads(line).items() if k not in _TIMES})
        for line in text.splitlines()
    ]


def only_folder(suite: ArithSuite) -> Path:
    (folder,) = suite.folders
    return folder


def run_anew(suite: ArithSuite, *arguments: str) -> list[str]:
    """Run, and get the lines of that run alone."""
    shutil.rmtree(suite.root / "results", ignore_errors=True)
    suite.run(*arguments, "-q", "-p", "no:cacheprovider")
    return lines_of(only_folder(suite))


def run_in_pieces(suite: ArithSuite, random: Random) -> list[str]:
    """Run some documents, then others, each time in the same folder; at last all."""
    shutil.rmtree(suite.root / "results", ignore_errors=True)
    for _ in range(random.randint(1, 3)):
        choice = random.choice(
            [
                ("--limit", str(random.randint(1, _DOCUMENTS))),
                ("--shard", f"{random.randint(1, 3)}/3"),
                ("--offset", str(random.randrange(_DOCUMENTS))),
                ("-k", f"q{random.randrange(_DOCUMENTS)}"),
                ("--rerun-errors",),
            ]
        )
        suite.run("--resume", "last", *choice, *pace(random), "-q")
    suite.run("--resume", "last", *pace(random), "-q")
    return lines_of(only_folder(suite))


def pace(random: Random) -> tuple[str, ...]:
    return "--max-concurrency", str(random.choice([1, 2, 5, 32]))


def test_samples_do_not_depend_on_how_the_run_came_about(suite: ArithSuite) -> None:
    random = Random(11)
    clean = run_anew(suite)
    different = []

    for turn in range(8):
        if run_anew(suite, *pace(random)) != clean:
            different.append((turn, "concurrency"))
        if run_in_pieces(suite, random) != clean:
            different.append((turn, "resumed"))

    assert len(clean) == 2 * _DOCUMENTS
    assert len({json.loads(line)["status"] for line in clean}) == 2
    assert different == []


def test_shards_have_the_samples_of_the_whole_between_them(suite: ArithSuite) -> None:
    clean = run_anew(suite)

    shards = [run_anew(suite, "--shard", f"{number}/3") for number in (1, 2, 3)]

    together = [line for shard in shards for line in shard]
    assert len(together) == len(clean)
    assert set(together) == set(clean)


def test_workers_and_a_resumed_run_with_others_write_the_same_samples(
    suite: ArithSuite,
) -> None:
    clean = run_anew(suite)

    by_workers = run_anew(suite, "-n", "2")
    shutil.rmtree(suite.root / "results")
    suite.run("-n", "2", "--limit", "5", "-q")
    suite.run("-n", "1", "--limit", "9", "--resume", "last", "-q")
    suite.run("--resume", "last", "-q")

    assert by_workers == clean
    assert lines_of(only_folder(suite)) == clean
