"""Runs whose model calls tools, and runs whose documents have pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.mockserver import MockServer, Reply, serve_in_thread

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

SERVER = Path(__file__).parents[1] / "unit" / "tools" / "mcp_server.py"

VISUALS = """
from PIL import Image

def grey(doc):
    return [Image.new("RGB", (640, 480), (doc["grey"],) * 3)]
"""


def calculating(payload: Mapping[str, Any]) -> Reply:
    """Have the tool add up, then say the sum; products are known by heart."""
    last = payload["messages"][-1]
    if last["role"] == "tool":
        assert last["tool_call_id"] == "call-1"
        return Reply(text=last["content"])
    left, sign, right = last["content"].removesuffix("=").partition("+")
    if not sign:
        left, _, right = left.partition("*")
        return Reply(text=str(int(left) * int(right)))
    assert any(tool["function"]["name"] == "add" for tool in payload["tools"])
    arguments = f'{{"a": {left}, "b": {right}}}'
    return Reply(tool_calls=(ToolCallPart("call-1", "add", arguments),))


def seeing(payload: Mapping[str, Any]) -> str:
    """Say how bright the picture is."""
    from PIL import Image

    url = payload["messages"][-1]["content"][0]["image_url"]["url"]
    content = base64.b64decode(url.split(",")[1])
    with Image.open(io.BytesIO(content)) as image:
        return f"{image.format} {image.width} {image.convert('L').getpixel((9, 9))}"


@pytest.fixture
def calculator() -> Iterator[str]:
    pytest.importorskip("mcp")
    with serve_in_thread(MockServer(calculating)) as server:
        yield server.url


@pytest.fixture
def viewer() -> Iterator[str]:
    with serve_in_thread(MockServer(seeing)) as server:
        yield server.url


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_tools_are_called_and_the_transcript_is_kept(
    arith_suite: ArithSuite, calculator: str, workers: tuple[str, ...]
) -> None:
    model_args = f"model=m,base_url={calculator},mcp_server='{SERVER}'"

    result = arith_suite.run("--model=openai", "--model-args", model_args, *workers)

    assert result.ret == 0, result.stdout.str()
    assert arith_suite.score() == 1.0
    added, multiplied = sorted(
        arith_suite.samples(), key=lambda sample: int(sample["doc_id"])
    )[2:4]
    call = {
        "type": "tool_call",
        "id": "call-1",
        "name": "add",
        "arguments": '{"a": 2, "b": 2}',
    }
    answer = {"type": "tool_result", "tool_call_id": "call-1", "content": "4"}
    assert added["transcript"] == [
        {"role": "assistant", "content": [call]},
        {"role": "tool", "content": [answer]},
    ]
    assert added["filtered_resps"] == "4"
    assert "transcript" not in multiplied
    assert len(added["request_latency_s"]) == 2
    assert multiplied["request_latency_s"] > 0
    assert arith_suite.results()["latency"]["requests"] == 9


def test_a_model_that_goes_on_calling_tools_is_told_in_the_sample(
    arith_suite: ArithSuite,
) -> None:
    pytest.importorskip("mcp")
    reply = Reply(tool_calls=(ToolCallPart("c", "count", "{}"),))

    with serve_in_thread(MockServer(lambda _: reply)) as server:
        arith_suite.run(
            "--model=openai",
            "--limit=1",
            "--model-args",
            f"model=m,base_url={server.url},mcp_server='{SERVER}',max_tool_turns=2",
        )

    (sample,) = arith_suite.samples()
    assert sample["notes"] == ["the model still called tools after max_tool_turns=2"]
    assert [message["role"] for message in sample["transcript"]] == [
        "assistant",
        "tool",
    ] * 2
    assert sample["tool_calls"] == [
        {"type": "tool_call", "id": "c", "name": "count", "arguments": "{}"}
    ]
    assert sample["exact_match"] == 0.0


def test_tools_that_cannot_be_had_stop_the_run_with_one_line(
    arith_suite: ArithSuite, calculator: str
) -> None:
    model_args = f"model=m,base_url={calculator},mcp_server=no-such-command"

    result = arith_suite.run("--model=openai", "--model-args", model_args)

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*cannot use the MCP server 'no-such-command'*"])
    assert "Traceback" not in result.stdout.str()


def test_cases_in_python_have_the_tools_too(
    arith_suite: ArithSuite, calculator: str
) -> None:
    arith_suite.write(
        "test_case.py", "def test_sum(model):\n    assert model.ask('20+22=') == '42'\n"
    )
    model_args = f"model=m,base_url={calculator},mcp_server='{SERVER}'"

    result = arith_suite.run(
        "test_case.py", "--model=openai", "--model-args", model_args
    )

    result.assert_outcomes(passed=1)


def picture_task(suite: ArithSuite, answer: str) -> None:
    rows = [
        {"id": f"p{grey}", "grey": grey, "answer": answer.format(grey=grey)}
        for grey in (0, 100, 200)
    ]
    path = suite.task(rows=rows, doc_to_text="How bright?", metadata={"version": 1.0})
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}doc_to_visual: !function sights.grey\n", encoding="utf-8")
    suite.write("arith/sights.py", VISUALS)


def test_pictures_of_a_function_are_sent_as_they_are(
    arith_suite: ArithSuite, viewer: str
) -> None:
    picture_task(arith_suite, "PNG 640 {grey}")

    result = arith_suite.run(
        "--model=openai", f"--model-args=model=m,base_url={viewer}"
    )

    assert result.ret == 0, result.stdout.str()
    assert arith_suite.score() == 1.0
    sample = arith_suite.samples()[0]
    assert sample["input"][0]["content"][0]["mime"] == "image/png"
    assert "notes" not in sample


def test_pictures_that_were_made_smaller_are_said_in_the_sample(
    arith_suite: ArithSuite, viewer: str
) -> None:
    picture_task(arith_suite, "JPEG 40 {grey}")
    arguments = "image_format=jpeg,image_max_pixels=1200"

    result = arith_suite.run(
        "--model=openai", f"--model-args=model=m,base_url={viewer},{arguments}"
    )

    assert result.ret == 0, result.stdout.str()
    assert arith_suite.score() == 1.0
    (note,) = arith_suite.samples()[0]["notes"]
    assert note.startswith("an image of 640x480 was sent as jpeg of 40x30, ")


def test_an_unknown_message_format_is_one_line(arith_suite: ArithSuite) -> None:
    result = arith_suite.run(
        "--model=openai", "--model-args=model=m,message_format=qwen3vl"
    )

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: *unknown message_format 'qwen3vl'; did you mean 'qwen3_vl'?"]
    )
