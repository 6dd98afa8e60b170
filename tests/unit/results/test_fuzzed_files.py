"""Whatever a journal or a results file holds is read rightly or refused in words."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.codec import encode, encode_pretty
from pytest_evalkit.errors import EvalkitError, ResultsError
from pytest_evalkit.reports import (
    PageRun,
    budget_lines,
    gate_lines,
    markdown_gates,
    markdown_table,
    render_html,
    results_table,
)
from pytest_evalkit.reports.pages import write_report
from pytest_evalkit.results.conclusion import read_run, write_samples
from pytest_evalkit.results.document import (
    GroupConclusion,
    RunFacts,
    TaskConclusion,
    build_results,
)
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.results.load import load_of
from pytest_evalkit.results.read import iter_samples, read_results
from pytest_evalkit.results.turns import write_turns
from tests.unit.fuzzing import altered, damaged, fuzz, values
from tests.unit.results.run_journals import both, facts_of, sample, selection

TIMED: dict[str, Any] = {
    "token_counts": {"input_tokens": 3, "output_tokens": 1, "reasoning_tokens": None,
                     "cached_tokens": None},
    "timing": {"started_s": 0.1, "latency_s": 0.5, "ttft_s": 0.1, "ttfo_s": [0.2, None],
               "inter_token_s": None, "bad_frames": 0},
    "request_latency_s": [0.4, 0.1],
    "parse_status": ["found", "none"],
}  # fmt: skip
REQUESTS: dict[str, Any] = {
    "token_counts": {"input_tokens": 7, "output_tokens": 3, "reasoning_tokens": 1,
                     "cached_tokens": 0},
    "recalled": {"requests": 1, "latency_s": 0.2, "token_counts": {
        "input_tokens": 2, "output_tokens": 1, "reasoning_tokens": None,
        "cached_tokens": None}},
    "timing": {"started_s": 0.1, "latency_s": 0.5,
               "request_status": ["successful", "errored"],
               "planned_at_s": [0.1, None], "sent_at_s": [0.1, 0.2],
               "request_s": [0.2, 0.1], "retry_wait_s": [0, 0.1],
               "ttft_s": [0.1, None], "ttfo_s": [0.1, None],
               "gaps_sum_s": [0.1, None], "inter_token_s": [0.05, None],
               "n_chunks": [3, None], "bad_frames": [0, 0],
               "input_tokens": [7, None], "output_tokens": [3, None]},
    "request_latency_s": [0.2, 0.1],
}  # fmt: skip
TURN: dict[str, Any] = {
    "turn": 1, "status": "successful", "cause": None, "text": "yes",
    "finish_reason": "stop", "token_counts": {
        "input_tokens": 5, "output_tokens": 2, "reasoning_tokens": None,
        "cached_tokens": None},
    "planned_at_s": None, "sent_at_s": 0.1, "latency_s": 0.4, "ttft_s": 0.1,
    "ttfo_s": 0.1, "gaps_sum_s": 0.2, "gaps": [0.1, 0.1], "n_chunks": 3,
    "bad_frames": 0, "attempts": 1,
}  # fmt: skip
LINES: list[dict[str, Any]] = [
    {"kind": "run", "started_at": 1e9},
    {"kind": "session", "schema_version": 1, "session": 1, "process": "main",
     "started_at": 1e9, "differences": ["the model: a, not b"]},
    {"kind": "model", "name": "m", "description": {"path": "/x"}},
    {"kind": "group", "name": "g", "alias": "g", "path": "g.yaml", "members": ["sums"],
     "tasks": ["sums"], "metrics": [], "version": 1, "gates": []},
    selection(3),
    {"kind": "concurrency", "t_s": 0.1, "limit": 4, "reason": "given"},
    *both(0, 1.0),
    {**sample(1, 0.0), **TIMED},
    sample(2, None),
    {**sample(3, 1.0), **REQUESTS},
    {**sample(3, 1.0, "a"), **REQUESTS},
    *({**sample(4, 1.0, name), "conversation_id": "c", "turns": [TURN, TURN]}
      for name in ("z", "a")),
    {"kind": "client", "process": "main", "looks": 200, "max_loop_lag_ms": 3.0,
     "p99_loop_lag_ms": 1.0},
    {"kind": "warmup", "process": "main", "requests": 2, "failed": 1},
    {"kind": "load_end", "reason": "--duration"},
    {"kind": "budget", "t_s": 0.5, "reason": "tokens"},
    {"kind": "cache", "process": "main/1", "problem": None, "hits": 3, "misses": 1,
     "stores": 1, "sampled": 0},
]  # fmt: skip


GATES = ("acc>=0.5", "ttft_ms.p95<=500", "output_throughput>=1", "osl_tokens.max<=9")


@contextmanager
def folder_with(name: str, content: bytes) -> Iterator[RunFolder]:
    with tempfile.TemporaryDirectory() as root:
        path = Path(root, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        yield RunFolder(Path(root))


@contextmanager
def refused_in_words(name: str) -> Iterator[None]:
    """Let what is done with a file be refused in one line that names it."""
    told = name
    with suppress(ResultsError):
        try:
            yield
        except ResultsError as error:
            told = str(error)
            raise
    assert name in told
    assert "\n" not in told


def conclude(folder: RunFolder) -> None:
    record = read_run(folder, facts_of)
    tasks = [task.conclude(judge_partial=True) for task in record.tasks.values()]
    facts = RunFacts(
        model_name=record.model_name or "",
        model_description=record.model_description,
        options={},
        git_hash=None,
        started_at=0.0,
        elapsed_s=1.0,
        complete=record.is_complete,
        environment={},
        usage=dict(record.traffic.usage()),
        throughput=record.traffic.throughput(1.0),
        latency=record.traffic.latency(),
        concurrency=record.concurrency,
        load=load_of(record, {"goodput": "ttft:500"}),
        sessions=record.sessions.rows(),
        resumed=record.resumed(),
    )
    results = build_results(tasks, facts, list(map(parse_gate, GATES)))
    write_samples(folder, record)
    write_turns(folder, record)
    write_report(folder, results)
    show(results)
    encode_pretty(results)


def show(results: Any) -> None:
    shown = [
        results_table(results, 100),
        *gate_lines(results),
        *budget_lines(results),
        markdown_table(results),
        markdown_gates(results),
    ]
    assert "\x1b" not in "\n".join(shown)


def test_a_sound_journal_is_concluded() -> None:
    with folder_with("journal/main.jsonl", b"".join(map(line, LINES))) as folder:
        conclude(folder)


@pytest.mark.parametrize("count", [2**63, 10**400, -1, 1.5, -0.0, True])
@pytest.mark.parametrize(
    "place",
    [
        ("token_counts", "output_tokens"),
        ("recalled", "token_counts", "input_tokens"),
        ("timing", "output_tokens", 0),
        ("turns", 0, "turn"),
        ("turns", 1, "token_counts", "input_tokens"),
    ],
    ids=lambda place: ".".join(map(str, place)),
)
def test_a_count_that_is_none_is_a_damaged_line(
    place: tuple[str | int, ...], count: float
) -> None:
    damaged_line = deepcopy({**sample(0, 1.0), **REQUESTS, "turns": [TURN, TURN]})
    *way, last = place
    inner: Any = damaged_line
    for step in way:
        inner = inner[step]
    inner[last] = count
    content = b"".join(map(line, [selection(3), damaged_line, sample(1, 1.0)]))

    with (
        folder_with("journal/main.jsonl", content) as folder,
        pytest.raises(ResultsError, match=r"main\.jsonl"),
    ):
        conclude(folder)


@pytest.mark.parametrize("seconds", [10**400, -(10**400), "soon"])
def test_a_time_that_is_none_is_a_damaged_line(seconds: Any) -> None:
    timing = {**TIMED["timing"], "ttft_s": seconds}
    content = b"".join(
        map(line, [selection(3), {**sample(0, 1.0), "timing": timing}, sample(1, 1.0)])
    )

    with (
        folder_with("journal/main.jsonl", content) as folder,
        pytest.raises(ResultsError, match=r"main\.jsonl"),
    ):
        conclude(folder)


def test_the_largest_count_is_one() -> None:
    whole = {**sample(0, 1.0), "timing": {**REQUESTS["timing"], "input_tokens": None}}
    whole["timing"] |= {"output_tokens": [2**63 - 1, 0], "input_tokens": [0, None]}

    with folder_with(
        "journal/main.jsonl", b"".join(map(line, [selection(3), whole]))
    ) as folder:
        conclude(folder)
        found = load_of(read_run(folder, facts_of), {})

    assert found["metrics"]["osl_tokens"]["max"] == pytest.approx(2**63 - 1)


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


@fuzz(60)
@given(st.data())
def test_a_journal_of_any_lines_is_concluded_or_refused(data: st.DataObject) -> None:
    lines = [
        line(data.draw(altered(one)))
        if data.draw(st.integers(0, 3)) == 0
        else line(one)
        for one in LINES
        if data.draw(st.integers(0, 20))
    ]
    content = b"".join(lines)
    if data.draw(st.booleans()):
        content = data.draw(damaged(content))

    with (
        folder_with("journal/main.jsonl", content) as folder,
        refused_in_words("main.jsonl"),
    ):
        conclude(folder)


def results() -> dict[str, Any]:
    row: Any = {
        "metric": "acc", "filter": "none", "value": 0.5, "stderr": 0.1,
        "ci95": [0.3, 0.7], "n": 4, "higher_is_better": True,
    }  # fmt: skip
    coverage: Any = {
        "original": 9, "selected": 4, "scored": 4, "errors": 0, "skipped": 0,
    }  # fmt: skip
    task = TaskConclusion(
        name="sums", alias="Sums", config={"task": "sums"}, version=1.0, num_fewshot=2,
        directions={"acc": True}, aggregates=[row], coverage=coverage,
        error_kinds={"no answer": 1}, task_hash="h", fingerprint="f",
    )  # fmt: skip
    group = GroupConclusion(
        name="all", alias="All", version=1, members=("sums",), num_fewshot=2,
        directions={"acc": True}, aggregates=[row | {"missing": "b"}],
        coverage=coverage, partial=None,
    )  # fmt: skip
    facts = RunFacts(
        model_name="m", model_description={"path": "/x"}, options={"limit": 4},
        git_hash="0123456789abcdef", started_at=1e9, elapsed_s=3.5, complete=True,
        environment={"python": "3.11"},
        usage={"input_tokens": 3, "output_tokens": None, "budget": {
            "max_total_tokens": 9, "max_cost_usd": None, "total_tokens": 3,
            "cost_usd": 0.1, "spent": None}},
        throughput={"documents_per_s": 3.0, "output_tokens_per_s": None},
        latency={"p50_s": 0.1, "p90_s": 0.2, "p99_s": 0.3, "method": "nearest rank"},
    )  # fmt: skip
    gates = [parse_gate("sums:acc>=0.4"), parse_gate("acc>=0.9")]
    found: dict[str, Any] = json.loads(
        encode(build_results([task], facts, gates, [group]))
    )
    return found


RESULTS = results()


def test_sound_results_are_read() -> None:
    with folder_with("results.json", line(RESULTS)) as folder:
        assert read_results(folder.root) == RESULTS
        show(read_results(folder.root))


@fuzz(100)
@given(altered(RESULTS) | values)
def test_results_of_any_form_are_shown_or_refused(value: Any) -> None:
    with (
        folder_with("results.json", line(value)) as folder,
        refused_in_words("results.json"),
    ):
        show(read := read_results(folder.root))
        b"".join(render_html(PageRun(results=read, samples=[])))


@fuzz(60)
@given(damaged(encode_pretty(RESULTS)))
def test_results_that_are_damaged_are_shown_or_refused(content: bytes) -> None:
    with (
        folder_with("results.json", content) as folder,
        refused_in_words("results.json"),
    ):
        show(read_results(folder.root))


@fuzz(60)
@given(damaged(b"".join(map(line, both(0, 1.0)))))
def test_samples_that_are_damaged_are_left_out_and_counted(content: bytes) -> None:
    with folder_with("samples_sums.jsonl", content) as folder:
        samples = iter_samples(folder.samples_path("sums"))

        found = list(samples)

        assert len(found) + samples.torn == sum(
            bool(one.strip()) for one in content.split(b"\n")
        )


@fuzz(150)
@given(st.text(max_size=30) | st.from_regex(r"[a-z:]{0,6}(>=|<|==|>) ?[-+e0-9.%]{0,9}"))
def test_a_gate_of_any_words_is_a_condition_or_an_error(text: str) -> None:
    with suppress(EvalkitError):
        assert parse_gate(text).metric
