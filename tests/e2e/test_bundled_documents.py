"""Documents that belong together, through ``--limit``, ``--shard`` and ``-n``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_PAIRS = [
    {"id": f"q{n}", "pair": f"p{n % 3}", "question": "1+1", "answer": "2"}
    for n in range(6)
]


@pytest.fixture
def paired(arith_suite: ArithSuite) -> ArithSuite:
    arith_suite.task(rows=_PAIRS, metadata={"version": 1.0, "group_by": "pair"})
    return arith_suite


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_limit_takes_whole_pairs_and_says_so(
    paired: ArithSuite, workers: tuple[str, ...]
) -> None:
    result = paired.run("--model", "oracle", "--limit", "3", *workers)

    assert result.ret == 0
    assert paired.ran() == ["q0", "q1", "q3", "q4"]
    result.stdout.fnmatch_lines(["arith: --limit 3 takes 4 documents in place of 3,*"])
    assert str(result.stdout).count("in place of 3") == 1


def test_a_limit_that_cuts_nothing_is_not_spoken_of(paired: ArithSuite) -> None:
    result = paired.run("--model", "oracle", "--limit", "2")

    assert paired.ran() == ["q0", "q3"]
    result.stdout.no_fnmatch_line("*in place of*")


def test_shards_take_whole_pairs(paired: ArithSuite) -> None:
    asked = []
    for shard in ("1/2", "2/2"):
        paired.run("--model", "oracle", "--shard", shard)
        asked.append(paired.ran())

    assert asked == [["q0", "q2", "q3", "q5"], ["q1", "q4"]]


def test_an_offset_and_a_limit_within_a_pair_leave_nothing_and_say_so(
    paired: ArithSuite,
) -> None:
    result = paired.run("--model", "oracle", "--offset", "1", "--limit", "1")

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["arith: --offset 1 --limit 1 takes 0 documents*"])


def test_what_documents_share_cannot_be_read(paired: ArithSuite) -> None:
    paired.write("arith/utils.py", "def key(doc):\n    return doc['nothing']\n")
    path = paired.root / "arith" / "arith.yaml"
    path.write_text(path.read_text().replace("pair", "!function utils.key"))

    result = paired.run("--model", "oracle", "--limit", "1")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *metadata.group_by failed: KeyError*"])
