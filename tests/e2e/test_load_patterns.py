from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pytest_evalkit.engine.load_pattern import arrivals, load_pattern
from pytest_evalkit.engine.shared_origin import PATIENCE_S
from pytest_evalkit.mockserver import Behaviour, MockServer, Reply

TASK = """
task: words
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
doc_to_text: "{{word}}"
doc_to_target: "{{word}}"
generation_kwargs: {max_gen_toks: 8}
metric_list: [{metric: exact_match}]
"""
COUNT = 12
_DIES_ONCE = """
import os, signal

def score(doc, results):
    if doc["word"] == "word 6" and not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"exact_match": 1.0}
"""


@pytest.fixture(autouse=True)
def settings(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")


class Words:
    """A task of a few words, run against a server that echoes them."""

    def __init__(self, pytester: pytest.Pytester, server: MockServer) -> None:
        self._pytester = pytester
        self.server = server
        rows = [{"word": f"word {n}"} for n in range(COUNT)]
        self._write("test.jsonl", "\n".join(map(json.dumps, rows)))
        self._write("words.yaml", TASK)

    def _write(self, name: str, text: str) -> None:
        (self._pytester.path / name).write_text(text, encoding="utf-8")

    def run(self, *options: str) -> pytest.RunResult:
        arguments = f"model=m,base_url={self.server.url},api_key=k"
        named = ("words.yaml", "--model", "openai", "--model-args", arguments)
        if "-n" in options:
            return self._pytester.runpytest_subprocess(*named, *options)
        return self._pytester.runpytest_inprocess(*named, *options)

    @property
    def folder(self) -> Path:
        (path,) = self._pytester.path.glob("results/m/*/results.json")
        return path.parent

    @property
    def results(self) -> Any:
        return json.loads((self.folder / "results.json").read_bytes())

    @property
    def load(self) -> Any:
        return self.results["load"]

    @property
    def samples(self) -> list[Any]:
        lines = (self.folder / "samples_words.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]

    @property
    def journals(self) -> list[list[Any]]:
        """The times of the samples that each process wrote."""
        found = []
        for path in sorted((self.folder / "journal").glob("*.jsonl")):
            lines = map(json.loads, path.read_text("utf-8").splitlines())
            found.append([line["timing"] for line in lines if "timing" in line])
        return found

    def times(self, name: str) -> list[Any]:
        return [sample["timing"][name] for sample in self.samples]


@pytest.fixture
def words(pytester: pytest.Pytester, mock_server: MockServer) -> Words:
    return Words(pytester, mock_server)


@pytest.mark.parametrize(
    ("options", "most"),
    [
        (("--concurrency", "3"), 3),
        (("--target-concurrency", "3"), 3),
        (("--load-pattern", "synchronous"), 1),
        (("--load-pattern", "max_throughput", "--max-concurrency", "2"), 2),
        (("--load-pattern", "conversation", "--concurrency", "2"), 2),
    ],
)
def test_no_more_are_in_flight_than_the_pattern_says(
    words: Words, options: tuple[str, ...], most: int
) -> None:
    words.server.behaviour = Behaviour(ttft_s=0.02)

    words.run(*options).assert_outcomes(passed=COUNT)

    assert words.server.traffic.peak_in_flight <= most
    load = words.load
    assert load["n_requests"]["successful"] == COUNT
    assert load["load_pattern"]["is_asked"] is True
    # The first token is no sooner than the server sends it.
    assert load["metrics"]["ttft_ms"]["n"] == COUNT
    assert load["metrics"]["ttft_ms"]["min"] >= 20
    assert load["metrics"]["e2el_ms"]["min"] >= load["metrics"]["ttft_ms"]["min"]


def test_all_at_once_waits_for_no_answer(words: Words) -> None:
    words.server.behaviour = Behaviour(ttft_s=0.5)

    words.run("--load-pattern", "max_throughput").assert_outcomes(passed=COUNT)

    assert words.server.traffic.peak_in_flight == COUNT
    assert words.times("planned_at_s") == [words.times("planned_at_s")[0]] * COUNT


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_requests_are_planned_as_the_seed_draws_them(
    words: Words, workers: tuple[str, ...]
) -> None:
    options = ("--load-pattern", "poisson", "--target-qps", "200", "--load-seed", "7")

    words.run(*options, *workers).assert_outcomes(passed=COUNT)

    count = len(words.journals)
    assert count == (2 if workers else 1)
    drawn = arrivals(load_pattern("poisson", target_qps=200), Random(7))
    schedule = [at for at in islice(drawn, COUNT) if at is not None]
    origin = min(words.times("planned_at_s"))
    for number, timings in enumerate(words.journals):
        planned = sorted(one["planned_at_s"] - origin for one in timings)
        # All count from one moment, each the part of it that is its own.
        assert planned == pytest.approx(schedule[number::count], abs=1e-5)
        assert all(one["sent_at_s"] >= one["planned_at_s"] for one in timings)
    assert not list(words.folder.glob("journal/origin-*"))
    assert words.load["load_pattern"]["load_seed"] == 7


def test_a_replacement_keeps_to_the_moments_of_the_schedule_that_are_left(
    pytester: pytest.Pytester, words: Words
) -> None:
    scored = TASK.replace(
        "metric_list", "process_results: !function scoring.score\nmetric_list"
    )
    (pytester.path / "words.yaml").write_text(scored, encoding="utf-8")
    (pytester.path / "scoring.py").write_text(_DIES_ONCE, encoding="utf-8")
    options = ("--load-pattern", "constant", "--target-qps", "40")

    words.run(*options, "-n", "2").assert_outcomes(passed=COUNT)

    assert (pytester.path / "died").exists()
    planned = sorted(words.times("planned_at_s"))
    # Each moment once, as one process plans them, though some passed while it was away.
    since = [moment - planned[0] for moment in planned]
    assert since == pytest.approx([n / 40 for n in range(COUNT)], abs=1e-5)
    queued = words.load["metrics"]["client_queue_ms"]
    assert queued["n"] == COUNT


def test_nobody_waits_for_a_worker_that_has_no_documents(words: Words) -> None:
    options = ("--load-pattern", "constant", "--target-qps", "40", "--limit", "1")

    words.run(*options, "-n", "2").assert_outcomes(passed=1)

    (sent,) = words.times("sent_at_s")
    assert sent < PATIENCE_S


def test_what_a_cap_holds_back_waits_in_the_client(words: Words) -> None:
    # Twenty a second come, and ten a second can go.
    words.server.behaviour = Behaviour(latency_s=0.1)
    options = ("--load-pattern", "constant", "--target-qps", "20")

    words.run(*options, "--max-concurrency", "1").assert_outcomes(passed=COUNT)

    assert words.server.traffic.peak_in_flight == 1
    metrics = words.load["metrics"]
    # The last is planned 50 ms after each before it, and sent at least 100 ms after.
    assert metrics["client_queue_ms"]["max"] >= 50 * (COUNT - 1) - 1
    assert metrics["e2el_including_queue_ms"]["max"] >= 100 + 50 * (COUNT - 1) - 1
    queued = [
        sent - planned
        for sent, planned in zip(
            words.times("sent_at_s"), words.times("planned_at_s"), strict=True
        )
    ]
    assert max(words.times("request_s")) < max(queued) + 0.1


def test_warming_up_is_not_measured_and_begins_otherwise(words: Words) -> None:
    words.run("--concurrency", "2", "--warmup-requests", "5").assert_outcomes(
        passed=COUNT
    )

    asked = [one.body["messages"][0]["content"] for one in words.server.received]
    asked = [one if isinstance(one, str) else one[0]["text"] for one in asked]
    assert len(asked) == COUNT + 5
    assert all(one.startswith("[warm-up ") for one in asked[:5])
    assert len({one.partition("]")[0] for one in asked[:5]}) == 5
    assert not any("warm-up" in one for one in asked[5:])
    assert words.server.traffic.peak_in_flight <= 2
    load = words.load
    assert load["warmup"] == {"requests": 5, "failed": 0}
    assert load["n_requests"]["successful"] == COUNT


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_when_its_time_is_over_a_load_ends_and_says_so(
    words: Words, workers: tuple[str, ...]
) -> None:
    # Nothing is answered in time; what is in flight is cut.
    words.server.behaviour = Behaviour(latency_s=30.0)
    options = ("--concurrency", "4", "--duration", "0.2", "--drain-timeout", "0.1")

    result = words.run(*options, *workers)

    result.assert_outcomes(skipped=COUNT)
    assert words.results["complete"] is False
    load = words.load
    assert load["n_requests"]["incomplete"] == 4
    assert load["n_requests"]["errored"] == 0
    assert load["error_rate"] is None
    assert load["ended"] == "the 0.2 s of --duration are over"
    assert load["metrics"]["e2el_ms"]["n"] == 0
    cut = [one for one in words.samples if "request_status" in one["timing"]]
    assert [one["timing"]["request_status"] for one in cut] == ["incomplete"] * 4
    assert all("no answer within 0.1 s" in one["error"] for one in cut)
    result.stdout.fnmatch_lines(["*it ended, 12 documents were skipped: the 0.2 s*"])


def test_a_failing_server_is_not_asked_for_ever(
    pytester: pytest.Pytester, words: Words
) -> None:
    rows = [{"word": f"word {n}"} for n in range(60)]
    (pytester.path / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    words.server.answer = lambda _: Reply(status=422, text="no")

    result = words.run("--concurrency", "1", "--max-error-rate", "0.5")

    result.assert_outcomes(failed=20, skipped=40)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    load = words.load
    assert load["n_requests"]["errored"] == 20
    assert load["error_rate"] == 1
    assert load["ended"] == ("20 of 20 requests failed, more than --max-error-rate 0.5")
    assert words.server.requests == 20


def test_an_experiment_file_may_say_the_load(
    pytester: pytest.Pytester, words: Words
) -> None:
    lines = ["load_pattern: constant", "target_qps: 200", "goodput: 'e2el:60000'"]
    (pytester.path / "experiment.yaml").write_text("\n".join(lines), encoding="utf-8")

    words.run("--eval-config", "experiment.yaml").assert_outcomes(passed=COUNT)

    pattern = words.load["load_pattern"]
    assert (pattern["name"], pattern["target_qps"]) == ("constant", 200)
    assert words.load["good_request_fraction"] == 1


def test_goals_are_counted(words: Words) -> None:
    words.run("--goodput", "e2el:60000 ttft:60000").assert_outcomes(passed=COUNT)

    assert words.load["good_request_fraction"] == 1
    assert words.load["load_pattern"]["is_asked"] is False


def test_the_figures_stand_on_the_terminal(words: Words) -> None:
    result = words.run("--concurrency", "4")

    result.stdout.fnmatch_lines(
        [
            "load    0 of 12 requests failed (0.0%), load pattern concurrency 4",
            "*requests/s*output tokens/s*at most * in flight",
            "*mean*p50*p90*p95*p99*n",
            "*ttft_ms *",
            "*e2el_ms *",
        ]
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--load-pattern", "poisson"), "the load pattern poisson needs target_qps"),
        (("--target-qps", "5"), "--target-qps needs --load-pattern poisson or"),
        (("--concurrency", "2", "--load-seed", "1"), "--load-seed is for schedules"),
        (("--drain-timeout", "1"), "--drain-timeout has no effect"),
        (("--goodput", "ttfx:1"), "unknown goal 'ttfx'; did you mean"),
        (("--load-pattern", "burst"), "--load-pattern 'burst': must be synchronous,"),
        (("--max-error-rate", "2"), "--max-error-rate '2': must be a share"),
        (
            ("--concurrency", "2", "--max-concurrency", "4"),
            "the load pattern concurrency has no max_concurrency",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    words: Words, options: tuple[str, ...], told: str
) -> None:
    result = words.run(*options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in "\n".join([*result.outlines, *result.errlines])
