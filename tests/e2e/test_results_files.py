from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_KEYS = {
    "results",
    "groups",
    "group_subtasks",
    "configs",
    "versions",
    "n-shot",
    "higher_is_better",
    "n-samples",
    "config",
    "task_hashes",
    "git_hash",
    "date",
    "total_evaluation_time_seconds",
    "schema_version",
    "complete",
    "coverage",
    "errors",
    "gates",
    "usage",
    "throughput",
    "latency",
    "dataset_fingerprints",
    "environment",
}


def everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def without_times(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in sample.items() if key != "timing"}
        for sample in samples
    ]


def test_a_run_leaves_results_samples_report_and_journal(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.run("--model", "oracle")

    (folder,) = arith_suite.folders
    assert folder.parent.name == "oracle"
    assert sorted(path.name for path in folder.iterdir()) == [
        "journal",
        "report.html",
        "results.json",
        "samples_arith.jsonl",
    ]
    assert [path.name for path in (folder / "journal").iterdir()] == ["main.jsonl"]


def test_results_have_the_keys_that_readers_expect(arith_suite: ArithSuite) -> None:
    arith_suite.run("--model", "constant", "--model-args", "text='2'", "--seed", "7")

    results = arith_suite.results()
    assert set(results) >= _KEYS
    assert results["complete"] is True
    assert results["results"]["arith"] == {
        "alias": "arith",
        "samples": 6,
        "sample_len": 6,
        "exact_match,none": pytest.approx(1 / 6),
        "exact_match_stderr,none": pytest.approx(1 / 6),
    }
    assert results["n-samples"] == {"arith": {"original": 6, "effective": 6}}
    assert results["n-shot"] == {"arith": 0}
    assert results["versions"] == {"arith": 1.0}
    assert results["higher_is_better"] == {"arith": {"exact_match": True}}
    assert results["model_name"] == "constant"
    assert results["configs"]["arith"]["doc_to_text"] == "{{question}}="
    assert results["configs"]["arith"]["metadata"]["keywords"] == ["category"]
    assert results["config"]["resolved_cli_args"]["seed"] == 7
    assert results["config"]["resolved_cli_args"]["model_args"] == "text='2'"
    assert len(results["task_hashes"]["arith"]) == 64


def test_results_name_the_part_that_was_selected(arith_suite: ArithSuite) -> None:
    arith_suite.run("--model", "oracle", "--limit", "2")

    results = arith_suite.results()
    assert results["n-samples"] == {"arith": {"original": 6, "effective": 2}}
    assert results["coverage"]["arith"]["selected"] == 2
    assert results["complete"] is True


def test_a_sample_holds_the_evidence(arith_suite: ArithSuite) -> None:
    arith_suite.model(
        "from pytest_evalkit import Usage\n"
        "def answer(request):\n"
        "    return Response(text='2', finish_reason='stop',\n"
        "        usage=Usage(input_tokens=5, output_tokens=1))\n"
    )

    arith_suite.run()

    sample = arith_suite.samples()[1]
    timing = sample.pop("timing")
    assert timing.pop("started_s") >= 0
    assert timing.pop("latency_s") > 0
    # The backend keeps no time.
    assert timing == {
        "request_status": "successful",
        "planned_at_s": None,
        "sent_at_s": None,
        "request_s": None,
    }
    assert len(sample.pop("doc_hash")) == 64
    assert sample == {
        "schema_version": 1,
        "task": "arith",
        "doc_id": 1,
        "item_id": "q1",
        "status": "scored",
        "input": [{"role": "user", "content": "2*1="}],
        "target": "2",
        "filter": "none",
        "filtered_resps": "2",
        "metrics": ["exact_match"],
        "exact_match": 1.0,
        "finish_reason": "stop",
        "token_counts": {
            "input_tokens": 5,
            "output_tokens": 1,
            "reasoning_tokens": None,
            "cached_tokens": None,
        },
        "categories": {"category": "multiply"},
        "attempts": 1,
    }
    assert arith_suite.results()["usage"]["input_tokens"] == 30


def test_raw_answers_are_kept_where_a_filter_changed_them(
    arith_suite: ArithSuite,
) -> None:
    filters = [
        {
            "name": "digits",
            "filter": [
                {"function": "regex", "regex_pattern": r"(\d+)"},
                {"function": "take_first"},
            ],
        },
        {"name": "whole", "filter": [{"function": "take_first"}]},
    ]
    arith_suite.task(filter_list=filters)
    arith_suite.model("def answer(request): return 'It is 2.'")

    arith_suite.run("--limit", "2")

    rows = arith_suite.results()["results"]["arith"]
    samples = arith_suite.samples()
    assert (rows["exact_match,digits"], rows["exact_match,whole"]) == (0.5, 0.0)
    assert [(line["doc_id"], line["filter"]) for line in samples] == [
        (0, "digits"),
        (0, "whole"),
        (1, "digits"),
        (1, "whole"),
    ]
    assert (samples[0]["resps"], samples[0]["filtered_resps"]) == ("It is 2.", "2")
    assert "resps" not in samples[1]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_samples_stand_in_document_order_however_they_ended(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.model(
        "import asyncio\n"
        "async def answer(request):\n"
        "    await asyncio.sleep(0.01 * (6 - request.origin.doc_id))\n"
        "    return target_of(request)\n"
    )

    arith_suite.run(*workers)

    journal = arith_suite.folders[-1] / "journal" / "main.jsonl"
    assert arith_suite.ran() == [f"q{n}" for n in range(6)]
    if not workers:
        lines = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
        ended = [line["doc_id"] for line in lines if "doc_id" in line]
        assert ended == [5, 4, 3, 2, 1, 0]


def test_workers_leave_what_one_process_leaves_but_for_times(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task("more")
    arguments = ("--model", "random", "--model-args", "seed=3", "--repeats", "2")

    arith_suite.run(*arguments)
    arith_suite.run(*arguments, "-n", "2")

    first, second = arith_suite.results(0), arith_suite.results(1)
    same = ("results", "n-samples", "task_hashes", "coverage", "configs", "complete")
    assert {key: first[key] for key in same} == {key: second[key] for key in same}
    for task in ("arith", "more"):
        assert without_times(arith_suite.samples(task, 0)) == without_times(
            arith_suite.samples(task, 1)
        )


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_secret_reaches_no_file(
    arith_suite: ArithSuite, workers: tuple[str, ...]
) -> None:
    arith_suite.write(
        "mine.py",
        "from pytest_evalkit import Response\n"
        "class Mine:\n"
        "    model_name = 'mine'\n"
        "    def __init__(self, *, api_key: str) -> None:\n"
        "        self.api_key = api_key\n"
        "    def describe(self): return {'api_key': self.api_key}\n"
        "    async def generate(self, request): return Response(text='2')\n"
        "    async def aclose(self): pass\n",
    )

    result = arith_suite.run(
        "--model", "mine:Mine", "--model-args", "api_key=sk-secret", *workers
    )

    result.assert_outcomes(passed=6)
    assert b"sk-secret" not in everything_written(arith_suite.root / "results")
    assert "sk-secret" not in result.stdout.str()
    described = arith_suite.results()["config"]["model_description"]
    assert described == {"api_key": "***"}


@pytest.mark.parametrize("is_local", [False, True])
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_what_a_model_tells_once_it_has_answered_is_recorded(
    arith_suite: ArithSuite, workers: tuple[str, ...], *, is_local: bool
) -> None:
    arith_suite.write(
        "mine.py",
        "from pytest_evalkit import Response\n"
        "class Mine:\n"
        "    model_name = 'mine'\n"
        f"    is_local = {is_local}\n"
        "    loaded = None\n"
        "    async def load(self): pass\n"
        "    def describe(self): return {'loaded': self.loaded}\n"
        "    async def generate(self, request):\n"
        "        self.loaded = 'the weights'\n"
        "        return Response(text='2')\n"
        "    async def aclose(self): self.loaded = 'nothing any more'\n",
    )

    arith_suite.run("--model", "mine:Mine", *workers)

    described = arith_suite.results()["config"]["model_description"]
    assert described == {"loaded": "the weights"}


def test_results_go_where_the_user_says(arith_suite: ArithSuite) -> None:
    arith_suite.run("--model", "oracle", "--output-path", "here/and/there")

    assert list(arith_suite.root.glob("here/and/there/oracle/*/results.json"))
    assert not (arith_suite.root / "results").exists()


def test_two_runs_have_two_folders(arith_suite: ArithSuite) -> None:
    arith_suite.run("--model", "oracle")
    arith_suite.run("--model", "oracle")

    assert len(arith_suite.folders) == 2


def test_no_half_written_file_is_left(arith_suite: ArithSuite) -> None:
    arith_suite.run("--model", "oracle")

    assert not list(arith_suite.root.rglob("results/**/.*"))


def test_show_prints_the_table_of_a_finished_run(arith_suite: ArithSuite) -> None:
    arith_suite.run("--model", "oracle", "--gate", "exact_match>=0.5")

    shown = arith_suite.pytester.run("evalkit", "show", str(arith_suite.folders[0]))

    assert shown.ret == 0
    shown.stdout.fnmatch_lines(
        ["oracle", "arith*exact_match*6*1.0000*6/6", "gate pass*exact_match >= 0.5*"]
    )


def test_a_folder_that_cannot_be_written_is_said_in_one_line(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write("taken", "a file")

    result = arith_suite.run("--model", "oracle", "--output-path", "taken")

    text = result.stdout.str() + result.stderr.str()
    assert result.ret not in {0, pytest.ExitCode.INTERNAL_ERROR}
    assert "cannot write" in text
    assert "Traceback" not in text


def test_a_backend_that_cannot_close_leaves_the_results_and_one_line(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write(
        "mine.py",
        "from pytest_evalkit import Response\n"
        "class Mine:\n"
        "    model_name = 'mine'\n"
        "    def describe(self): return {}\n"
        "    async def generate(self, request): return Response(text='2')\n"
        "    async def aclose(self): raise RuntimeError('cannot close')\n",
    )

    result = arith_suite.run_apart("--model", "mine:Mine")

    assert "Traceback" not in result.stdout.str() + result.stderr.str()


_FAILING_DISK = """
import errno, os
def fail(_):
    raise OSError(errno.EIO, os.strerror(errno.EIO))
os.fdatasync = fail
"""


@pytest.mark.parametrize(
    ("workers", "journal"),
    [((), "main"), (("-n", "2"), "gw[01]")],
    ids=["alone", "two"],
)
def test_a_disk_that_does_not_keep_the_journal_fails_the_run(
    arith_suite: ArithSuite, workers: tuple[str, ...], journal: str
) -> None:
    arith_suite.write("conftest.py", _FAILING_DISK)

    result = arith_suite.run_apart("--model", "oracle", *workers)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert arith_suite.results()["coverage"]["arith"]["scored"] == 6
    result.stdout.fnmatch_lines(
        [f"ERROR: cannot write *{journal}.jsonl: Input/output*"]
    )
    assert "Traceback" not in result.stdout.str()
