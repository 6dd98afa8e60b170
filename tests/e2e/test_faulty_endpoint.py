"""A part of the requests fail; ``tests/faults`` has the same at full size."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.mockserver import MockServer, serve_in_thread
from pytest_evalkit.mockserver.behaviour import Behaviour, Faults

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_DOCUMENTS = 120
_KINDS = ("429", "500", "reset", "hang", "cut")


def answer(payload: Mapping[str, Any]) -> str:
    """Solve two of three sums."""
    text = payload["messages"][-1]["content"]
    if text == "ping":
        return "pong"
    left, _, right = text.removesuffix("=").partition("+")
    return "no idea" if int(left) % 3 == 0 else str(int(left) + int(right))


def evaluate(suite: ArithSuite, rate: float, *arguments: str) -> dict[int, Any]:
    rows = [
        {"id": f"q{n}", "category": "add", "question": f"{n}+1", "answer": str(n + 1)}
        for n in range(_DOCUMENTS)
    ]
    suite.task(rows=rows)
    behaviour = Behaviour(
        faults=Faults(rate=rate, kinds=_KINDS, seed=4), retry_after_s=0.02
    )
    with serve_in_thread(MockServer(answer, behaviour=behaviour)) as server:
        args = f"model=m,base_url={server.url},timeout=0.7,retry_backoff_s=0.02"
        more = [one for one in arguments if "=" in one]
        options = [one for one in arguments if "=" not in one]
        suite.run(
            "--model", "openai", "--model-args", ",".join([args, *more]),
            "--tb", "no", *options,
        )  # fmt: skip
    return {sample["doc_id"]: sample for sample in suite.samples()}


def recorded(suite: ArithSuite) -> Counter[int]:
    lines = [
        json.loads(line)
        for path in (suite.folders[-1] / "journal").glob("*.jsonl")
        for line in path.read_text("utf-8").splitlines()
    ]
    return Counter(line["doc_id"] for line in lines if "kind" not in line)


@pytest.mark.parametrize(
    "arguments",
    [(), ("stream=true",), ("max_retries=1",), ("max_retries=1", "-n", "2")],
    ids=" ".join,
)
def test_every_document_ends_scored_as_in_a_clean_run_or_in_error(
    arith_suite: ArithSuite, arguments: tuple[str, ...]
) -> None:
    clean = evaluate(arith_suite, 0.0)

    faulty = evaluate(arith_suite, 0.1, *arguments)

    statuses = Counter(sample["status"] for sample in faulty.values())
    assert set(faulty) == set(range(_DOCUMENTS))
    assert set(recorded(arith_suite).values()) == {1}
    assert statuses["scored"] + statuses["error"] == _DOCUMENTS
    assert (statuses["error"] > 0) == ("max_retries=1" in arguments)
    for doc_id, sample in faulty.items():
        if sample["status"] == "scored":
            assert sample["exact_match"] == clean[doc_id]["exact_match"]
        else:
            assert sample["error"]
            assert "exact_match" not in sample
