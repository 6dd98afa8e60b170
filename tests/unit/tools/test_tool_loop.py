from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from pytest_evalkit.errors import TransientModelError
from pytest_evalkit.messages import (
    ImagePart,
    ImageSource,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pytest_evalkit.tools import CallTool, ToolResult, tool_loop
from pytest_evalkit.values import (
    Generate,
    Recalled,
    Response,
    Timing,
    Tool,
    Usage,
)

ADD = Tool(name="add", description="Add numbers.", parameters={"type": "object"})
QUESTION = Generate(messages=(Message.of_text("user", "1+1?"),), tools=(ADD,))


def calling(*arguments: str, name: str = "add", **fields: Any) -> Response:
    calls = tuple(
        ToolCallPart(f"c{number}", name, text) for number, text in enumerate(arguments)
    )
    return Response(text="", tool_calls=calls, finish_reason="tool_calls", **fields)


def conclusion(flow: Any, value: Any) -> Response:
    with pytest.raises(StopIteration) as ended:
        flow.send(value)
    response: Response = ended.value.value
    return response


def test_an_answer_without_tools_is_the_answer() -> None:
    flow = tool_loop(QUESTION, 8)
    answer = Response(text="2", attempts=2)

    assert next(flow) == (QUESTION,)
    assert conclusion(flow, [answer]) == answer


def test_a_result_goes_back_with_the_id_of_its_call() -> None:
    flow = tool_loop(QUESTION, 8)
    next(flow)

    asked = flow.send([calling('{"a": 1, "b": 1}')])
    again = flow.send([ToolResult(text="2")])

    assert asked == [CallTool(name="add", arguments={"a": 1, "b": 1})]
    call = ToolCallPart("c0", "add", '{"a": 1, "b": 1}')
    transcript = (
        Message("assistant", (call,)),
        Message("tool", (ToolResultPart("c0", "2"),)),
    )
    assert again == (
        Generate(messages=QUESTION.messages + transcript, tools=QUESTION.tools),
    )
    answer = conclusion(flow, [Response(text="It is 2.")])
    assert answer.text == "It is 2."
    assert answer.transcript == transcript
    assert answer.notes == ()


def test_calls_of_one_response_are_made_together_and_answered_in_order() -> None:
    flow = tool_loop(QUESTION, 8)
    next(flow)

    asked = flow.send([calling('{"a": 1}', "[", '{"a": 3}')])
    (again,) = flow.send([ToolResult(text="one"), ToolResult(text="three")])

    assert asked == [
        CallTool(name="add", arguments={"a": 1}),
        CallTool(name="add", arguments={"a": 3}),
    ]
    assert isinstance(again, Generate)
    results = [message.parts[0] for message in again.messages[2:]]
    assert results[0] == ToolResultPart("c0", "one")
    assert isinstance(results[1], ToolResultPart)
    assert results[1].content.startswith("error: the arguments are not JSON")
    assert results[2] == ToolResultPart("c2", "three")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("[1]", "error: the arguments must be a JSON object"),
        ("__import__('os').getcwd()", "error: the arguments are not JSON"),
        ('{"a": ', "error: the arguments are not JSON"),
    ],
)
def test_wrong_arguments_are_told_to_the_model(arguments: str, told: str) -> None:
    flow = tool_loop(QUESTION, 8)
    next(flow)

    (again,) = flow.send([calling(arguments)])

    assert isinstance(again, Generate)
    (result,) = again.messages[-1].parts
    assert isinstance(result, ToolResultPart)
    assert result.content.startswith(told)


def test_no_arguments_are_no_arguments() -> None:
    flow = tool_loop(QUESTION, 8)
    next(flow)

    assert flow.send([calling("")]) == [CallTool(name="add", arguments={})]


def test_a_tool_that_there_is_not_is_told_with_the_nearest() -> None:
    flow = tool_loop(QUESTION, 8)
    next(flow)

    (again,) = flow.send([calling("{}", name="ad")])

    assert isinstance(again, Generate)
    told = "error: there is no tool 'ad'; did you mean 'add'?"
    assert again.messages[-1].parts == (ToolResultPart("c0", told),)


def test_what_the_model_says_beside_a_call_is_kept() -> None:
    flow = tool_loop(QUESTION, 8)
    next(flow)
    call = ToolCallPart("c", "add", "{}")

    flow.send([Response(text="Let me see.", tool_calls=(call,))])
    (again,) = flow.send([ToolResult(text="2")])

    assert isinstance(again, Generate)
    assert again.messages[1] == Message("assistant", (TextPart("Let me see."), call))


def test_images_of_results_follow_them() -> None:
    image = ImageSource.of(b"\x89PNG\r\n\x1a\n")
    flow = tool_loop(QUESTION, 8)
    next(flow)

    flow.send([calling("{}", "{}")])
    (again,) = flow.send(
        [ToolResult(text="see", images=(image,)), ToolResult(text="two")]
    )

    assert isinstance(again, Generate)
    assert again.messages[2:] == (
        Message("tool", (ToolResultPart("c0", "see\n(an image follows)"),)),
        Message("tool", (ToolResultPart("c1", "two"),)),
        Message("user", (ImagePart(image),)),
    )


def test_after_the_last_turn_the_response_is_taken_as_it_is() -> None:
    flow = tool_loop(QUESTION, 2)
    next(flow)
    for _ in range(2):
        flow.send([calling("{}")])
        flow.send([ToolResult(text="2")])

    answer = conclusion(flow, [calling("{}")])

    assert answer.text == ""
    assert answer.finish_reason == "tool_calls"
    assert len(answer.transcript) == 4
    assert answer.notes == ("the model still called tools after max_tool_turns=2",)


def test_tokens_are_added_up_and_the_most_attempts_count() -> None:
    flow = tool_loop(QUESTION, 8)
    next(flow)
    first = Usage(input_tokens=10, output_tokens=2, reasoning_tokens=None)
    second = Usage(input_tokens=14, output_tokens=3, reasoning_tokens=1)

    flow.send([calling("{}", usage=first, attempts=3, notes=("a",))])
    flow.send([ToolResult(text="2")])
    answer = conclusion(flow, [Response(text="2", usage=second, notes=("a", "b"))])

    assert answer.usage == Usage(input_tokens=24, output_tokens=5, reasoning_tokens=1)
    assert answer.attempts == 3
    assert answer.notes == ("a", "b")


def test_a_request_without_an_answer_ends_the_loop() -> None:
    flow = tool_loop(QUESTION, 8)
    next(flow)

    with pytest.raises(TransientModelError):
        flow.throw(TransientModelError("no answer"))


def test_the_latencies_of_all_responses_are_told() -> None:
    flow = tool_loop(QUESTION, 8)
    next(flow)
    flow.send([calling("{}", timing=Timing(started_at=1.0, latency_s=0.5))])
    flow.send([ToolResult(text="2")])

    last = Timing(started_at=3.0, latency_s=0.25, ttft_s=0.125)
    answer = conclusion(flow, [Response(text="2", timing=last)])

    assert answer.timing == replace(last, turns_s=(0.5, 0.25))


def test_only_what_was_asked_took_time_where_the_rest_was_recalled() -> None:
    usage = Usage(input_tokens=4, output_tokens=1)
    recalled = Recalled(requests=1, usage=usage, latency_s=2.0)
    timing = Timing(started_at=3.0, latency_s=0.5, ttft_s=0.25)

    flow = tool_loop(QUESTION, 8)
    next(flow)
    flow.send([calling("{}", usage=usage, timing=timing)])
    flow.send([ToolResult(text="2")])
    last = Response(text="2", usage=usage, attempts=0, recalled=recalled)
    answer = conclusion(flow, [last])

    assert answer.timing == Timing(started_at=3.0, latency_s=0.5, turns_s=(0.5,))
    assert answer.recalled == recalled
    assert answer.usage == Usage(input_tokens=8, output_tokens=2)
    assert answer.attempts == 1
