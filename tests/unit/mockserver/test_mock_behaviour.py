from __future__ import annotations

import asyncio
import gc
import json
import socket
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.mockserver import (
    FAULT_KINDS,
    Behaviour,
    Faults,
    MockServer,
    Reply,
    serve_in_thread,
)
from pytest_evalkit.mockserver.__main__ import _behaviour, _parser, main
from pytest_evalkit.mockserver.answers import calling_tools, echo
from pytest_evalkit.mockserver.behaviour import FaultDraws


@pytest.fixture
def server() -> Iterator[MockServer]:
    with serve_in_thread(MockServer(echo, keeps_requests=True)) as running:
        yield running


def request_of(text: str = "one two", *headers: str, **fields: Any) -> bytes:
    said = [{"role": "user", "content": text}]
    body = json.dumps({"model": "m", "messages": said, **fields}).encode()
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        f"Content-Length: {len(body)}",
        *headers,
        "\r\n",
    ]
    return "\r\n".join(lines).encode() + body


def exchange(server: MockServer, request: bytes, timeout_s: float = 20.0) -> bytes:
    """Send a request and read until the server hangs up or says no more for a while."""
    host, port = urlsplit(server.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=timeout_s) as connection:
        connection.sendall(request)
        answered = b""
        while data := connection.recv(65536):
            answered += data
    return answered


def ask(
    server: MockServer, text: str = "one two", *headers: str, **fields: Any
) -> bytes:
    return exchange(server, request_of(text, *headers, "Connection: close", **fields))


def status_of(answered: bytes) -> int:
    return int(answered.split(b" ", 2)[1])


def test_beyond_its_capacity_the_server_says_when_to_come_back() -> None:
    behaviour = Behaviour(latency_s=0.3, capacity=2, retry_after_s=0.5)
    with serve_in_thread(MockServer(echo, behaviour=behaviour)) as server:

        async def ask_all() -> list[bytes]:
            asks = [asyncio.to_thread(ask, server, f"q{n}") for n in range(5)]
            return await asyncio.gather(*asks)

        answers = asyncio.run(ask_all())

    statuses = sorted(map(status_of, answers))
    assert statuses == [200, 200, 429, 429, 429]
    refused = next(answer for answer in answers if status_of(answer) == 429)
    assert b"\r\nRetry-After: 0.5\r\n" in refused
    assert server.traffic.peak_in_flight == 2
    assert server.traffic.in_flight == 0
    assert server.traffic.outcomes == {"200": 2, "429": 3}


def test_a_client_that_goes_gives_its_place_free() -> None:
    behaviour = Behaviour(capacity=1, faults=Faults(rate=1.0, kinds=("hang",)))
    with serve_in_thread(MockServer(echo, behaviour=behaviour)) as server:
        with pytest.raises(TimeoutError):
            exchange(server, request_of(), timeout_s=0.1)
        server.behaviour = Behaviour(capacity=1)
        deadline = time.monotonic() + 10
        while server.traffic.in_flight and time.monotonic() < deadline:
            time.sleep(0.005)

        assert status_of(ask(server)) == 200


def test_the_server_remembers_when_it_worked_on_what() -> None:
    behaviour = Behaviour(latency_s=0.01)
    server = MockServer(echo, behaviour=behaviour, keeps_requests=True)
    with serve_in_thread(server):
        for text in ("one", "two"):
            ask(server, text)

    first, second = server.worked
    said = [one.payload["messages"][-1]["content"] for one in (first, second)]
    assert said == ["one", "two"]
    assert first.ended_at is not None
    assert first.began_at < first.ended_at <= second.began_at


@pytest.mark.parametrize("kind", ["429", "500"])
def test_a_fault_may_be_a_status(kind: str, server: MockServer) -> None:
    server.behaviour = Behaviour(faults=Faults(rate=1.0, kinds=(kind,)))

    assert status_of(ask(server)) == int(kind)
    assert server.traffic.outcomes == {kind: 1}


def test_a_fault_may_drop_the_connection(server: MockServer) -> None:
    server.behaviour = Behaviour(faults=Faults(rate=1.0, kinds=("reset",)))

    with pytest.raises(ConnectionError):
        ask(server)


def test_a_fault_may_cut_an_answer_in_two(server: MockServer) -> None:
    server.behaviour = Behaviour(faults=Faults(rate=1.0, kinds=("cut",)))

    head, _, body = exchange(server, request_of()).partition(b"\r\n\r\n")

    length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    assert 0 < len(body) < length


def test_a_cut_stream_lacks_its_end_and_only_that(server: MockServer) -> None:
    server.behaviour = Behaviour(faults=Faults(rate=1.0, kinds=("cut",)))

    answered = ask(server, "one two three four", stream=True)

    assert b'"content":"one "' in answered
    assert b'"three' not in answered
    assert b"[DONE]" not in answered
    assert answered.endswith(b"\r\n0\r\n\r\n")


def test_a_bad_frame_comes_on_top_of_the_answer(server: MockServer) -> None:
    server.behaviour = Behaviour(faults=Faults(rate=1.0, kinds=("bad_frame",)))

    answered = ask(server, stream=True)

    frames = [line for line in answered.split(b"\r\n") if line.startswith(b"data: ")]
    assert sum(b'"los' in frame for frame in frames) == 1
    assert b'"content":"one "' in answered
    assert b'"content":"two"' in answered
    assert b"<html>" in ask(server)


def test_faults_happen_as_often_as_said_and_to_the_same_requests() -> None:
    faults = Faults(rate=0.1, kinds=FAULT_KINDS, seed=3)
    bodies = [b"%d" % n for n in range(2000)]

    drawn = [FaultDraws().draw(faults, body) for body in bodies]
    again = [FaultDraws().draw(faults, body) for body in reversed(bodies)]

    assert drawn == again[::-1]
    assert 150 <= sum(kind is not None for kind in drawn) <= 250
    assert {kind for kind in drawn if kind} == set(FAULT_KINDS)


def test_asking_again_draws_again() -> None:
    draws = FaultDraws()
    faults = Faults(rate=0.5, kinds=("500",))

    drawn = {draws.draw(faults, b"the same") for _ in range(40)}

    assert drawn == {None, "500"}


def test_only_the_models_that_are_served_are_answered(server: MockServer) -> None:
    server.behaviour = Behaviour(models=("a", "b"))

    listed = exchange(server, b"GET /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert status_of(ask(server)) == 404
    assert status_of(ask(server, model="b")) == 200
    models = json.loads(listed.partition(b"\r\n\r\n")[2])["data"]
    assert [model["id"] for model in models] == ["a", "b"]


def test_a_key_may_be_asked_for(server: MockServer) -> None:
    server.behaviour = Behaviour(api_key="k")

    assert status_of(ask(server)) == 401
    assert status_of(ask(server, "hi", "Authorization: Bearer k")) == 200


def test_the_log_has_names_of_headers_and_bodies_but_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    behaviour = Behaviour(log=path)
    with serve_in_thread(MockServer(echo, behaviour=behaviour)) as server:
        ask(server, "hi", "Authorization: Bearer hush")
        exchange(server, b"POST /v1/x HTTP/1.0\r\nContent-Length: 2\r\n\r\n\xff{")

    first, second = map(json.loads, path.read_text("utf-8").splitlines())
    assert first["path"] == "/v1/chat/completions"
    assert first["headers"] == ["content-length", "authorization", "connection"]
    assert first["body"]["messages"] == [{"role": "user", "content": "hi"}]
    assert second["body"] == "\ufffd{"
    assert "hush" not in path.read_text("utf-8")


def test_what_came_is_counted_and_kept(server: MockServer) -> None:
    ask(server, "hi", "X-Team: red")

    told = exchange(server, b"GET /traffic HTTP/1.1\r\nConnection: close\r\n\r\n")

    received = server.received[0]
    assert (received.method, received.path) == ("POST", "/v1/chat/completions")
    assert received.headers["x-team"] == "red"
    assert received.body["messages"][0]["content"] == "hi"
    assert json.loads(told.partition(b"\r\n\r\n")[2]) == {
        "requests": 1,
        "in_flight": 0,
        "peak_in_flight": 1,
        "outcomes": {"200": 1},
    }


def test_tokens_of_a_stream_come_at_their_times(server: MockServer) -> None:
    server.behaviour = Behaviour(latency_s=9.0, ttft_s=0.1, inter_token_s=0.05)
    host, port = urlsplit(server.url).netloc.split(":")
    seen: dict[bytes, float] = {}

    with socket.create_connection((host, int(port)), timeout=20) as connection:
        started = time.monotonic()
        connection.sendall(request_of("a b c", "Connection: close", stream=True))
        while data := connection.recv(65536):
            for mark in (b'"assistant"', b'"a "', b'"b "', b'"c"'):
                if mark in data:
                    seen[mark] = time.monotonic() - started

    # Later is possible on a busy machine, sooner is not.
    assert seen[b'"assistant"'] < seen[b'"a "']
    assert seen[b'"a "'] >= 0.1
    assert seen[b'"b "'] >= 0.15
    assert seen[b'"c"'] >= 0.2
    assert seen[b'"c"'] < 5


def test_a_tool_that_is_offered_is_called_once_for_each_question() -> None:
    schema = {
        "properties": {"text": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["text", "n"],
    }
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    said = [{"role": "user", "content": "hi"}]
    answer = calling_tools(echo)

    first = answer({"messages": said, "tools": tools})
    then = answer({"messages": [*said, {"role": "tool"}], "tools": tools})
    without = answer({"messages": said})

    assert isinstance(first, Reply)
    (call,) = first.tool_calls
    assert (call.name, json.loads(call.arguments)) == ("f", {"text": "hi"})
    assert then == without == "hi"


def test_every_behaviour_is_an_option_of_the_command(tmp_path: Path) -> None:
    given = (
        "--latency 0.5 --ttft 0.2 --inter-token 0.01 --capacity 32 --retry-after 2 "
        "--error-rate 0.1 --errors 429,cut --seed 7 --model a --model b --api-key k "
        f"--log {tmp_path / 'log.jsonl'}"
    )

    behaviour = _behaviour(_parser().parse_args(given.split()))

    assert behaviour == Behaviour(
        latency_s=0.5,
        ttft_s=0.2,
        inter_token_s=0.01,
        capacity=32,
        retry_after_s=2.0,
        faults=Faults(rate=0.1, kinds=("429", "cut"), seed=7),
        models=("a", "b"),
        api_key="k",
        log=tmp_path / "log.jsonl",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--errors 429,cutt", "did you mean 'cut'"),
        ("--error-rate 2", "0 to 1"),
        ("--capacity 0", "at least 1"),
        ("--ttft -1", "ttft_s must be 0 or more"),
    ],
)
def test_a_behaviour_that_makes_no_sense_is_refused(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == 4
    assert said in capsys.readouterr().err


def test_faults_of_no_kind_cannot_happen() -> None:
    with pytest.raises(OptionError, match="no kind"):
        Faults(rate=0.5, kinds=())


@pytest.mark.parametrize("rounds", range(4))
def test_a_server_that_ends_leaves_no_connection_however_new(rounds: int) -> None:
    async def connect_and_stop() -> None:
        server = MockServer(echo)
        await server.start()
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname, address.port)):
            for _ in range(rounds):
                await asyncio.sleep(0)
            await server.stop()
            assert server.connections == set()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(connect_and_stop())
        gc.collect()

    assert [str(one.message) for one in told if "transport" in str(one.message)] == []
