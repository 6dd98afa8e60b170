"""Suites of conversations, and what a server saw of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from pytest_evalkit.mockserver import MockServer, Worked
    from tests.e2e.conftest import ArithSuite

_TASK: Mapping[str, Any] = {
    "task": "talk",
    "dataset_kwargs": {"data_files": "talk.jsonl"},
    "conversation": {},
    "metric_list": [{"metric": "per_turn_match"}],
}


def talks(count: int, turns: int) -> list[dict[str, Any]]:
    """Conversations ``c0``, ``c1``, ...: a client counts, and an assistant repeats it."""
    return [
        {
            "conversation_id": f"c{n}",
            "messages": [
                message
                for turn in range(1, turns + 1)
                for message in (
                    {"role": "user", "content": f"c{n} says {turn}"},
                    {"role": "assistant", "content": f"c{n} says {turn}"},
                )
            ],
        }
        for n in range(count)
    ]


def write_talks(
    suite: ArithSuite, rows: Iterable[Mapping[str, Any]], **keys: Any
) -> None:
    """Write a task of conversations in place of the sums; None takes a key out."""
    for path in suite.root.glob("arith/*"):
        path.unlink()
    suite.rows("talk.jsonl", rows)
    merged = {**_TASK, **keys}
    kept = {key: value for key, value in merged.items() if value is not None}
    suite.write("talk.yaml", yaml.safe_dump(kept, sort_keys=False))


def asking(server: MockServer, *options: str) -> list[str]:
    """Name a server as the model."""
    arguments = f"model=m,base_url={server.url},api_key=k,max_retries=1"
    return ["--model", "openai", "--model-args", arguments, *options]


def turn_rows(suite: ArithSuite, task: str = "talk") -> list[dict[str, Any]]:
    """The turns of the last run."""
    path = suite.folders[-1] / f"turns_{task}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def planned(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """The client turns of conversations that each stand on a line."""
    return [
        (row["conversation_id"], number)
        for row in rows
        for number, message in enumerate(row["messages"], start=1)
        if message["role"] != "assistant"
    ]


def named(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """The turns of rows, by conversation and number."""
    return [(row["conversation_id"], row["turn"]) for row in rows]


class Seen(NamedTuple):
    """What a server saw of one conversation, in the order in which it came."""

    first: str
    worked: Sequence[Worked]

    @property
    def lengths(self) -> list[int]:
        """How many messages each prompt had."""
        return [len(one.payload["messages"]) for one in self.worked]

    @property
    def requests(self) -> list[tuple[float, float]]:
        """When each of its requests came, and when it was answered or given up."""
        return [
            (one.began_at, one.ended_at)
            for one in self.worked
            if one.ended_at is not None
        ]

    @property
    def span(self) -> tuple[float, float]:
        """When its first request came, and when its last was answered."""
        ended = [one.ended_at for one in self.worked if one.ended_at is not None]
        return self.worked[0].began_at, max(ended)


def seen(server: MockServer) -> list[Seen]:
    """Sort what a server worked on by what the user says first."""
    found: dict[str, list[Worked]] = {}
    for one in server.worked:
        said = (m["content"] for m in one.payload["messages"] if m["role"] == "user")
        found.setdefault(next(said), []).append(one)
    return [Seen(first, worked) for first, worked in found.items()]


def is_one_after_another(talk: Seen) -> bool:
    """Whether no two requests of a conversation overlap, and each is longer."""
    pairs = list(zip(talk.worked, talk.worked[1:], strict=False))
    ends_first = all(
        before.ended_at is not None and before.ended_at <= after.began_at
        for before, after in pairs
    )
    return ends_first and talk.lengths == sorted(set(talk.lengths))


def is_idle(server: MockServer) -> bool:
    """Whether nothing is in flight, once the server has seen clients go."""
    deadline = time.monotonic() + 30
    while server.traffic.in_flight and time.monotonic() < deadline:
        time.sleep(0.005)
    return server.traffic.in_flight == 0


def most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    """Tell how many spans of time overlap at most; one may begin as another ends."""
    events = sorted(
        (at, change) for start, end in spans for at, change in ((start, 1), (end, -1))
    )
    most = count = 0
    for _, change in events:
        count += change
        most = max(most, count)
    return most


def agentic(suite: ArithSuite, shared_data: Path) -> Path:
    """Write a task of the recorded conversations of agents; give their file."""
    path = shared_data / "endpoints" / "agentic_coding_2.5h.jsonl"
    write_talks(
        suite,
        [],
        dataset_kwargs={"data_files": str(path)},
        metric_list=[{"metric": "answered_turns"}],
    )
    return path
