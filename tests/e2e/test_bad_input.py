from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

COLLECTION_ERROR = pytest.ExitCode.INTERRUPTED


def assert_one_clear_line(
    result: pytest.RunResult, status: int, *lines: str, most: int = 25
) -> None:
    text = result.stdout.str() + result.stderr.str()
    result_lines = result.stdout if status != 4 else result.stderr
    assert result.ret == status
    result_lines.fnmatch_lines(list(lines))
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    assert len(text.splitlines()) <= most


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--model", "orcale"], "*unknown model 'orcale'; did you mean 'oracle'?*"),
        (["--model", "no.such:Class"], "*cannot import 'no.such:Class'*"),
        (
            ["--model", "constant", "--model-args", "texte=1"],
            "*model 'constant' takes no argument 'texte'; did you mean 'text'?*",
        ),
        (
            ["--model", "random", "--model-args", "seed=much"],
            "*argument 'seed' of model 'random' must be int, got 'much'*",
        ),
        (["--model", "replay"], "*model 'replay' needs --model-args path=...*"),
        (
            ["--model", "replay", "--model-args", "path=nowhere.jsonl"],
            "*nowhere.jsonl*",
        ),
        (["--shard", "0/3"], "*--shard '0/3': must be I/N with 1 <= I <= N*"),
        (["--shard", "4/3"], "*--shard '4/3': must be I/N*"),
        (["--shard", "half"], "*--shard 'half': must be I/N*"),
        (["--limit", "0"], "*--limit '0': must be a count of documents, or a share*"),
        (["--limit", "-2"], "*--limit '-2': must be a count*"),
        (["--limit", "1.5"], "*--limit '1.5': must be a count*"),
        (["--limit", "nan"], "*--limit 'nan': must be a count*"),
        (["--limit", "inf"], "*--limit 'inf': must be a count*"),
        (["--limit", "few"], "*--limit 'few': must be a count*"),
        (["--offset", "-1"], "*--offset '-1': must be a count of documents, 0 or*"),
        (["--repeats", "0"], "*--repeats '0': must be a count, 1 or more*"),
        (["--max-concurrency", "0"], "*--max-concurrency '0': must be a count*"),
        (["--max-errors", "x"], "*--max-errors 'x': must be a count*"),
        (["--request-timeout", "0"], "*--request-timeout '0': must be seconds*"),
        (["--request-timeout", "nan"], "*--request-timeout 'nan': must be seconds*"),
        (["--reasoning-tags", "[1]"], "*reasoning tags are*or pairs such as*not '?1?'"),
        (["--gen-kwargs", "temperature"], "*temperature*"),
        (["--gen-kwargs", "until"], "*until*"),
        (["--data-dir", "nowhere"], "*nowhere is not a folder*"),
        (["--include-path", "nowhere"], "*nowhere is not a folder*"),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    arith_suite: ArithSuite, arguments: list[str], line: str
) -> None:
    result = arith_suite.run(*arguments)

    assert_one_clear_line(result, pytest.ExitCode.USAGE_ERROR, line, most=6)
    assert not (arith_suite.root / "results").exists()


def test_an_underscored_option_is_the_same_option(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--model", "constant", "--model_args", "texte=1")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*takes no argument 'texte'*"])


def test_a_yaml_that_is_no_task_is_told_when_it_is_named(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.write("compose.yaml", "services: {}\n")

    result = arith_suite.run("--model", "oracle", "compose.yaml")

    assert_one_clear_line(
        result, COLLECTION_ERROR, "*compose.yaml: has no task: key, which names*"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("task: [unclosed\n", "*broken.yaml:*is not YAML*"),
        ("- a\n- b\n", "*broken.yaml: a task file is a mapping*"),
        ("task: broken\ninclude: gone.yaml\n", "*broken.yaml:2: include: gone.yaml*"),
        ("task: broken\ninclude: broken.yaml\n", "*broken.yaml:2: *includes itself*"),
    ],
)
def test_a_broken_task_file_is_told_with_its_line(
    arith_suite: ArithSuite, text: str, line: str
) -> None:
    arith_suite.write("broken.yaml", text)

    result = arith_suite.run("--model", "oracle", "broken.yaml")

    assert_one_clear_line(result, COLLECTION_ERROR, line)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (
            {"doc_to_txt": "x"},
            "*arith.yaml:17: unknown key 'doc_to_txt'; did you mean 'doc_to_text'?",
        ),
        (
            {"doc_to_text": "{{quest}}"},
            "*arith.yaml:*no column 'quest'; did you mean 'question'?",
        ),
        ({"doc_to_target": "anwser"}, "*arith.yaml:*anwser*answer*"),
        (
            {"metric_list": [{"metric": "exact_macht"}]},
            "*arith.yaml:*exact_macht*exact_match*",
        ),
        (
            {"metadata": {"keywords": ["subject"]}},
            "*arith.yaml:*no column 'subject'*",
        ),
        (
            {"dataset_kwargs": {"data_files": {"test": "tset.jsonl"}}},
            "*arith.yaml:*data file *tset.jsonl does not exist; did you mean 'test.*",
        ),
        ({"test_split": "dev"}, "*arith.yaml:*no split 'dev'; valid: test"),
        ({"output_type": "generate_untl"}, "*arith.yaml:*did you mean 'generate_un*"),
        ({"use_prompt": "a:b"}, "*arith.yaml:*use_prompt is not supported: *"),
        ({"gate": [{"metric": "a", "minn": 1}]}, "*arith.yaml:*minn*did you mean*"),
        (
            {"filter_list": [{"name": "a", "filter": [{"function": "regx"}]}]},
            "*arith.yaml:*regx*regex*",
        ),
    ],
)
def test_a_wrong_task_file_is_told_with_the_nearest_name(
    arith_suite: ArithSuite, keys: dict[str, Any], line: str
) -> None:
    arith_suite.task(**keys)

    result = arith_suite.run("--model", "oracle")

    assert_one_clear_line(result, COLLECTION_ERROR, line)


def test_a_wrong_task_leaves_others_to_be_run_on_request(
    arith_suite: ArithSuite,
) -> None:
    arith_suite.task("broken", doc_to_text="{{quest}}")

    result = arith_suite.run("--model", "oracle", "--continue-on-collection-errors")

    assert result.ret == 1
    assert arith_suite.score() == 1.0


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "utils.scroe",
            "*arith.yaml:*!function utils.scroe: utils has no 'scroe'*'score'*",
        ),
        ("utlis.score", "*arith.yaml:*no module utlis beside the file*'utils'?*"),
        ("broken.score", "*arith.yaml:*importing broken failed: NameError*"),
    ],
)
def test_a_missing_function_is_told_with_its_line(
    arith_suite: ArithSuite, name: str, line: str
) -> None:
    arith_suite.write("arith/utils.py", "def score(doc, results): return {}\n")
    arith_suite.write("arith/broken.py", "undefined_name\n")
    path = arith_suite.task()
    text = path.read_text("utf-8") + f"process_results: !function {name}\n"
    path.write_text(text, encoding="utf-8")

    result = arith_suite.run("--model", "oracle")

    assert_one_clear_line(result, COLLECTION_ERROR, line)


def test_a_missing_dataset_is_told_with_the_paths_and_the_remedies(
    arith_suite: ArithSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (arith_suite.root / "mirror").mkdir()
    arith_suite.task(dataset_path="nobody/nothing", dataset_kwargs=None)

    result = arith_suite.run_apart("--model", "oracle", "--data-dir", "mirror")

    text = result.stdout.str()
    assert_one_clear_line(result, COLLECTION_ERROR, "*arith.yaml:*nobody/nothing*")
    assert "mirror/nobody/nothing" in text
    assert "--data-dir" in text
    assert "--sample" in text


def test_a_sample_that_there_is_not_is_told(arith_suite: ArithSuite) -> None:
    result = arith_suite.run("--model", "oracle", "--sample")

    assert_one_clear_line(
        result,
        COLLECTION_ERROR,
        "*no sample of split 'test'; looked for test.jsonl in*",
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_an_unreachable_server_stops_the_run_once(arith_suite: ArithSuite) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"

    result = arith_suite.run(
        "--model", "openai", "--model-args", f"model=m,base_url={url}"
    )

    text = result.stdout.str()
    assert result.ret not in {0, pytest.ExitCode.INTERNAL_ERROR}
    assert "Traceback" not in text
    assert text.count(url.removesuffix("/v1").removeprefix("http://")) == 1
    result.assert_outcomes()
    assert arith_suite.results()["complete"] is False
