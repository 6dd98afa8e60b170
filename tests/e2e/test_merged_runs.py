"""``evalkit merge``: shards that pytest ran, joined to the run that they are parts of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.cli import main

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_TIMES = ("throughput", "latency", "load", "concurrency", "date")
_PAIRS = [
    {"id": f"p{n}", "pair": f"p{n % 4}", "question": f"{n}+1", "answer": str(n + 1)}
    for n in range(8)
]
_FILTERS = [
    {"name": name, "filter": [{"function": "take_first"}]} for name in ("z", "a")
]
_GROUP = """
group: maths_all
task: [arith, pairs]
aggregate_metric_list:
  - {metric: exact_match, weight_by_size: true, filter_list: [z]}
gate:
  - {metric: exact_match, min: 0.9}
"""
_CASES = """
import pytest

@pytest.mark.parametrize("n", range(4))
def test_case(n, record_score):
    record_score("size", n)
"""


def concluded(folder: Path) -> dict[str, Any]:
    """Results but for times and the lines that name the shards."""
    results: dict[str, Any] = json.loads((folder / "results.json").read_text("utf-8"))
    for key in (*_TIMES, "total_evaluation_time_seconds", "sessions"):
        del results[key]
    results["config"].pop("merged_from", None)
    return results


def samples(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Samples by file, but for times."""
    found = {}
    for path in folder.glob("samples_*.jsonl"):
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for line in lines:
            line.pop("timing")
            line.pop("request_latency_s", None)
        found[path.name] = lines
    return found


def shards(
    suite: ArithSuite, count: int, *arguments: str, workers: tuple[str, ...] = ()
) -> list[str]:
    """Run each shard, the first with workers if any, and list their folders."""
    before = set(suite.folders)
    for index in range(1, count + 1):
        more = workers if index == 1 else ()
        suite.run(*arguments, "--shard", f"{index}/{count}", *more)
    return [str(folder) for folder in suite.folders if folder not in before]


@pytest.fixture
def maths(arith_suite: ArithSuite) -> ArithSuite:
    """Two tasks with two filters each in a group with a gate, and cases in Python."""
    suite = arith_suite
    suite.task(filter_list=_FILTERS)
    suite.task(
        "pairs",
        _PAIRS,
        filter_list=_FILTERS,
        num_fewshot=2,
        metadata={"version": 2.0, "group_by": "pair"},
    )
    suite.write("maths.yaml", _GROUP)
    suite.write("test_cases.py", _CASES)
    return suite


def test_merged_shards_are_the_run_without_shards(
    maths: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("maths.yaml", "test_cases.py", "--model", "oracle", "--gate")
    arguments = (*asked, "pairs:exact_match,a>=0.5")
    maths.run(*arguments)
    (unsharded,) = maths.folders
    third, *others = reversed(shards(maths, 3, *arguments, workers=("-n", "2")))
    capsys.readouterr()

    status = main(["merge", third, *others, "--output", "merged"])

    merged = maths.root / "merged"
    said = capsys.readouterr().out
    assert status == 0
    assert concluded(merged) == concluded(unsharded)
    assert samples(merged) == samples(unsharded)
    assert len(concluded(merged)["gates"]) == 2
    assert "gate pass     maths_all: exact_match >= 0.9" in said
    sources = json.loads((merged / "results.json").read_text())["config"]["merged_from"]
    assert [source["shard"] for source in sources] == ["1/3", "2/3", "3/3"]


def test_merging_again_changes_nothing(maths: ArithSuite) -> None:
    shards(maths, 2, "arith", "--model", "oracle")
    main(["merge", "results", "--output", "merged"])
    once = {path: path.read_bytes() for path in Path("merged").rglob("*.json*")}

    main(["merge", "results", "--output", "merged"])
    main(["merge", "merged", "--output", "again"])

    assert len(once) == 4
    for path, content in once.items():
        assert path.read_bytes() == content
        assert ("again" / path.relative_to("merged")).read_bytes() == content


def test_benchmarks_whose_documents_belong_together_are_merged(
    arith_suite: ArithSuite,
) -> None:
    suite = arith_suite
    arguments = ("--tasks", "gsm8k,mme,mmbench_en_dev", "--sample", "--model", "random")
    suite.run_apart(*arguments)
    (unsharded,) = suite.folders
    for index in (1, 2, 3):
        suite.run_apart(*arguments, "--shard", f"{index}/3")

    main(["merge", *map(str, suite.folders[1:]), "--output", "merged"])

    merged = suite.root / "merged"
    assert concluded(merged) == concluded(unsharded)
    assert samples(merged) == samples(unsharded)


def test_nothing_is_written_unless_the_run_is_whole(
    maths: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _, third = shards(maths, 3, "arith", "--model", "oracle")
    capsys.readouterr()

    refused = main(["merge", first, third, "--output", "merged"])
    told = capsys.readouterr()
    was_written = (maths.root / "merged").exists()
    partial = main(["merge", first, third, "--output", "merged", "--partial"])

    assert refused == 4
    assert told.err.startswith("evalkit: shard 2/3 is missing; run what is missing, or")
    assert not was_written
    assert partial == 2
    results = concluded(maths.root / "merged")
    assert not results["complete"]
    assert results["coverage"]["arith"]["selected"] == 4
    assert "not complete: shard 2/3 is missing" in capsys.readouterr().out


def test_the_shard_that_was_missing_completes_a_partial_run(maths: ArithSuite) -> None:
    maths.run("arith", "--model", "oracle")
    (unsharded,) = maths.folders
    first, second, third = shards(maths, 3, "arith", "--model", "oracle")
    main(["merge", first, third, "--output", "merged", "--partial"])

    status = main(["merge", second, "merged", "--output", "merged"])

    assert status == 0
    assert concluded(maths.root / "merged") == concluded(unsharded)


def test_a_gate_fails_a_merged_run_as_it_fails_pytest(
    maths: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    maths.ini("evalkit_gates = arith:exact_match,z>=0.9")
    runs = shards(maths, 2, "arith", "--model", "constant")

    status = main(["merge", *runs])

    assert status == 1
    assert "gate fail     arith: exact_match,z >= 0.9" in capsys.readouterr().out


def test_a_gate_without_its_proof_fails_a_merged_run(
    maths: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    maths.ini("evalkit_gates = arith:exact_match>=0.9@0.95")
    runs = shards(maths, 2, "arith", "--model", "oracle")

    statuses = [
        main(["merge", *runs]),
        main(["merge", *runs, "--gate-inconclusive", "warn"]),
    ]

    assert statuses == [1, 0]
    assert "1 of 1 gates are inconclusive" in "".join(capsys.readouterr())


def test_an_inconclusive_gate_fails_a_merged_run_if_that_is_asked(
    maths: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    maths.ini("evalkit_gates = drop(exact_match)<=0.1")
    runs = shards(maths, 2, "arith", "--model", "oracle")

    statuses = [
        main(["merge", *runs]),
        main(["merge", *runs, "--gate-inconclusive", "fail"]),
        main(["merge", *runs, "--baseline", "nowhere"]),
    ]

    out, err = capsys.readouterr()
    assert statuses == [0, 1, 1]
    assert "gate inconclusive  arith: drop(exact_match) <= 0.1" in out
    assert "gates are inconclusive" in out + err
    assert "gate fail     arith: drop(exact_match) <= 0.1" in out


def test_errors_fail_a_merged_run_above_what_it_tolerates(maths: ArithSuite) -> None:
    maths.model(
        "def answer(request):\n"
        "    if request.origin.doc_id == 3:\n"
        "        raise RequestRejectedError('no')\n"
        "    return target_of(request)\n"
    )
    runs = shards(maths, 2, "arith")

    assert main(["merge", *runs]) == 1
    assert main(["merge", *runs, "--max-errors", "1"]) == 0


def test_a_failed_case_fails_a_merged_run(
    maths: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    maths.write("test_cases.py", _CASES + "    assert n < 3\n")
    runs = shards(maths, 2, "test_cases.py")

    status = main(["merge", *runs])

    assert status == 1
    assert "test_cases: 1 failed" in capsys.readouterr().out


def test_parts_of_a_task_that_were_run_apart_are_merged(maths: ArithSuite) -> None:
    maths.run("arith", "--model", "oracle")
    (unsharded,) = maths.folders
    maths.run("arith", "--model", "oracle", "--limit", "2")
    maths.run("arith", "--model", "oracle", "--offset", "2")

    status = main(["merge", *map(str, maths.folders[1:]), "--output", "merged"])

    merged, known = concluded(maths.root / "merged"), concluded(unsharded)
    assert status == 0
    for results in (merged, known):
        del results["config"]
    assert merged == known


def test_the_file_of_a_task_may_have_moved(
    maths: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = shards(maths, 2, "arith", "--model", "oracle")
    (maths.root / "arith").rename(maths.root / "moved")

    lost = main(["merge", *runs, "--output", "merged"])
    found = main(["merge", *runs, "--output", "merged", "--include-path", "moved"])

    assert lost == 4
    assert "is not at" in capsys.readouterr().err
    assert found == 0


def test_a_folder_with_something_else_in_it_is_left_alone(
    maths: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = shards(maths, 2, "arith", "--model", "oracle")

    status = main(["merge", *runs, "--output", "arith"])

    assert status == 4
    assert "has something else in it than a merged run" in capsys.readouterr().err
    assert (maths.root / "arith" / "arith.yaml").exists()


def test_a_task_file_that_changed_between_shards_is_named(
    maths: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    maths.run("arith", "--model", "oracle", "--limit", "2")
    (first,) = map(str, maths.folders)
    maths.task(filter_list=_FILTERS, doc_to_text="{{question}} =")
    maths.run("arith", "--model", "oracle", "--offset", "2")
    capsys.readouterr()

    status = main(["merge", first, str(maths.folders[-1])])

    told = capsys.readouterr().err
    assert status == 4
    assert told.startswith("evalkit: 'doc_to_text' of task 'arith' differs: ")


def test_a_task_file_that_changed_since_is_named(
    maths: ArithSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = shards(maths, 2, "arith", "--model", "oracle")
    maths.task(filter_list=_FILTERS[:1])

    status = main(["merge", *runs, "--output", "merged"])

    assert status == 4
    assert "'filter_list' has changed since the run" in capsys.readouterr().err
    assert not (maths.root / "merged").exists()


def test_a_shard_that_was_resumed_is_merged_as_one_that_was_not(
    maths: ArithSuite,
) -> None:
    maths.model(
        "def answer(request):\n"
        "    if request.origin.doc_id == 3 and os.path.exists('flaky'):\n"
        "        raise RequestRejectedError('no')\n"
        "    return target_of(request)\n"
    )
    maths.run("arith")
    (unsharded,) = maths.folders
    maths.write("flaky", "")
    first, second = shards(maths, 2, "arith")
    (maths.root / "flaky").unlink()
    arguments = ("arith", "--shard", "2/2", "--resume", second, "--rerun-errors")
    maths.run(*arguments)

    status = main(["merge", first, second, "--output", "merged"])

    merged, known = concluded(maths.root / "merged"), concluded(unsharded)
    assert status == 0
    assert merged == known
    assert samples(maths.root / "merged") == samples(unsharded)
