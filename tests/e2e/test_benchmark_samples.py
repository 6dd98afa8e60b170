"""Every benchmark on its sample: the best answers, constants, draws, and parts of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.tasks import Catalogue
from tests.e2e.benchmark_levels import group_of, level_of

_BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
_ENTRIES = {
    name: entry
    for name, entry in Catalogue.of([_BENCHMARKS]).entries.by_name.items()
    if entry.kind != "group"
}
_TASKS = sorted(_ENTRIES)
# What is chosen by likelihood has no text that could be empty or the same for all.
_WRITING = {None, "generate_until", "conversation"}
_WRITTEN = [name for name in _TASKS if _ENTRIES[name].output_type in _WRITING]
_ANSWERS = "A", "yes"
# Whatever has a word in it hurts a little.
_JUDGE = "def rate(text): return 0.25\n"


@dataclass(frozen=True)
class Concluded:
    """What a run of all benchmarks left behind."""

    folder: Path

    @cached_property
    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """By task, the values of its metrics by name and filter, in their order."""
        results = json.loads((self.folder / "results.json").read_text("utf-8"))
        assert results["complete"]
        return {task: _values(row) for task, row in results["results"].items()}

    def items(self, task: str) -> list[str]:
        """The documents of a task that were scored."""
        path = self.folder / f"samples_{task}.jsonl"
        if not path.exists():
            return []
        lines = path.read_text("utf-8").splitlines()
        return [json.loads(line)["item_id"] for line in lines]

    def first(self, task: str) -> Any:
        """The value of a task's first metric."""
        return next(iter(self.rows[task].values()))


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    figures = ("_stderr", "_ci95", "parse_rate", "_clustered", "_clt")
    return {
        name: value
        for name, value in row.items()
        if "," in name and not name.partition(",")[0].endswith(figures)
    }


Run = Callable[..., Concluded]

# All runs are those of one process: importing takes longer than asking all benchmarks.
_RUNNER = """
import contextlib, json, os, sys, pytest
for line in sys.stdin:
    folder, arguments = json.loads(line)
    os.chdir(folder)
    with open("output.txt", "w") as output, contextlib.redirect_stdout(output):
        status = pytest.main(arguments)
    print(int(status), flush=True)
"""
# Plugins that are installed beside ours, of which one takes longer than a run.
_WITHOUT = [part for name in ("hypothesispytest", "asyncio", "anyio", "xdist")
            for part in ("-p", f"no:{name}")]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run all benchmarks on their samples, each way once."""
    done: dict[tuple[str, ...], Concluded] = {}
    command = (sys.executable, "-c", _RUNNER)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) as runner:

        def run_once(*arguments: str) -> Concluded:
            if arguments not in done:
                folder = tmp_path_factory.mktemp("run")
                done[arguments] = _run(runner, folder, *arguments)
            return done[arguments]

        try:
            yield run_once
        finally:
            assert runner.stdin is not None
            runner.stdin.close()


def _run(runner: subprocess.Popen[str], folder: Path, *arguments: str) -> Concluded:
    pytest_ini = folder / "pytest.ini"
    pytest_ini.write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
    (folder / "rating.py").write_text(_JUDGE, encoding="utf-8")
    command = ["-q", *_WITHOUT, str(_BENCHMARKS), "--sample", "-c", str(pytest_ini)]
    command += ["--output-path", str(folder / "results"), "--allow-code-execution"]
    command += ["--judge", "rating:rate", *arguments]
    assert runner.stdin is not None
    assert runner.stdout is not None
    print(json.dumps([str(folder), command]), file=runner.stdin, flush=True)
    status = runner.stdout.readline().strip()
    assert status == "0", (folder / "output.txt").read_text("utf-8")[-4000:]
    (results,) = folder.glob("results/*/*/results.json")
    return Concluded(results.parent)


@pytest.mark.parametrize("task", _TASKS)
def test_the_best_answers_get_the_maximum(run: Run, task: str) -> None:
    row = run("--model", "oracle").rows[task]

    best = level_of(task).best
    assert row == {name: best.get(name.partition(",")[0], 1.0) for name in row}
    assert row


@pytest.mark.parametrize("task", _WRITTEN)
def test_empty_answers_get_nothing(run: Run, task: str) -> None:
    row = run("--model", "constant").rows[task]

    assert row == dict.fromkeys(row, level_of(task).empty)


@pytest.mark.parametrize("answer", _ANSWERS)
@pytest.mark.parametrize("task", _WRITTEN)
def test_one_answer_to_everything_gets_its_share(
    run: Run, task: str, answer: str
) -> None:
    level = level_of(task)

    score = run("--model", "constant", "--model-args", f"text={answer}").first(task)

    assert score == pytest.approx(level.said.get(answer, level.empty))


def test_a_chat_model_is_asked_all_but_likelihoods(run: Run) -> None:
    rows = run("--model", "demo").rows

    assert rows.keys() == set(_WRITTEN)


@pytest.mark.parametrize("task", [name for name in _TASKS if level_of(name).chance])
def test_draws_get_what_chance_gives(run: Run, task: str) -> None:
    score = run("--model", "random").first(task)

    chance = level_of(task).chance
    assert chance is not None
    assert score == pytest.approx(chance[0], abs=chance[1])


@pytest.mark.parametrize("limit", ["1", "3"])
@pytest.mark.parametrize("task", _TASKS)
def test_a_limit_leaves_groups_whole(run: Run, task: str, limit: str) -> None:
    part = run("--model", "oracle", "--limit", limit).items(task)

    assert part
    assert _whole(task, part, run("--model", "oracle").items(task))


@pytest.mark.parametrize("task", _TASKS)
def test_shards_have_each_document_once_and_leave_groups_whole(
    run: Run, task: str
) -> None:
    shards = [
        run("--model", "oracle", "--shard", f"{number}/2").items(task)
        for number in (1, 2)
    ]

    everything = run("--model", "oracle").items(task)
    assert sorted(shards[0] + shards[1]) == sorted(everything)
    assert all(_whole(task, part, everything) for part in shards)


def _whole(task: str, part: list[str], everything: list[str]) -> bool:
    """Tell whether what counts together is in the part, or out of it, as a whole."""
    groups = {group_of(task, item) for item in part} - {None}
    belonging = [item for item in everything if group_of(task, item) in groups]
    return set(belonging) <= set(part)
