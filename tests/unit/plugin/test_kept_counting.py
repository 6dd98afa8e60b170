from __future__ import annotations

import io
import json
from typing import Any

import pytest

from pytest_evalkit import MockBackend
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.counting import entry_of
from pytest_evalkit.evaluate.request_log import RequestLog
from pytest_evalkit.evaluate.turn_records import TurnLog
from pytest_evalkit.plugin.token_counting import TokenCounting
from pytest_evalkit.values import (
    AnyResponse,
    Counted,
    Generate,
    Request,
    Response,
    Uncounted,
)

SAMPLE = b'{"status":"scored","timing":{"request_status":"successful"}}\n'


class Counting(MockBackend):
    """A backend of a user's own that counts the bytes of an answer."""

    loaded = 0

    @property
    def counts_tokens(self) -> bool:
        return True

    def token_counter(self) -> Counting:
        self.loaded += 1
        return self

    def count(self, uncounted: Uncounted) -> Counted:
        return Counted(
            input_tokens=1, output_tokens=len(uncounted.choice["text"]), source="text"
        )


class Failing(Counting):
    def count(self, uncounted: Uncounted) -> Counted:
        raise ZeroDivisionError(uncounted.choice["text"])


async def entry(text: str, payload: bytes = b"{}") -> bytes:
    """What a document leaves behind that was answered by a text."""
    log = RequestLog()

    async def ask(_: Request) -> AnyResponse:
        uncounted = Uncounted(payload=payload, choice={"text": text})
        return Response(text=text, uncounted=uncounted)

    await log.asking(ask)(Generate(messages=()))
    written = entry_of(SAMPLE, log, TurnLog())
    assert written is not None
    return written


def conclude(counting: TokenCounting) -> tuple[str | None, list[Any], list[str]]:
    lines: list[bytes] = []
    told: list[str] = []
    problem = counting.conclude("gw1", lines.append, told.append)
    return problem, [json.loads(line) for line in lines], told


@pytest.mark.asyncio
async def test_what_was_kept_is_counted_at_the_end() -> None:
    counting, backend = TokenCounting(bytes), Counting(lambda _: "x")
    counting.add(backend)
    counting.add(backend)
    keep = counting.keeper(backend)
    assert keep is not None
    keep(await entry("four"))
    keep(await entry("seventy"))

    problem, recorded, told = conclude(counting)

    assert (problem, told, backend.loaded) == (None, [], 1)
    *samples, line = recorded
    assert [one["token_counts"]["output_tokens"] for one in samples] == [4, 7]
    assert (line["kind"], line["process"], line["requests"]) == (
        "token_counting",
        "gw1",
        2,
    )


@pytest.mark.asyncio
async def test_counting_that_takes_long_is_said() -> None:
    counting, backend = TokenCounting(bytes), Counting(lambda _: "x")
    counting.add(backend)
    keep = counting.keeper(backend)
    assert keep is not None
    for _ in range(5):
        # More than is kept in memory.
        keep(await entry("four", payload=b" " * (2 << 20)))

    problem, recorded, told = conclude(counting)

    assert problem is None
    assert len(recorded) == 6
    assert told == ["counting the tokens of 10.5 MB of requests"]


@pytest.mark.asyncio
async def test_a_counter_that_fails_is_told_and_loses_nothing_else() -> None:
    counting, backend = TokenCounting(bytes), Failing(lambda _: "x")
    counting.add(backend)
    keep = counting.keeper(backend)
    assert keep is not None
    keep(await entry("four"))

    problem, recorded, _ = conclude(counting)

    assert problem == "tokens were not counted: ZeroDivisionError: four"
    assert recorded == []


def test_backends_that_count_nothing_keep_nothing() -> None:
    counting, backend = TokenCounting(bytes), MockBackend(lambda _: "x")

    counting.add(backend)

    assert counting.keeper(backend) is None
    assert counting.size == 0


@pytest.mark.asyncio
async def test_what_is_kept_has_no_secret_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = io.BytesIO()
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", lambda **_: kept)
    counting = TokenCounting(lambda lines: lines.replace(b"sk-1234", b"***"))
    backend = Counting(lambda _: "x")
    counting.add(backend)
    keep = counting.keeper(backend)
    assert keep is not None

    keep(await entry("the key is sk-1234", payload=b'{"said": "sk-1234"}'))

    assert b"the key is ***" in kept.getvalue()
    assert b"sk-1234" not in kept.getvalue()


@pytest.mark.asyncio
async def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _: bytes) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr("tempfile.SpooledTemporaryFile", lambda **_: Full())
    counting, backend = TokenCounting(bytes), Counting(lambda _: "x")
    counting.add(backend)
    keep = counting.keeper(backend)
    assert keep is not None

    with pytest.raises(ResultsError, match="No space left on device; free space"):
        keep(await entry("four"))
