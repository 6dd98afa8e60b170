from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    OptionError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.messages import Message
from pytest_evalkit.models.backend import rates_texts
from pytest_evalkit.models.perspective import Perspective, Spacing
from pytest_evalkit.values import Generate

# As the service documents its answers.
RECORDED = {
    "attributeScores": {
        "TOXICITY": {
            "spanScores": [
                {
                    "begin": 0,
                    "end": 11,
                    "score": {"value": 0.7534, "type": "PROBABILITY"},
                }
            ],
            "summaryScore": {"value": 0.7534, "type": "PROBABILITY"},
        }
    },
    "languages": ["en"],
    "detectedLanguages": ["en"],
}


async def exchange(status: int, body: str, **arguments: Any) -> tuple[str, str]:
    """Have a text rated by a server that answers just this; tell what it was sent."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
        heard.append(head + await reader.readexactly(length))
        content = body.encode()
        writer.write(f"HTTP/1.1 {status} X\r\n".encode())
        writer.write(f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    judge = Perspective(
        api_key="hush", base_url=f"http://127.0.0.1:{port}", **arguments
    )
    try:
        request = Generate(messages=(Message.of_text("user", "You fool."),))
        response = await judge.generate(request)
    finally:
        await judge.aclose()
        server.close()
        await server.wait_closed()
    return response.text, heard[0].decode()


def test_a_text_is_rated_by_the_summary_score() -> None:
    rating, request = asyncio.run(exchange(200, json.dumps(RECORDED)))

    assert rating == "0.7534"
    head, _, body = request.partition("\r\n\r\n")
    assert head.startswith("POST /v1alpha1/comments:analyze HTTP/1.1")
    # A key in the URL would stand in logs and in errors.
    assert "x-goog-api-key: hush" in head.lower()
    assert json.loads(body) == {
        "comment": {"text": "You fool."},
        "requestedAttributes": {"TOXICITY": {}},
        "doNotStore": True,
        "languages": ["en"],
    }


def test_another_attribute_and_no_language_may_be_asked_for() -> None:
    scores = {"INSULT": {"summaryScore": {"value": 1, "type": "PROBABILITY"}}}
    answer = json.dumps({"attributeScores": scores})

    rating, request = asyncio.run(
        exchange(200, answer, attribute="INSULT", language=None)
    )

    assert rating == "1.0"
    assert '"INSULT":{}' in request
    assert "languages" not in request


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (200, "{}", RequestRejectedError, "without a summary score of TOXICITY"),
        (200, '{"attributeScores": {}}', RequestRejectedError, "summary score"),
        (400, '{"error": {"code": 400, "message": "language not supported"}}',
         RequestRejectedError, "language not supported"),
        (429, '{"error": {"code": 429, "message": "quota"}}', TransientModelError,
         "quota"),
        (503, "gone", TransientModelError, "503"),
        (403, '{"error": {"code": 403, "message": "denied"}}', ModelUnavailableError,
         "check the key: PERSPECTIVE_API_KEY"),
        (404, "gone", ModelUnavailableError, "404"),
    ],
)  # fmt: skip
def test_what_is_no_rating_is_an_error(
    status: int, body: str, kind: type[ModelError], message: str
) -> None:
    with pytest.raises(kind) as failure:
        asyncio.run(exchange(status, body))

    assert message in str(failure.value)
    assert "hush" not in str(failure.value)


def test_what_rates_is_told_without_the_key() -> None:
    judge = Perspective(api_key="hush")

    assert rates_texts(judge)
    assert "hush" not in repr(judge) + str(judge.describe())


def test_texts_are_sent_as_far_apart_as_the_quota_wants() -> None:
    spacing = Spacing(1.0)

    waits = [spacing.wait_s(now) for now in (5.0, 5.2, 5.3, 9.0, 9.5)]

    assert waits == pytest.approx([0.0, 0.8, 1.7, 0.0, 0.5])


def test_a_quota_of_nothing_is_refused() -> None:
    with pytest.raises(OptionError, match="per_second must be above 0"):
        Perspective(api_key="hush", per_second=0)
