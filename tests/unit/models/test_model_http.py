from __future__ import annotations

import asyncio
import gc
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.mockserver import MockServer, serve_in_thread
from pytest_evalkit.models.connection import Connection
from pytest_evalkit.models.http import Transport


def transport(url: str) -> Transport:
    return Transport(url=url, model="m", connection=Connection(api_key=""))


async def exchange(answer: bytes) -> dict[str, Any]:
    """Post to a server that sends these very bytes and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = transport(f"http://user:hush@127.0.0.1:{port}/v1/x")
    try:
        return await client.post(b"{}")
    finally:
        await client.aclose()
        server.close()
        await server.wait_closed()


def response(status: int, body: str, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body.encode())}", *headers]
    return "\r\n".join([*lines, "", body]).encode()


def failure_of(answer: bytes) -> ModelError:
    with pytest.raises(ModelError) as failure:
        asyncio.run(exchange(answer))
    assert "hush" not in str(failure.value)
    return failure.value


def error_body(message: str, **fields: Any) -> str:
    return json.dumps({"error": {"message": message, **fields}})


def test_a_json_object_comes_back_as_it_is() -> None:
    assert asyncio.run(exchange(response(200, '{"a": [1]}'))) == {"a": [1]}


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_statuses_that_pass_are_transient(status: int) -> None:
    failure = failure_of(response(status, error_body("busy")))

    assert isinstance(failure, TransientModelError)
    assert f"answered {status}: busy" in str(failure)
    assert failure.retry_after_s is None
    assert not failure.is_unreachable


@pytest.mark.parametrize("status", [400, 405, 413, 415, 422])
def test_other_client_errors_reject_the_request(status: int) -> None:
    failure = failure_of(response(status, error_body("prompt too long")))

    assert isinstance(failure, RequestRejectedError)
    assert "prompt too long" in str(failure)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_the_run_with_a_remedy(status: int) -> None:
    failure = failure_of(response(status, error_body("bad key")))

    assert isinstance(failure, ModelUnavailableError)
    assert "OPENAI_API_KEY" in str(failure)


def test_not_found_names_the_url_and_the_model() -> None:
    failure = failure_of(response(404, '{"detail": "Not Found"}'))

    assert isinstance(failure, ModelUnavailableError)
    assert "/v1/x answered 404: Not Found" in str(failure)
    assert "'m'" in str(failure)


def test_a_redirection_names_where_it_points() -> None:
    failure = failure_of(response(301, "", "Location: https://elsewhere/v1"))

    assert isinstance(failure, ModelUnavailableError)
    assert "https://elsewhere/v1" in str(failure)


def test_an_account_without_quota_is_not_asked_again() -> None:
    failure = failure_of(response(429, error_body("pay", code="insufficient_quota")))

    assert isinstance(failure, ModelUnavailableError)


def test_retry_after_in_seconds_is_passed_on() -> None:
    failure = failure_of(response(429, "{}", "Retry-After: 1.5"))

    assert isinstance(failure, TransientModelError)
    assert failure.retry_after_s == 1.5


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("retry-after-ms: 250", 0.25),
        ("Retry-After-Ms: 1500\r\nRetry-After: 7", 1.5),
        ("retry-after-ms: -1", 0.0),
        ("retry-after-ms: soon\r\nRetry-After: 7", 7.0),
        ("retry-after-ms: nan", None),
    ],
)
def test_retry_after_in_milliseconds_wins_where_it_makes_sense(
    headers: str, expected: float | None
) -> None:
    failure = failure_of(response(429, "{}", headers))

    assert isinstance(failure, TransientModelError)
    assert failure.retry_after_s == expected


def test_retry_after_as_a_date_is_passed_on() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)

    failure = failure_of(response(503, "{}", f"Retry-After: {date}"))

    assert isinstance(failure, TransientModelError)
    assert failure.retry_after_s == pytest.approx(600, abs=30)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("-3", 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_a_retry_after_without_sense_or_in_the_past_delays_nothing(
    said: str, expected: float | None
) -> None:
    failure = failure_of(response(429, "{}", f"Retry-After: {said}"))

    assert isinstance(failure, TransientModelError)
    assert failure.retry_after_s == expected


def test_a_long_message_is_cut() -> None:
    failure = failure_of(response(400, error_body("x" * 1000)))

    assert str(failure).count("x" * 300) == 1
    assert "x" * 301 not in str(failure)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<html>gateway</html>", "<html>gateway</html>"),
        ("", "(an empty body)"),
        ('{"message": "plain"}', "plain"),
        ('{"error": "a text"}', "a text"),
        ('["odd"]', '["odd"]'),
    ],
)
def test_errors_in_other_forms_are_quoted(body: str, said: str) -> None:
    assert said in str(failure_of(response(400, body)))


@pytest.mark.parametrize("body", ["not json", "", "[1]", '"text"'])
def test_a_success_that_is_no_json_object_is_transient(body: str) -> None:
    assert isinstance(failure_of(response(200, body)), TransientModelError)


def test_an_error_in_a_success_rejects_the_request() -> None:
    failure = failure_of(response(200, error_body("filtered")))

    assert isinstance(failure, RequestRejectedError)
    assert "filtered" in str(failure)


def test_an_error_in_a_success_is_judged_by_the_status_inside_it() -> None:
    failure = failure_of(response(200, error_body("upstream", code=502)))

    assert isinstance(failure, TransientModelError)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"a": ',
        b"garbage\r\n\r\n",
    ],
)
def test_a_broken_off_answer_is_transient(answer: bytes) -> None:
    failure = failure_of(answer)

    assert isinstance(failure, TransientModelError)
    assert not failure.is_unreachable
    assert failure.__cause__ is not None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_a_refused_connection_or_unknown_host_is_unreachable(host: str) -> None:
    async def ask() -> None:
        client = transport(f"http://{host}:{free_port()}/v1")
        try:
            await client.post(b"{}")
        finally:
            await client.aclose()

    with pytest.raises(TransientModelError, match="cannot reach") as failure:
        asyncio.run(ask())

    assert failure.value.is_unreachable
    if host == "127.0.0.1":
        assert str(failure.value).endswith(": Connection refused")


def test_tls_where_none_is_spoken_stops_the_run() -> None:
    async def ask() -> None:
        server = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = transport(f"https://127.0.0.1:{port}/v1")
        try:
            await client.post(b"{}")
        finally:
            await client.aclose()
            server.close()
            await server.wait_closed()

    with pytest.raises(ModelUnavailableError, match="check base_url"):
        asyncio.run(ask())


async def speak_plainly(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await reader.read(1)
    writer.write(response(400, "{}"))
    writer.close()
    await writer.wait_closed()


def test_loops_that_end_without_aclose_leave_no_connection_behind() -> None:
    with serve_in_thread(MockServer(lambda _: "x")) as server:
        client = transport(f"{server.url}/completions")
        asyncio.run(client.post(b"{}"))
        asyncio.run(client.post(b"{}"))

        assert len(client._sessions.opened) == 1
        asyncio.run(client.aclose())

    assert client._sessions.opened == {}
    gc.collect()


def test_closing_reaches_a_loop_that_runs_in_another_thread() -> None:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with serve_in_thread(MockServer(lambda _: "x")) as server:
        client = transport(f"{server.url}/completions")
        asyncio.run_coroutine_threadsafe(client.post(b"{}"), loop).result()
        session = client._sessions.opened[loop].resource

        asyncio.run(client.aclose())

    assert session.closed
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_loop_that_stands_still_closes_its_own_connections_when_it_ends() -> None:
    with serve_in_thread(MockServer(lambda _: "x")) as server, asyncio.Runner() as own:
        client = transport(f"{server.url}/completions")
        own.run(client.post(b"{}"))
        session = client._sessions.opened[own.get_loop()].resource
        closing = threading.Thread(target=lambda: asyncio.run(client.aclose()))
        closing.start()
        closing.join()

        was_left_open = not session.closed
        own.close()

    assert was_left_open
    assert session.closed


def test_a_transport_works_again_after_it_was_closed() -> None:
    async def ask_close_ask(url: str) -> dict[str, Any]:
        client = transport(url)
        await client.post(b"{}")
        await client.aclose()
        answer = await client.post(b"{}")
        await client.aclose()
        return answer

    with serve_in_thread(MockServer(lambda _: "x")) as server:
        answer = asyncio.run(ask_close_ask(f"{server.url}/completions"))

    assert answer["choices"][0]["text"] == "x"
