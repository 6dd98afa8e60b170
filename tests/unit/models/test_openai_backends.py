from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import Any

import pytest

from pytest_evalkit.errors import (
    OptionError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.messages import ImagePart, ImageSource, Message, TextPart
from pytest_evalkit.mockserver import MockServer, Reply, serve_in_thread
from pytest_evalkit.models import make_backend
from pytest_evalkit.models.openai_endpoint import OpenAIEndpoint
from pytest_evalkit.values import (
    Generate,
    GenerationParameters,
    Origin,
    Response,
    Usage,
)


def picture() -> ImageSource:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(stream, format="PNG")
    return ImageSource.of_bytes(stream.getvalue())


def question(**parameters: Any) -> Generate:
    return Generate(
        messages=(Message.of_text("user", "Why?"),),
        parameters=GenerationParameters(**parameters),
    )


def question_on_a_picture() -> Generate:
    parts = (TextPart("What is it? "), ImagePart(picture()), TextPart("Say."))
    return Generate(messages=(Message("user", parts),))


def exchange(
    answer: str | Reply,
    request: Generate,
    name: str = "openai",
    **settings: Any,
) -> tuple[Response, dict[str, Any]]:
    """Ask a mock server; say what it answered and what it was asked."""
    asked: list[dict[str, Any]] = []

    def reply(payload: dict[str, Any]) -> str | Reply:
        asked.append(payload)
        return answer

    async def ask(url: str) -> Response:
        backend = made(name, base_url=url, **settings)
        try:
            return await backend.generate(request)
        finally:
            await backend.aclose()

    with serve_in_thread(MockServer(reply)) as server:
        response = asyncio.run(ask(server.url))
    return response, asked[0]


def made(name: str = "openai", **settings: Any) -> OpenAIEndpoint:
    """Make an endpoint from arguments as the command line gives them."""
    backend = make_backend(name, {"model": "m", **settings})
    assert isinstance(backend, OpenAIEndpoint)
    return backend


def payload_of(request: Generate, **settings: Any) -> dict[str, Any]:
    return asyncio.run(made(**settings).payload(request))


def choice(**fields: Any) -> Reply:
    body = {"choices": [{"index": 0, **fields}]}
    return Reply(body=json.dumps(body).encode())


def test_a_chat_request_says_what_was_asked_for() -> None:
    request = question(
        max_tokens=7, temperature=0.0, top_p=0.9, top_k=3, stop=("a", "b"), seed=5
    )

    _, asked = exchange("Because.", request)

    assert asked == {
        "model": "m",
        "messages": [{"role": "user", "content": "Why?"}],
        "max_tokens": 7,
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 3,
        "stop": ["a", "b"],
        "seed": 5,
    }


def test_what_is_not_asked_for_is_the_backends_own_setting() -> None:
    settings: dict[str, Any] = {
        "max_tokens": 9,
        "max_tokens_field": "max_completion_tokens",
        "temperature": 0.3,
        "seed": None,
        "extra_body": {"reasoning_effort": "low"},
    }

    _, asked = exchange("Because.", question(), **settings)

    assert asked == {
        "model": "m",
        "messages": [{"role": "user", "content": "Why?"}],
        "max_completion_tokens": 9,
        "temperature": 0.3,
        "reasoning_effort": "low",
    }


def test_the_defaults_are_few() -> None:
    _, asked = exchange("Because.", question())

    assert asked["max_tokens"] == 1024
    assert asked["seed"] == 1234
    assert "temperature" not in asked
    assert "stop" not in asked


def test_other_settings_of_the_task_are_sent_by_their_name() -> None:
    _, asked = exchange("Because.", question(extra={"min_p": 0.1}))

    assert asked["min_p"] == 0.1


def test_repeats_of_a_question_have_seeds_of_their_own() -> None:
    def seed_of(repeat: int) -> Any:
        origin = Origin(task="t", doc_id=0, doc={}, repeat=repeat)
        request = Generate(messages=(Message.of_text("user", "Why?"),), origin=origin)
        return payload_of(request)["seed"]

    assert [seed_of(0), seed_of(1), seed_of(2)] == [1234, 1235, 1236]


def test_pictures_are_sent_as_data_urls_in_their_place() -> None:
    _, asked = exchange("It is red.", question_on_a_picture())

    url = asked["messages"][0]["content"][1]["image_url"]["url"]
    kinds = [part["type"] for part in asked["messages"][0]["content"]]
    assert kinds == ["text", "image_url", "text"]
    assert base64.b64decode(url.removeprefix("data:image/png;base64,")) == (
        picture().content
    )


def test_the_chat_payload_is_one_that_openai_describes() -> None:
    from openai.types.chat import ChatCompletionUserMessageParam
    from openai.types.chat.completion_create_params import (
        CompletionCreateParamsNonStreaming,
    )
    from pydantic import TypeAdapter

    request = question(temperature=0.5, top_p=0.9, stop=("a",), seed=1)
    payload = payload_of(request)

    read = TypeAdapter(CompletionCreateParamsNonStreaming).validate_python(payload)
    assert payload.keys() <= CompletionCreateParamsNonStreaming.__annotations__.keys()
    assert read["stop"] == ["a"]
    for message in payload["messages"]:
        TypeAdapter(ChatCompletionUserMessageParam).validate_python(message)


def test_each_part_of_a_message_is_one_that_openai_describes() -> None:
    from openai.types.chat import ChatCompletionContentPartParam
    from pydantic import TypeAdapter

    described: TypeAdapter[Any] = TypeAdapter(ChatCompletionContentPartParam)
    payload = payload_of(question_on_a_picture())

    parts = payload["messages"][0]["content"]

    # The validator drops what it does not know: nothing may be missing afterwards.
    assert [described.validate_python(part) for part in parts] == parts


def test_a_completion_request_carries_the_text_of_all_messages() -> None:
    messages = (Message.of_text("system", "Q: 1\n"), Message.of_text("user", "A:"))
    request = Generate(messages=messages)

    response, asked = exchange(" one", request, "openai-completions")

    assert asked["prompt"] == "Q: 1\nA:"
    assert "messages" not in asked
    assert response.text == " one"


def test_a_completion_endpoint_takes_no_pictures() -> None:
    backend = made("openai-completions")

    with pytest.raises(RequestRejectedError, match="takes no images"):
        asyncio.run(backend.generate(question_on_a_picture()))


@pytest.mark.parametrize("name", ["openai", "openai-completions"])
def test_an_answer_ends_before_the_earliest_stop_text(
    name: str,
) -> None:
    stops = ("1", "2", "3", "4", "five", "six")

    response, asked = exchange(
        Reply(text="so six and five", finish_reason="length"),
        question(stop=stops),
        name,
    )

    assert asked["stop"] == ["1", "2", "3", "4"]
    assert response.text == "so "
    assert response.finish_reason == "stop"


def test_an_answer_without_stop_text_is_left_as_it_is() -> None:
    reply = Reply(text=" all of it\n", finish_reason="length")

    response, _ = exchange(reply, question(stop=("END", "")))

    assert response.text == " all of it\n"
    assert response.finish_reason == "length"


def test_reasoning_and_usage_come_with_the_answer() -> None:
    body = {
        "choices": [
            {
                "message": {"content": "4", "reasoning": "2 + 2"},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 8,
            "completion_tokens_details": {"reasoning_tokens": 6},
            "prompt_tokens_details": {"cached_tokens": 3},
        },
    }

    response, _ = exchange(Reply(body=json.dumps(body).encode()), question())

    assert response.text == "4"
    assert response.reasoning == "2 + 2"
    assert response.usage == Usage(
        input_tokens=10, output_tokens=8, reasoning_tokens=6, cached_tokens=3
    )


def test_usage_that_is_not_told_is_none() -> None:
    response, _ = exchange(choice(message={"content": "4"}), question())

    assert response.usage is None
    assert response.finish_reason is None


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": ""}, ""),
        ({"content": None, "reasoning_content": "hm"}, ""),
        ({"content": None, "refusal": "I will not."}, "I will not."),
        (
            {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            "ab",
        ),
    ],
)
def test_an_answer_may_be_empty_refused_or_in_parts(
    message: dict[str, Any], text: str
) -> None:
    response, _ = exchange(choice(message=message), question())

    assert response.text == text


@pytest.mark.parametrize(
    "fields",
    [
        {"message": {"content": None}, "finish_reason": "content_filter"},
        {"message": {"content": None, "tool_calls": []}},
        {"message": {"content": 5}},
        {"message": None},
        {},
    ],
)
def test_an_answer_without_text_is_no_empty_answer(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestRejectedError, match="text"):
        exchange(choice(**fields), question())


@pytest.mark.parametrize("body", [b"{}", b'{"choices": []}', b'{"choices": [1]}'])
def test_an_answer_without_choices_may_be_asked_for_again(body: bytes) -> None:
    with pytest.raises(TransientModelError, match="no choices"):
        exchange(Reply(body=body), question())


def test_the_time_of_an_answer_is_that_of_its_exchange() -> None:
    response, _ = exchange(Reply(text="late", delay_s=0.05), question())

    assert response.timing is not None
    assert 0.05 <= response.timing.latency_s < 5


@pytest.mark.parametrize(
    "url", ["/", "/chat/completions", "/chat/completions/", "/completions", ""]
)
def test_the_base_url_may_end_in_the_path_of_a_method(url: str) -> None:
    backend = made(base_url=f"http://h:1/v1{url}")

    assert backend.describe()["base_url"] == "http://h:1/v1"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_url": "localhost:8000/v1"}, "base_url must be"),
        ({"base_url": "https://"}, "base_url must be"),
        ({"max_tokens": 0}, "at least 1"),
        ({"extra_body": {"stream": True}}, "'stream'"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(OptionError, match=said):
        made(**settings)


def authorization_of(**settings: Any) -> str | None:
    headers = made(**settings).connection.all_headers()
    return {name.lower(): value for name, value in headers.items()}.get("authorization")


def test_the_key_comes_from_the_argument_or_else_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-env")

    assert authorization_of(api_key="given") == "Bearer given"
    assert authorization_of() == "Bearer from-env"
    assert authorization_of(headers={"authorization": "Basic x"}) == "Basic x"


@pytest.mark.parametrize("key", ["", None])
def test_without_a_key_no_empty_bearer_is_sent(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    assert authorization_of(api_key=key) is None


def test_no_secret_is_described_or_shown() -> None:
    backend = made(
        api_key="hush",
        base_url="http://me:hush@h/v1",
        headers={"X-Api-Key": "hush", "X-Team": "red"},
        extra_body={"user_token": "hush"},
    )

    described = backend.describe()

    assert described["headers"] == {"X-Api-Key": "***", "X-Team": "***"}
    assert described["model"] == "m"
    assert described["max_tokens"] == 1024
    assert "hush" not in json.dumps(described)
