from __future__ import annotations

import io
import json
from typing import Any

import pytest

from pytest_evalkit import MockBackend
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.counting import UncountedDocument
from pytest_evalkit.plugin.token_counting import Keeper, TokenCounting
from pytest_evalkit.values import Counted, Uncounted

SAMPLE = b'{"status":"scored","timing":{"request_status":"successful"}}\n'


class Counting(MockBackend):
    """A backend of a user's own that counts the letters of an answer."""

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


def left(text: str, payload: bytes = b"{}") -> UncountedDocument:
    """What a document leaves behind that was answered by a text."""
    told = {"input_tokens": None, "output_tokens": None}
    request: Any = {"place": 0, "choice": {"text": text}, "told": told}
    return UncountedDocument(SAMPLE, [request], [payload])


def keeping(counting: TokenCounting) -> Keeper:
    backend = Counting(lambda _: "x")
    counting.add(backend)
    keep = counting.keeper(backend)
    assert keep is not None
    return keep


def counted(counting: TokenCounting) -> tuple[list[Any], list[str]]:
    """Count; give the lines that are recorded, and what the user is told."""
    lines: list[bytes] = []
    told: list[str] = []
    assert counting.settle()
    counting.count("gw1", lines.append, told.append)
    counting.close()
    return [json.loads(line) for line in lines], told


def test_what_was_kept_is_counted_at_the_end() -> None:
    counting = TokenCounting(bytes)
    keep = keeping(counting)
    keep(left("four"))
    keep(left("seventy"))

    recorded, told = counted(counting)

    *samples, line = recorded
    assert [one["token_counts"]["output_tokens"] for one in samples] == [4, 7]
    assert (line["kind"], line["process"], line["requests"]) == (
        "token_counting",
        "gw1",
        2,
    )
    assert told == []


def test_counting_that_takes_long_is_said() -> None:
    counting = TokenCounting(bytes)
    keep = keeping(counting)
    for _ in range(5):
        # More than is kept in memory.
        keep(left("four", payload=b" " * 2_100_000))

    recorded, told = counted(counting)

    assert len(recorded) == 6
    assert told == ["counting the tokens of 10.5 MB of requests"]


def test_what_counts_is_loaded_once() -> None:
    counting, backend = TokenCounting(bytes), Counting(lambda _: "x")

    counting.add(backend)
    counting.add(backend)

    assert backend.loaded == 1
    assert not counting.settle()
    counting.close()


def test_backends_that_count_nothing_keep_nothing() -> None:
    counting, backend = TokenCounting(bytes), MockBackend(lambda _: "x")

    counting.add(backend)

    assert counting.keeper(backend) is None
    assert not counting.settle()


def test_what_is_kept_has_no_secret_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = io.BytesIO()
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", lambda **_: kept)
    counting = TokenCounting(lambda lines: lines.replace(b"sk-1234", b"***"))
    keep = keeping(counting)

    keep(left("the key is sk-1234", payload=b'{"said": "sk-1234"}'))

    assert counting.settle()
    assert kept.getvalue().count(b"***") == 2
    assert b"sk-1234" not in kept.getvalue()
    counting.close()


def test_a_full_disk_is_told_once_all_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Full:
        def write(self, _: bytes) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr("tempfile.SpooledTemporaryFile", lambda **_: Full())
    counting = TokenCounting(bytes)
    keep = keeping(counting)
    keep(left("four"))
    keep(left("five"))

    with pytest.raises(ResultsError, match=r"cannot be kept in .*No space left"):
        counting.settle()
    counting.close()
