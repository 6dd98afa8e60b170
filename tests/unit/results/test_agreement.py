from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.results.merged_runs import (
    MODEL,
    compared,
    run_line,
    sample,
    selection,
    shard_run,
    whole,
    write_run,
)


def test_the_shards_of_one_run_agree_in_whatever_order(tmp_path: Path) -> None:
    shards = [shard_run(tmp_path, index) for index in (3, 1, 2)]

    found = compared(*shards)

    assert not found.conflicts
    assert not found.gaps


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    found = compared(shard_run(tmp_path, 1), shard_run(tmp_path, 3))

    assert not found.conflicts
    assert found.gaps == ["shard 2/3 is missing"]


def test_shards_that_had_no_documents_are_not_missed(tmp_path: Path) -> None:
    shards = [shard_run(tmp_path, index, 5, documents=3) for index in (1, 2, 3)]

    assert not compared(*shards).gaps


def test_the_first_shard_is_missed_since_it_may_have_tasks_of_its_own(
    tmp_path: Path,
) -> None:
    second = write_run(
        tmp_path / "second",
        run_line((2, 2)),
        selection(1, **whole(1)),
        sample(0),
    )

    assert compared(second).gaps == ["shard 1/2 is missing"]


def test_a_shard_given_twice_is_named(tmp_path: Path) -> None:
    again = shard_run(tmp_path / "again", 2)
    shards = [shard_run(tmp_path, index) for index in (1, 2, 3)]

    (conflict,) = compared(*shards, again).conflicts

    assert conflict.startswith("shard 2/3 is given twice: ")
    assert str(again) in conflict


def test_shards_of_different_numbers_are_named(tmp_path: Path) -> None:
    (conflict,) = compared(
        shard_run(tmp_path / "a", 1, 3), shard_run(tmp_path / "b", 2, 4)
    ).conflicts

    assert "is one of 3 shards" in conflict
    assert "one of 4" in conflict


def test_a_shard_and_a_whole_run_are_not_mixed(tmp_path: Path) -> None:
    alone = write_run(
        tmp_path / "whole",
        run_line(),
        {"kind": "model", **MODEL},
        selection(1),
        sample(5),
    )

    (conflict,) = compared(shard_run(tmp_path, 1), alone).conflicts

    assert f"{alone} is a whole run" in conflict


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"num_fewshot": 5}, "--num-fewshot"),
        ({"fewshot_seed": 1}, "--seed"),
        ({"generation": {"temperature": 1}}, "--gen-kwargs"),
        ({"reasoning_tags": "none"}, "--reasoning-tags"),
        ({"limit": 4.0}, "--limit"),
    ],
)
def test_other_options_are_named_by_their_spelling(
    tmp_path: Path, changes: dict[str, Any], option: str
) -> None:
    first = shard_run(tmp_path, 1)
    other = shard_run(tmp_path, 2, **changes)

    (conflict,) = compared(first, other).conflicts

    assert conflict.startswith(f"{option} differs: ")
    assert f"in {first} (shard 1/3)" in conflict
    assert f"in {other} (shard 2/3)" in conflict


def described(root: Path, index: int, name: str = "m", **description: Any) -> Path:
    own = range(index - 1, 6, 2)
    return write_run(
        root / f"{name}{index}",
        run_line((index, 2)),
        {"kind": "model", "name": name, "description": description},
        selection(len(own), **whole()),
        *map(sample, own),
    )


def test_another_model_is_named(tmp_path: Path) -> None:
    (conflict,) = compared(
        described(tmp_path, 1), described(tmp_path, 2, "other")
    ).conflicts

    assert conflict.startswith("the model differs: 'm' in ")


def test_another_argument_of_the_model_is_named(tmp_path: Path) -> None:
    (conflict,) = compared(
        described(tmp_path, 1, temperature=0), described(tmp_path, 2, temperature=1)
    ).conflicts

    assert conflict.startswith("argument 'temperature' of the model differs: 0 in ")


def test_shards_may_ask_the_model_at_different_places(tmp_path: Path) -> None:
    found = compared(
        described(tmp_path, 1, base_url="http://a", num_concurrent=4, timeout=9),
        described(tmp_path, 2, base_url="http://b", num_concurrent=8, timeout=None),
    )

    assert not found.conflicts


def test_a_local_model_is_another_with_another_commit_and_not_on_another_device(
    tmp_path: Path,
) -> None:
    loaded = {"commit": "abc", "device_name": "A"}
    runs = [
        described(tmp_path / str(number), index, loaded={**loaded, **changes})
        for number, (index, changes) in enumerate(
            [(1, {}), (2, {"device_name": "B"}), (2, {"commit": "def"})]
        )
    ]

    (conflict,) = compared(runs[0], runs[2]).conflicts

    assert not compared(runs[0], runs[1]).conflicts
    assert conflict.startswith("'commit' of the loaded model differs: 'abc' in ")


def test_what_only_another_version_tells_of_a_model_is_a_difference(
    tmp_path: Path,
) -> None:
    found = compared(described(tmp_path, 1), described(tmp_path, 2, top_k=5))

    assert len(found.conflicts) == 1


@pytest.mark.parametrize(
    ("changes", "trait"),
    [
        ({"fingerprint": "g"}, "the data set (its fingerprint)"),
        ({"original": 7}, "the number of documents"),
        (whole(5), "the number of documents selected before --shard"),
        (whole(6, "e"), "which documents were selected before --shard (a hash)"),
        ({"identity": {"task file": "b"}}, "the task file"),
    ],
)
def test_another_task_under_the_same_name_is_named(
    tmp_path: Path, changes: dict[str, Any], trait: str
) -> None:
    said = {**whole(), "identity": {"task file": "a"}}
    first, other = (
        write_run(
            tmp_path / name,
            run_line((index, 2)),
            selection(3, **{**said, **more}),
            *map(sample, range(index - 1, 6, 2)),
        )
        for name, index, more in (("one", 1, {}), ("two", 2, changes))
    )

    (conflict,) = compared(first, other).conflicts

    assert conflict.startswith(f"{trait} of task 'sums' differs: ")


def test_documents_in_two_runs_are_named(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / name, run_line(), selection(len(own)), *map(sample, own))
        for name, own in (("one", range(4)), ("two", range(2, 6)))
    ]

    (conflict,) = compared(*runs).conflicts

    assert conflict == (
        f"2 documents of task 'sums' are in both {runs[0]} and {runs[1]}: 2, 3; merge "
        "runs of different documents"
    )


def test_whole_runs_of_different_documents_may_have_other_limits(
    tmp_path: Path,
) -> None:
    runs = [
        write_run(
            tmp_path / name,
            run_line(limit=3.0, offset=own[0]),
            selection(len(own)),
            *map(sample, own),
        )
        for name, own in (("one", range(3)), ("two", range(3, 6)))
    ]

    found = compared(*runs)

    assert not found.conflicts
    assert not found.gaps


def test_a_run_that_was_killed_is_named(tmp_path: Path) -> None:
    killed = write_run(
        tmp_path / "killed",
        run_line((2, 2)),
        {"kind": "model", **MODEL},
        selection(3, **whole()),
        sample(1),
    )

    (gap,) = compared(shard_run(tmp_path, 1, 2), killed).gaps

    assert gap.startswith(f"{killed} is not complete: 1 of 3 documents were evaluated")


def test_a_conflict_hides_what_is_missing(tmp_path: Path) -> None:
    found = compared(shard_run(tmp_path, 1), shard_run(tmp_path, 2, num_fewshot=5))

    assert found.conflicts
    assert not found.gaps
