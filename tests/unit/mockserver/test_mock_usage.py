from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from pytest_evalkit.mockserver import Behaviour, MockServer, serve_in_thread
from pytest_evalkit.mockserver.answers import echo


@pytest.fixture
def silent() -> Iterator[http.client.HTTPConnection]:
    """A server that does not say what an answer cost."""
    behaviour = Behaviour(tells_usage=False)
    with serve_in_thread(MockServer(echo, behaviour=behaviour)) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
        yield connection
        connection.close()


def post(connection: http.client.HTTPConnection, path: str, **payload: object) -> str:
    connection.request(
        "POST", f"/v1/{path}", body=json.dumps({"model": "m", **payload})
    )
    return connection.getresponse().read().decode()


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_may_tell_nothing_of_what_a_chat_costs(
    silent: http.client.HTTPConnection, stream: bool
) -> None:
    said = [{"role": "user", "content": "hello"}]
    options = {"stream": stream, "stream_options": {"include_usage": True}}

    body = post(silent, "chat/completions", messages=said, **options)

    assert "hello" in body
    assert "usage" not in body


def test_a_server_may_tell_nothing_of_what_a_completion_costs(
    silent: http.client.HTTPConnection,
) -> None:
    body = post(silent, "completions", prompt="hello")

    assert "hello" in body
    assert "usage" not in body
