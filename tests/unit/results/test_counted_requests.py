from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.codec import CodecError
from pytest_evalkit.results.conclusion import RunRecord, read_run
from pytest_evalkit.results.load import load_of
from pytest_evalkit.results.load_gate_figures import load_figures_of
from pytest_evalkit.results.request_log import RequestLog
from pytest_evalkit.results.wire_shapes import require_line
from tests.unit.results.run_journals import facts_of, run_of, sample, selection

COUNTS = {
    "input_tokens": 10,
    "output_tokens": 4,
    "reasoning_tokens": None,
    "cached_tokens": None,
}


def timing(**facts: Any) -> dict[str, Any]:
    times = {"planned_at_s": None, "sent_at_s": 1.0, "request_s": 0.5}
    base = {"started_s": 0.0, "latency_s": 1.0, "request_status": "successful"}
    return {**base, **times, **facts}


def counted(doc_id: int, **facts: Any) -> dict[str, Any]:
    return sample(doc_id, 1.0) | {"timing": timing(**facts), "token_counts": COUNTS}


def line(process: str, server: int, here: int, **facts: Any) -> dict[str, Any]:
    compared = {"requests": 1, "server": server, "here": here}
    return {
        "kind": "token_counting",
        "process": process,
        "requests": 2,
        "compared": {"input_tokens": compared},
        "without_template": 0,
        "problem": None,
        **facts,
    }


def record_of(root: Path, *lines: dict[str, Any]) -> RunRecord:
    announced = selection(3, filters=["z"])
    return read_run(run_of(root, main=[announced, *lines]), facts_of)


def test_a_sample_that_is_written_again_counts_once_with_its_tokens(
    tmp_path: Path,
) -> None:
    before = sample(0, 1.0) | {"timing": timing()}

    record = record_of(tmp_path, before, counted(0, token_source="template"))

    (request,) = record.requests
    assert (request.input_tokens, request.output_tokens) == (10, 4)
    assert record.requests.token_sources() == {"template": 1}
    assert record.traffic.usage()["input_tokens"] == 10
    load = load_of(record, {})
    assert load["token_source"] == "template"
    assert load["output_throughput"] == 8.0


def test_tokens_without_a_source_are_the_servers(tmp_path: Path) -> None:
    load = load_of(record_of(tmp_path, counted(0)), {})

    assert load["token_source"] == "server"
    assert load["token_counting"] is None


def test_several_sources_are_told_apart(tmp_path: Path) -> None:
    several = {
        "request_status": ["successful"] * 3,
        "sent_at_s": [1.0, 1.0, 1.0],
        "planned_at_s": [None] * 3,
        "request_s": [0.5, 0.5, 0.5],
        "input_tokens": [3, None, 4],
        "output_tokens": [3, None, 4],
        "token_source": ["text", None, "server"],
    }

    record = record_of(
        tmp_path,
        counted(0, token_source="template"),
        counted(1, **several),
        line("main", 100, 100),
    )

    load = load_of(record, {})
    assert load["token_source"] == "mixed"
    assert load["token_counting"]["requests"] == {
        "server": 1,
        "template": 1,
        "text": 1,
    }


def test_a_turn_tells_who_counted_it() -> None:
    log = RequestLog()
    turns = [
        {
            "turn": 1,
            "status": "successful",
            "sent_at_s": 1.0,
            "token_counts": COUNTS,
            "token_source": "text",
        }
    ]

    log.add({**counted(0), "conversation_id": "c", "turns": turns})  # type: ignore[typeddict-item]  # in short

    assert log.token_sources() == {"text": 1}


def test_what_processes_compared_is_added_up(tmp_path: Path) -> None:
    first = line("gw0", 100, 100, without_template=3, problem="prompts: none")
    second = line("gw1", 300, 316)
    empty = line("gw2", 0, 0, compared={})

    load = load_of(record_of(tmp_path, counted(0), empty, first, second), {})

    assert load["token_counting"] == {
        "requests": {"server": 1},
        "compared": {
            "input_tokens": {
                "requests": 2,
                "server": 400,
                "here": 416,
                "difference": 0.04,
            }
        },
        "without_template": 3,
        "problem": "prompts: none",
    }
    assert not any(name.startswith("token_") for name in load_figures_of(load))


def test_of_no_tokens_there_is_no_difference(tmp_path: Path) -> None:
    load = load_of(record_of(tmp_path, line("main", 0, 5)), {})

    assert load["token_counting"]["compared"]["input_tokens"]["difference"] is None


@pytest.mark.parametrize(
    "damaged",
    [
        counted(0, token_source="guess"),
        counted(0, token_source=["template"]),
        line("main", 1, 1, compared={"input_tokens": {"requests": 1}}),
        line("main", 1, 1, problem=7),
    ],
)
def test_a_line_that_no_run_wrote_is_refused(damaged: dict[str, Any]) -> None:
    with pytest.raises(CodecError):
        require_line(damaged)
