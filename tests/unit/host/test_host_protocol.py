"""What clients of the OpenAI protocol get from a host: our own, and the official one."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.messages import ImagePart, ImageSource, Message, TextPart
from pytest_evalkit.models import Backend, MockBackend, make_backend
from pytest_evalkit.models.backend import respond
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    GenerationParameters,
    Loglikelihood,
    Request,
    Response,
    RollingLoglikelihood,
    TokenLogprob,
    Tool,
)

if TYPE_CHECKING:
    from tests.unit.host.conftest import Letters, Serve


def ask(backend: Backend, request: Request) -> AnyResponse:
    async def asked() -> AnyResponse:
        try:
            return await respond(backend, request)
        finally:
            await backend.aclose()

    return asyncio.run(asked())


def client(name: str, url: str, model: str = "letters", **settings: Any) -> Backend:
    return make_backend(name, {"model": model, "base_url": url, **settings})


def said(text: str, **parameters: Any) -> Generate:
    return Generate(
        messages=(Message.of_text("user", text),),
        parameters=GenerationParameters(**parameters),
    )


def exchange(
    url: str, method: str, path: str, payload: Mapping[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    place = urlsplit(url)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        body = None if payload is None else json.dumps(payload)
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_chat_is_answered_with_all_that_was_asked(
    letters: Letters, serve: Serve
) -> None:
    picture = io.BytesIO()
    from PIL import Image

    Image.new("RGB", (8, 8), "red").save(picture, format="PNG")
    source = ImageSource.of_bytes(picture.getvalue())
    request = Generate(
        messages=(
            Message.of_text("system", "Be brief."),
            Message("user", (TextPart("So?"),), name="ann"),
            Message("assistant", (TextPart("So."),), reasoning="Hm."),
            Message("user", (ImagePart(source), TextPart("hello"))),
        ),
        parameters=GenerationParameters(
            max_tokens=7, temperature=0.5, top_k=3, stop=("x", "y"), seed=11
        ),
        tools=(
            Tool(name="look", description="Looks.", parameters={"type": "object"}),
            Tool(name="see", description="", parameters={}, is_strict=True),
        ),
    )

    response = ask(client("openai", serve(letters)), request)

    (asked,) = letters.asked
    assert isinstance(response, Response)
    assert (response.text, response.finish_reason) == ("HELLO", "stop")
    assert asked.messages == request.messages
    assert asked.parameters == request.parameters
    assert asked.tools == request.tools


@pytest.mark.parametrize("name", ["openai", "openai-completions"])
def test_a_stream_adds_up_to_the_answer(
    letters: Letters, serve: Serve, name: str
) -> None:
    backend = client(name, serve(letters), stream=True)

    response = ask(backend, said("hello", max_tokens=3))

    assert isinstance(response, Response)
    assert response.text == ("HELLO" if name == "openai" else "eee")
    assert response.timing is not None
    assert response.timing.n_chunks == 1


def test_a_model_without_completions_is_told_the_text_by_the_user(
    serve: Serve,
) -> None:
    url = serve(MockBackend(lambda request: f"<{request.messages[0].text}>"))
    backend = client("openai-completions", url, model="mock", tokenizer="none")

    response = ask(backend, said("hello"))

    assert isinstance(response, Response)
    assert response.text == "<hello>"


@pytest.mark.parametrize(
    "request_",
    [
        Loglikelihood(context="the", continuation=" tree"),
        Loglikelihood(context="a", continuation="ee"),
        RollingLoglikelihood(text="trees"),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"batch_size": 4}])
def test_likelihoods_through_echo_are_those_of_the_models_tokens(
    letters: Letters, serve: Serve, request_: Request, settings: dict[str, Any]
) -> None:
    settings = {"custom_prefix_token_id": ord("^"), **settings}
    backend = client("openai-completions", serve(letters), **settings)

    response = ask(backend, request_)

    own = asyncio.run(_own(letters, request_))
    assert not isinstance(response, Response)
    assert response.is_greedy == own.is_greedy
    assert response.n_tokens == own.n_tokens
    if isinstance(request_, Loglikelihood):
        assert response.logprob == pytest.approx(own.logprob)


async def _own(letters: Letters, request: Request) -> Any:
    return await respond(letters, request)


def test_likelihoods_of_texts_need_no_token_ids(letters: Letters, serve: Serve) -> None:
    request = Loglikelihood(context="the", continuation=" tree")
    backend = client("openai-completions", serve(letters), tokenizer="none")

    response = ask(backend, request)

    own = asyncio.run(_own(letters, request))
    assert not isinstance(response, Response)
    assert response.logprob == pytest.approx(own.logprob)


def test_the_official_client_reads_chat_completions_and_models(
    letters: Letters, serve: Serve
) -> None:
    import openai

    with openai.OpenAI(base_url=serve(letters), api_key="k") as official:
        models = [model.id for model in official.models.list()]
        answer = official.chat.completions.create(
            model="letters", messages=[{"role": "user", "content": "hi"}]
        )
        completion = official.completions.create(
            model="letters", prompt=["ab", "c"], max_tokens=2, echo=True, logprobs=1
        )

    assert models == ["letters"]
    assert answer.choices[0].message.content == "HI"
    assert [choice.text for choice in completion.choices] == ["abee", "cee"]
    logprobs = completion.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.tokens == ["a", "b", "e", "e"]
    assert logprobs.text_offset == [0, 1, 2, 3]
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 3
    assert completion.usage.completion_tokens == 4


def test_a_prompt_that_is_only_echoed_generates_nothing(
    letters: Letters, serve: Serve
) -> None:
    payload = {"prompt": [97, 98], "max_tokens": 0, "echo": True, "logprobs": 0}

    status, answer = exchange(serve(letters), "POST", "/v1/completions", payload)

    (choice,) = answer["choices"]
    assert status == 200
    assert choice["text"] == "ab"
    assert choice["logprobs"]["token_logprobs"] == [
        None,
        pytest.approx(-(1 + ord("b") % 5 + 0.25)),
    ]


def test_logprobs_of_an_answer_reach_the_client(serve: Serve) -> None:
    token = TokenLogprob(token="a", logprob=-0.5, top=(("a", -0.5), ("b", -1.0)))
    url = serve(MockBackend(lambda _: Response(text="a", logprobs=(token,))))

    response = ask(client("openai", url, model="mock", top_logprobs=2), said("q"))

    assert isinstance(response, Response)
    assert response.logprobs == (token,)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (TransientModelError("full", retry_after_s=2.0, status=429), None),
        (TransientModelError("odd"), None),
        (RequestRejectedError("too long"), None),
        (ModelUnavailableError("it was never loaded"), None),
        (ZeroDivisionError("division by zero"), RequestRejectedError),
        (SystemExit(3), RequestRejectedError),
    ],
)
def test_an_error_keeps_its_kind_and_its_line(
    serve: Serve, raised: BaseException, kind: type[ModelError] | None
) -> None:
    def fail(_: Generate) -> str:
        raise raised

    backend = client("openai", serve(MockBackend(fail)), model="mock")

    with pytest.raises(kind or type(raised)) as met:
        ask(backend, said("q"))

    assert str(raised) in str(met.value)
    if isinstance(raised, TransientModelError):
        assert isinstance(met.value, TransientModelError)
        assert met.value.retry_after_s == raised.retry_after_s
        assert met.value.status == raised.status or raised.status is None


@pytest.mark.parametrize(
    ("path", "payload", "rule"),
    [
        ("chat/completions", {}, "messages must be a list"),
        ("chat/completions", {"messages": [{"role": "queen"}]}, "not a message"),
        (
            "chat/completions",
            {"messages": [{"role": "user", "content": [{"type": "smell"}]}]},
            "valid: text, image_url",
        ),
        (
            "chat/completions",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image_url", "image_url": {"url": "/etc/passwd"}}
                        ],
                    }
                ]
            },
            "must be a data: URL",
        ),
        (
            "chat/completions",
            {"messages": [{"role": "user", "content": "q"}], "n": 2},
            "n must be 1",
        ),
        (
            "chat/completions",
            {"messages": [{"role": "user", "content": "q"}], "temperature": "hot"},
            "temperature must be a number, got 'hot'",
        ),
        (
            "chat/completions",
            {"messages": [{"role": "user", "content": "q"}], "logprobs": True},
            "does not tell how likely",
        ),
        (
            "chat/completions",
            {"messages": [{"role": "user", "content": "q", "name": 5}]},
            "name must be a text, got 5",
        ),
        ("completions", {"prompt": []}, "prompt must be"),
        ("completions", {"prompt": ["a", 3]}, "a text or a list of token ids"),
    ],
)
def test_a_malformed_request_is_told_the_rule(
    letters: Letters, serve: Serve, path: str, payload: dict[str, Any], rule: str
) -> None:
    status, answer = exchange(serve(letters), "POST", f"/v1/{path}", payload)

    assert status == 400
    assert rule in answer["error"]["message"]


@pytest.mark.parametrize(
    "payload", [{"prompt": [97]}, {"prompt": "a", "echo": True, "logprobs": 1}]
)
def test_a_model_that_knows_no_tokens_refuses_them(
    serve: Serve, payload: dict[str, Any]
) -> None:
    url = serve(MockBackend(lambda _: "a"))

    status, answer = exchange(url, "POST", "/v1/completions", payload)

    assert status == 400
    assert "takes no token ids" in answer["error"]["message"]


def test_unknown_fields_are_the_backends_to_judge(
    letters: Letters, serve: Serve
) -> None:
    payload = {
        "messages": [{"role": "user", "content": "q"}],
        "repetition_penalty": 1.5,
        "user": "me",
        "response_format": None,
    }

    exchange(serve(letters), "POST", "/v1/chat/completions", payload)

    assert letters.asked[0].parameters.extra == {"repetition_penalty": 1.5}


def test_another_model_is_not_there(letters: Letters, serve: Serve) -> None:
    backend = client("openai", serve(letters), model="numbers")

    with pytest.raises(ModelUnavailableError, match="'numbers' is not served here"):
        ask(backend, said("q"))


def test_a_model_that_is_being_loaded_puts_requests_off(
    letters: Letters, serve: Serve
) -> None:
    url = serve(letters, is_ready=False)
    payload = {"messages": [{"role": "user", "content": "q"}]}

    assert exchange(url, "GET", "/health")[0] == 503
    assert exchange(url, "POST", "/v1/chat/completions", payload)[0] == 503
    assert letters.asked == []


def test_a_key_is_asked_for_but_for_the_health(letters: Letters, serve: Serve) -> None:
    url = serve(letters, key="secret")

    assert exchange(url, "GET", "/health") == (200, {"status": "ready"})
    assert exchange(url, "GET", "/v1/models")[0] == 401
    assert ask(client("openai", url, api_key="secret"), said("a"))
    with pytest.raises(ModelUnavailableError, match="401"):
        ask(client("openai", url, api_key="guess"), said("a"))


def test_nobody_waits_for_the_answer_of_a_client_that_left(serve: Serve) -> None:
    cancelled: list[bool] = []
    begun: list[bool] = []

    async def never(_: Generate) -> str:
        begun.append(True)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return ""

    url = serve(MockBackend(never))
    place = urlsplit(url)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    body = json.dumps({"messages": [{"role": "user", "content": "q"}]})
    connection.request("POST", "/v1/chat/completions", body)
    wait_for(lambda: begun)
    connection.close()

    wait_for(lambda: cancelled)


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
