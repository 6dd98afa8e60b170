"""A run that was killed anywhere ends as one that was not."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_NOTES_WHAT_IT_IS_ASKED = """
def answer(request):
    with open("asked", "a") as file:
        file.write(f"{request.origin.doc_id}\\n")
    return target_of(request) if request.origin.doc_id % 3 else "none of these"
"""
_FILTERS = [
    {"name": name, "filter": [{"function": "take_first"}]}
    for name in ("first", "again")
]
_DOCUMENTS = 6
_TIMES = frozenset({"timing", "request_latency_s"})
_SAME = ("results", "aggregates", "coverage", "task_hashes", "errors", "complete")


@pytest.fixture
def suite(arith_suite: ArithSuite) -> ArithSuite:
    arith_suite.task(filter_list=_FILTERS)
    arith_suite.model(_NOTES_WHAT_IT_IS_ASKED)
    return arith_suite


def conclusion(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The samples but for times, and what the results say of them."""
    lines = (folder / "samples_arith.jsonl").read_text("utf-8").splitlines()
    samples = [
        {key: value for key, value in json.loads(line).items() if key not in _TIMES}
        for line in lines
    ]
    results = json.loads((folder / "results.json").read_text("utf-8"))
    return samples, {key: results[key] for key in _SAME}


def cut_anywhere(folder: Path, random: Random) -> None:
    """End every journal at some byte, and let nothing be concluded."""
    for path in sorted((folder / "journal").iterdir()):
        content = path.read_bytes()
        path.write_bytes(content[: random.randint(0, len(content))])
    for path in folder.glob("*.*"):
        path.unlink()


def whole_documents(folder: Path) -> set[int]:
    """The documents of which both lines are there, by a reading of our own."""
    lines: Counter[int] = Counter()
    for path in (folder / "journal").iterdir():
        for line in path.read_bytes().split(b"\n")[:-1]:
            said = json.loads(line)
            if "doc_id" in said:
                lines[said["doc_id"]] += 1
    return {doc_id for doc_id, count in lines.items() if count == len(_FILTERS)}


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_cut_at_any_byte_loses_nothing_and_asks_nothing_twice(
    suite: ArithSuite, workers: tuple[str, ...], seed: int
) -> None:
    random = Random(seed)
    suite.run(*workers)
    (folder,) = suite.folders
    clean = conclusion(folder)
    kept = shutil.copytree(folder, suite.root / "kept")
    problems = []

    for point in range(25):
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        cut_anywhere(folder, random)
        whole = whole_documents(folder)
        (suite.root / "asked").unlink(missing_ok=True)

        run = suite.run("--resume", str(folder), "-q", "-p", "no:cacheprovider")

        asked = Counter(map(int, suite.noted("asked")))
        wanted = Counter(set(range(_DOCUMENTS)) - whole)
        if run.ret or asked != wanted or conclusion(folder) != clean:
            problems.append((point, run.ret, asked, wanted))
    assert problems == []


def test_a_run_may_be_killed_again_and_again(suite: ArithSuite) -> None:
    random = Random(7)
    suite.run()
    (folder,) = suite.folders
    clean = conclusion(folder)
    asked_in_vain: list[int] = []

    for _ in range(8):
        cut_anywhere(folder, random)
        whole = whole_documents(folder)
        (suite.root / "asked").unlink(missing_ok=True)
        suite.run("--resume", "last", "-q", "-p", "no:cacheprovider")
        asked_in_vain.extend(whole & set(map(int, suite.noted("asked"))))

    assert conclusion(folder) == clean
    assert asked_in_vain == []
    assert len(json.loads((folder / "results.json").read_text())["sessions"]) <= 9
