from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from pytest_evalkit.errors import (
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.messages import Message, ToolCallPart
from pytest_evalkit.mockserver import (
    Behaviour,
    Faults,
    MockServer,
    Reply,
    serve_in_thread,
)
from pytest_evalkit.mockserver.answers import echo
from pytest_evalkit.mockserver.connection import Connection
from pytest_evalkit.models import make_backend
from pytest_evalkit.values import Generate, Response, TokenLogprob

CLIENTS = ("aiohttp", "sdk")
BACKENDS = ("openai", "openai-completions")


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def server() -> Iterator[MockServer]:
    with serve_in_thread(MockServer(echo, keeps_requests=True)) as running:
        yield running


def ask(
    url: str, text: str = "one two three", *, name: str = "openai", **arguments: Any
) -> Response:
    request = Generate(messages=(Message.of_text("user", text),))

    async def ask_once() -> Response:
        backend = make_backend(
            name,
            {
                "model": "m",
                "base_url": url,
                "api_key": "k",
                "stream": True,
                **arguments,
            },
        )
        try:
            return await backend.generate(request)
        finally:
            await backend.aclose()

    return asyncio.run(ask_once())


@pytest.mark.parametrize("name", BACKENDS)
def test_a_streamed_answer_is_the_whole_answer(
    name: str, client: str, server: MockServer
) -> None:
    streamed = ask(server.url, name=name, client=client)
    whole = ask(server.url, name=name, client=client, stream=False)

    assert streamed.text == whole.text == "one two three"
    assert streamed.usage == whole.usage
    assert streamed.finish_reason == whole.finish_reason
    assert streamed.timing is not None
    assert streamed.timing.n_chunks == 3
    assert whole.timing is not None
    assert whole.timing.n_chunks is None


def test_what_is_asked_for_says_so(server: MockServer) -> None:
    ask(server.url)

    body = server.received[0].body
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}


def test_first_tokens_and_the_times_between_are_measured(
    client: str, server: MockServer
) -> None:
    server.answer = lambda _: Reply(text="four", reasoning="two and two")
    server.behaviour = Behaviour(ttft_s=0.1, inter_token_s=0.05)

    timing = ask(server.url, client=client).timing

    # Thought has three tokens, so the first visible one comes three steps later.
    assert timing is not None
    assert timing.ttft_s is not None
    assert timing.ttfo_s is not None
    assert 0.1 <= timing.ttft_s < 2
    assert timing.ttfo_s >= 0.25
    assert len(timing.gaps_s) == 3
    assert sum(timing.gaps_s) == pytest.approx(0.15, abs=0.049)


def test_tool_calls_come_through(client: str, server: MockServer) -> None:
    call = ToolCallPart(id="c1", name="add", arguments='{"first": 1, "second": 2}')
    server.answer = lambda _: Reply(tool_calls=(call,))

    streamed = ask(server.url, client=client)
    whole = ask(server.url, client=client, stream=False)

    assert streamed.tool_calls == whole.tool_calls == (call,)
    assert streamed.finish_reason == whole.finish_reason == "tool_calls"
    assert streamed.text == whole.text == ""
    assert streamed.timing is not None
    assert streamed.timing.ttft_s is not None


def test_logprobs_come_with_the_answer_when_asked_for(
    client: str, server: MockServer
) -> None:
    streamed = ask(server.url, client=client, top_logprobs=2)
    whole = ask(server.url, client=client, top_logprobs=2, stream=False)

    assert streamed.logprobs == whole.logprobs
    assert streamed.logprobs is not None
    assert "".join(one.token for one in streamed.logprobs) == "one two three"
    assert all(isinstance(one, TokenLogprob) for one in streamed.logprobs)
    assert {len(one.top) for one in streamed.logprobs} == {2}
    assert ask(server.url).logprobs is None


def test_an_endpoint_that_does_not_stream_is_read_all_the_same(
    client: str, server: MockServer
) -> None:
    body = {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}
    server.answer = lambda _: Reply(body=json.dumps(body).encode())

    response = ask(server.url, client=client)

    assert response.text == "whole"
    assert response.timing is not None
    assert response.timing.ttft_s is None


def test_an_unreadable_event_is_counted_and_the_answer_kept(
    client: str, server: MockServer
) -> None:
    server.behaviour = Behaviour(faults=Faults(rate=1.0, kinds=("bad_frame",)))

    response = ask(server.url, client=client)

    assert response.text == "one two three"
    assert response.timing is not None
    assert response.timing.bad_frames == 1


@pytest.mark.parametrize("kind", ["cut", "reset"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_was_broken_off_may_be_asked_for_again(
    kind: str, stream: bool, client: str, server: MockServer
) -> None:
    server.behaviour = Behaviour(faults=Faults(rate=1.0, kinds=(kind,)))

    with pytest.raises(TransientModelError):
        ask(server.url, client=client, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_for_now_says_when_to_come_back(
    stream: bool, client: str, server: MockServer
) -> None:
    faults = Faults(rate=1.0, kinds=("429",))
    server.behaviour = Behaviour(faults=faults, retry_after_s=2.5)

    with pytest.raises(TransientModelError, match="answered 429") as failure:
        ask(server.url, client=client, stream=stream)

    assert failure.value.retry_after_s == 2.5
    assert failure.value.status == 429


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRejectedError),
        (401, ModelUnavailableError),
        (404, ModelUnavailableError),
        (500, TransientModelError),
    ],
)
def test_an_error_status_is_judged_however_the_answer_was_to_come(
    status: int, kind: type[Exception], stream: bool, client: str, server: MockServer
) -> None:
    server.answer = lambda _: Reply(status=status, text="the reason")

    with pytest.raises(kind, match=f"answered {status}: the reason"):
        ask(server.url, client=client, stream=stream)


def test_an_error_inside_a_stream_is_an_error(client: str, server: MockServer) -> None:
    begun = b'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n'
    error = b'data: {"error": {"message": "out of memory", "code": 503}}\n\n'
    server.answer = lambda _: Reply(frames=(begun, error))

    with pytest.raises(TransientModelError, match="out of memory"):
        ask(server.url, client=client)


class HangingUp(Connection):
    """Hangs up where a stream should be ended."""

    def _begin(self, plan: Any) -> None:
        assert plan.stream is not None
        self._transport.write(plan.stream.opening + b"".join(plan.stream.pieces))
        self._transport.close()
        self._end(plan)


@pytest.mark.parametrize(("frames", "is_answer"), [(2, True), (1, False)])
def test_a_connection_that_breaks_after_the_finish_reason_has_done_its_work(
    frames: int, is_answer: bool, client: str
) -> None:
    said = (
        b'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n',
    )
    mock = MockServer(lambda _: Reply(frames=said[:frames]))

    async def ask_a_server_that_hangs_up() -> Response:
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: HangingUp(mock), "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        try:
            return await asyncio.to_thread(
                ask, f"http://127.0.0.1:{port}/v1", client=client
            )
        finally:
            listening.close()
            await listening.wait_closed()

    if is_answer:
        assert asyncio.run(ask_a_server_that_hangs_up()).text == "a"
        return
    with pytest.raises(TransientModelError, match="broke off"):
        asyncio.run(ask_a_server_that_hangs_up())


@pytest.mark.parametrize("stream", [False, True])
def test_an_endpoint_that_is_not_there_is_unreachable(
    stream: bool, client: str
) -> None:
    async def free_port() -> int:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return port

    url = f"http://127.0.0.1:{asyncio.run(free_port())}/v1"

    with pytest.raises(TransientModelError, match="cannot reach") as failure:
        ask(url, client=client, stream=stream)

    assert failure.value.is_unreachable


def test_the_official_package_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    with pytest.raises(Exception, match="client=sdk needs a key"):
        make_backend("openai", {"model": "m", "client": "sdk"})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for this machine that nobody has signed, and its key."""
    if which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


@pytest.mark.parametrize("verify", ["true", "false", "file"])
def test_a_certificate_is_trusted_as_the_user_says(
    verify: str, client: str, certificate: Path
) -> None:
    mock = MockServer(echo)
    trusted = {"true": True, "false": False, "file": str(certificate)}[verify]

    async def ask_over_tls() -> Response:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, certificate.with_name("key.pem"))
        listening = await asyncio.get_running_loop().create_server(
            lambda: Connection(mock), "127.0.0.1", 0, ssl=context
        )
        url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        try:
            return await asyncio.to_thread(ask, url, client=client, verify=trusted)
        finally:
            listening.close()
            await listening.wait_closed()

    if trusted is True:
        with pytest.raises(ModelUnavailableError, match="certificate"):
            asyncio.run(ask_over_tls())
        return
    assert asyncio.run(ask_over_tls()).text == "one two three"
