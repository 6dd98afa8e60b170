from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.mockserver import MockServer, Reply, serve_in_thread
from pytest_evalkit.mockserver.answers import calling_tools, echo

if TYPE_CHECKING:
    from openai import OpenAI

TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "look_up",
            "parameters": {
                "type": "object",
                "properties": {"text": {"type": "string"}},
                "required": ["text"],
            },
        },
    }
]
QUESTION: list[Any] = [{"role": "user", "content": "one two three"}]


@pytest.fixture
def server() -> Iterator[MockServer]:
    with serve_in_thread(MockServer(echo)) as running:
        yield running


@pytest.fixture
def client(server: MockServer) -> Iterator[OpenAI]:
    from openai import OpenAI

    with OpenAI(base_url=server.url, api_key="k", max_retries=0) as made:
        yield made


def test_it_gets_an_answer(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="m", messages=QUESTION)

    assert answer.choices[0].message.content == "one two three"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


def test_it_lists_the_models(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["mock"]


def test_it_reads_a_stream(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="m",
        messages=QUESTION,
        stream=True,
        stream_options={"include_usage": True},
    )

    chunks = list(stream)

    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    reasons = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert texts == ["", "one ", "two ", "three", None]
    assert reasons == [None, None, None, None, "stop"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 6


def test_it_puts_a_streamed_answer_together_itself(client: OpenAI) -> None:
    with client.chat.completions.stream(model="m", messages=QUESTION) as stream:
        answer = stream.get_final_completion()

    assert answer.choices[0].message.content == "one two three"


def test_it_reads_a_streamed_text(client: OpenAI) -> None:
    stream = client.completions.create(model="m", prompt="one two", stream=True)

    assert [chunk.choices[0].text for chunk in stream] == ["one ", "two", ""]


def test_it_reads_tool_calls(client: OpenAI, server: MockServer) -> None:
    server.answer = calling_tools(echo)

    answer = client.chat.completions.create(model="m", messages=QUESTION, tools=TOOLS)

    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    assert call.function.name == "look_up"
    assert call.function.arguments == '{"text":"one two three"}'


def test_it_puts_streamed_tool_calls_together(
    client: OpenAI, server: MockServer
) -> None:
    calls = (
        ToolCallPart(id="c1", name="look_up", arguments='{"text": "something long"}'),
        ToolCallPart(id="c2", name="look_up", arguments="{}"),
    )
    server.answer = lambda _: Reply(tool_calls=calls)

    with client.chat.completions.stream(
        model="m", messages=QUESTION, tools=TOOLS
    ) as stream:
        answer = stream.get_final_completion()

    called = answer.choices[0].message.tool_calls
    assert called is not None
    assert [(c.id, c.function.name, c.function.arguments) for c in called] == [
        (call.id, call.name, call.arguments) for call in calls
    ]
    assert answer.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("stream", [False, True])
def test_it_reads_logprobs(stream: bool, client: OpenAI) -> None:
    fields: dict[str, Any] = {"model": "m", "messages": QUESTION, "stream": stream}

    answer = client.chat.completions.create(**fields, logprobs=True, top_logprobs=2)

    chunks = list(answer) if stream else [answer]
    told = [
        one
        for chunk in chunks
        if chunk.choices[0].logprobs
        for one in chunk.choices[0].logprobs.content
    ]
    assert "".join(one.token for one in told) == "one two three"
    assert all(one.logprob < 0 for one in told)
    assert {len(one.top_logprobs) for one in told} == {2}


def test_it_understands_errors(client: OpenAI, server: MockServer) -> None:
    import openai

    server.answer = lambda _: Reply(status=429, text="busy")

    with pytest.raises(openai.RateLimitError, match="busy"):
        client.chat.completions.create(model="m", messages=QUESTION)


def test_its_asynchronous_face_works_too(server: MockServer) -> None:
    from openai import AsyncOpenAI

    async def ask() -> tuple[str | None, list[str | None]]:
        async with AsyncOpenAI(base_url=server.url, api_key="k") as client:
            whole = await client.chat.completions.create(model="m", messages=QUESTION)
            stream = await client.chat.completions.create(
                model="m", messages=QUESTION, stream=True
            )
            texts = [chunk.choices[0].delta.content async for chunk in stream]
            return whole.choices[0].message.content, texts

    assert asyncio.run(ask()) == (
        "one two three",
        ["", "one ", "two ", "three", None],
    )
