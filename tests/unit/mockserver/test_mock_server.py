from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.mockserver import Behaviour, MockServer, Reply, serve_in_thread
from pytest_evalkit.mockserver.__main__ import main
from pytest_evalkit.mockserver.answers import answers_from

REPLIES = {
    "teapot": Reply(text="short and stout", status=418),
    "busy": Reply(text="busy", status=429, headers={"Retry-After": "2"}),
    "drop": Reply(close=True),
    "think": Reply(text="4", reasoning="two and two", finish_reason="length"),
    "raw": Reply(body=b"<html>"),
    "late": Reply(text="late", delay_s=0.05),
}


def answer(payload: dict[str, Any]) -> str | Reply:
    said: str = payload.get("prompt") or payload["messages"][-1]["content"]
    return REPLIES.get(said, said.upper())


@pytest.fixture
def server() -> Iterator[MockServer]:
    with serve_in_thread(MockServer(answer)) as running:
        yield running


@pytest.fixture
def client(server: MockServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    yield connection
    connection.close()


def post(
    client: http.client.HTTPConnection, text: str, path: str = "chat/completions"
) -> tuple[http.client.HTTPResponse, Any]:
    said = (
        {"messages": [{"role": "user", "content": text}]}
        if path.startswith("chat")
        else {"prompt": text}
    )
    client.request("POST", f"/v1/{path}", body=json.dumps({"model": "m", **said}))
    response = client.getresponse()
    return response, json.loads(response.read())


def raw_exchange(server: MockServer, *pieces: bytes) -> bytes:
    """Send bytes piece by piece and read all until the server hangs up."""
    host, port = urlsplit(server.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        answered = b""
        while data := connection.recv(65536):
            answered += data
    return answered


def test_a_chat_answer_has_the_form_that_openai_describes(
    client: http.client.HTTPConnection,
) -> None:
    from openai.types.chat import ChatCompletion

    _, body = post(client, "hello there")

    completion = ChatCompletion.model_validate(body)
    assert completion.choices[0].message.content == "HELLO THERE"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "m"
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 2


def test_a_text_answer_has_the_form_that_openai_describes(
    client: http.client.HTTPConnection,
) -> None:
    from openai.types import Completion

    _, body = post(client, "hello", "completions")

    assert Completion.model_validate(body).choices[0].text == "HELLO"


def test_requests_share_a_connection_and_are_counted(
    server: MockServer, client: http.client.HTTPConnection
) -> None:
    post(client, "a")
    first = client.sock
    post(client, "b")

    assert client.sock is first
    assert server.requests == 2


def test_an_error_reply_has_its_status_headers_and_message(
    client: http.client.HTTPConnection,
) -> None:
    response, body = post(client, "busy")

    assert response.status == 429
    assert response.headers["Retry-After"] == "2"
    assert body["error"]["message"] == "busy"
    assert post(client, "teapot")[0].status == 418


def test_a_dropped_connection_gets_no_answer(
    server: MockServer, client: http.client.HTTPConnection
) -> None:
    with pytest.raises(ConnectionError):
        post(client, "drop")

    assert server.requests == 1


def test_reasoning_and_finish_reason_are_sent(
    client: http.client.HTTPConnection,
) -> None:
    _, body = post(client, "think")

    assert body["choices"][0]["message"]["reasoning_content"] == "two and two"
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 3


def test_a_body_is_sent_as_it_is(client: http.client.HTTPConnection) -> None:
    with pytest.raises(json.JSONDecodeError):
        post(client, "raw")


def test_an_answer_that_waits_is_sent_on_the_same_connection(
    client: http.client.HTTPConnection,
) -> None:
    assert post(client, "late")[1]["choices"][0]["message"]["content"] == "late"
    assert post(client, "next")[1]["choices"][0]["message"]["content"] == "NEXT"


def test_the_models_are_listed(client: http.client.HTTPConnection) -> None:
    client.request("GET", "/v1/models")

    body = json.loads(client.getresponse().read())

    assert [model["id"] for model in body["data"]] == ["mock"]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/embeddings"), ("GET", "/v1/chat/completions")]
)
def test_another_route_is_not_found(
    method: str, path: str, client: http.client.HTTPConnection
) -> None:
    client.request(method, path, body="{}")
    response = client.getresponse()

    assert response.status == 404
    assert path in json.loads(response.read())["error"]["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "not JSON"),
        ("[1]", "must be a JSON object"),
        ('{"prompt": "a", "stream": true, "echo": true}', "no echo"),
        ('{"prompt": "a", "n": 0}', "n must be"),
    ],
)
def test_a_payload_that_cannot_be_served_is_a_bad_request(
    body: str, said: str, client: http.client.HTTPConnection
) -> None:
    client.request("POST", "/v1/completions", body=body)
    response = client.getresponse()

    assert response.status == 400
    assert said in json.loads(response.read())["error"]["message"]


def test_a_request_may_come_in_pieces_and_chunks(server: MockServer) -> None:
    request = (
        b"POST /v1/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
        b'Connection: close\r\n\r\nb\r\n{"prompt": \r\n4;x=y\r\n"ab"\r\n'
        b"1\r\n}\r\n0\r\nTrailer: t\r\n\r\n"
    )

    answered = raw_exchange(server, *(request[n : n + 1] for n in range(len(request))))

    assert b'"text":"AB"' in answered
    assert b"Connection: close" in answered


def test_two_requests_at_once_are_answered_in_turn(server: MockServer) -> None:
    def request(text: str, *headers: str) -> bytes:
        body = json.dumps({"prompt": text})
        lines = ["POST /v1/completions HTTP/1.1", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, *headers, "", body]).encode()

    answered = raw_exchange(server, request("late") + request("x", "Connection: close"))

    assert answered.index(b'"late"') < answered.index(b'"X"')


def test_a_client_that_hangs_up_before_its_answer_harms_no_other(
    server: MockServer, client: http.client.HTTPConnection
) -> None:
    host, port = urlsplit(server.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as impatient:
        impatient.sendall(
            b"POST /v1/completions HTTP/1.1\r\nContent-Length: 18\r\n\r\n"
            b'{"prompt": "late"}'
        )

    assert post(client, "late")[1]["choices"][0]["message"]["content"] == "late"


def test_stopping_a_server_that_was_never_started_is_harmless() -> None:
    asyncio.run(MockServer(answer).stop())


def test_a_client_that_waits_is_told_to_continue(server: MockServer) -> None:
    answered = raw_exchange(
        server,
        b"POST /v1/completions HTTP/1.0\r\nExpect: 100-continue\r\n"
        b'Content-Length: 15\r\n\r\n{"prompt": "a"}',
    )

    assert answered.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nX: " + b"x" * 70_000, b"431"),
    ],
)
def test_bytes_that_are_no_request_are_refused(
    request_bytes: bytes, status: bytes, server: MockServer
) -> None:
    assert raw_exchange(server, request_bytes).startswith(b"HTTP/1.1 " + status)


def test_a_server_has_no_url_before_it_is_started() -> None:
    with pytest.raises(RuntimeError, match="before it is started"):
        _ = MockServer(answer).url


def test_a_latency_is_waited_out_before_each_answer() -> None:
    with serve_in_thread(
        MockServer(answer, behaviour=Behaviour(latency_s=0.05))
    ) as slow:
        connection = http.client.HTTPConnection(urlsplit(slow.url).netloc, timeout=20)
        before = time.monotonic()
        post(connection, "a")
        after = time.monotonic()
        connection.close()

    assert after - before >= 0.05


def test_a_port_that_is_taken_is_reported(server: MockServer) -> None:
    port = urlsplit(server.url).port
    assert port is not None

    with pytest.raises(OSError), serve_in_thread(MockServer(answer, port=port)):  # noqa: PT011 - the words are the system's
        pass


def test_recorded_answers_are_looked_up_and_never_invented(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"prompt": "2+2", "answer": "4"}\n\n', encoding="utf-8")
    reply_to = answers_from(path)

    known, unknown = (reply_to({"prompt": text}) for text in ("2+2", "3+3"))

    assert isinstance(known, Reply)
    assert isinstance(unknown, Reply)
    assert (known.status, known.text) == (200, "4")
    assert (unknown.status, unknown.text) == (400, "no answer for the prompt '3+3'")


@pytest.mark.parametrize(
    ("text", "said"), [("{", "not JSON"), ('{"prompt": "a"}', "'prompt' and 'answer'")]
)
def test_a_wrong_row_of_answers_is_named(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(OptionError, match=rf"answers\.jsonl:1: .*{said}"):
        answers_from(path)
    assert main(["--answers", str(path)]) == 4
    # Other lines may come from what earlier tests left to be collected.
    assert "\nerror: " in "\n" + capsys.readouterr().err


def test_the_command_prints_its_url_echoes_and_ends_when_told_to() -> None:
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_evalkit.mockserver"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert process.stdout is not None
    with process:
        try:
            url = process.stdout.readline().strip()
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
            _, body = post(connection, "echo me")
            connection.close()
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
        finally:
            process.kill()

    assert body["choices"][0]["message"]["content"] == "echo me"
    assert process.returncode == 0
