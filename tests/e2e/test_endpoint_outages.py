"""What becomes of a run whose endpoint goes away."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.mockserver import MockServer, Reply, serve_in_thread

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite, Start

_DOCUMENTS = 40
_ADDRESS = "127.0.0.1"


class MortalEndpoint:
    """An endpoint that dies on a question, and may come back a while later.

    Attributes:
        asked: How often each question was answered.
        probes: How many requests came that are no question.
    """

    def __init__(self, dies_at: int, returns_after_s: float | None) -> None:
        self.asked: Counter[str] = Counter()
        self.probes = 0
        self._dies_at = dies_at
        self._returns_after_s = returns_after_s
        self._port = 0
        self._dying = threading.Event()
        self._is_over = threading.Event()

    def answer(self, payload: Mapping[str, Any]) -> Reply:
        text = payload["messages"][-1]["content"]
        if text == "ping":
            self.probes += 1
            return Reply(text="pong")
        if sum(self.asked.values()) == self._dies_at and not self._dying.is_set():
            self._dying.set()
        if self._dying.is_set() and not self._is_back:
            return Reply(close=True)
        self.asked[text] += 1
        left, _, right = text.removesuffix("=").partition("+")
        return Reply(text=str(int(left) + int(right)))

    _is_back = False

    def live(self, ready: threading.Event) -> None:
        with serve_in_thread(MockServer(self.answer)) as server:
            self.url = server.url
            self._port = int(server.url.rpartition(":")[2].removesuffix("/v1"))
            ready.set()
            while not self._dying.wait(0.02):
                if self._is_over.is_set():
                    return
        if self._returns_after_s is None:
            return
        self._is_over.wait(self._returns_after_s)
        self._is_back = True
        with serve_in_thread(MockServer(self.answer, port=self._port)):
            self._is_over.wait()

    @contextmanager
    def living(self) -> Iterator[str]:
        ready = threading.Event()
        thread = threading.Thread(target=self.live, args=(ready,))
        thread.start()
        ready.wait()
        try:
            yield self.url
        finally:
            self._is_over.set()
            thread.join()


@pytest.fixture
def many(arith_suite: ArithSuite) -> ArithSuite:
    rows = [
        {"id": f"q{n}", "category": "add", "question": f"{n}+1", "answer": str(n + 1)}
        for n in range(_DOCUMENTS)
    ]
    arith_suite.task(rows=rows)
    return arith_suite


def evaluate(
    suite: ArithSuite, endpoint: MortalEndpoint, *arguments: str
) -> pytest.RunResult:
    with endpoint.living() as url:
        return suite.run(
            "--model", "openai",
            "--model-args", f"model=m,base_url={url},retry_backoff_s=0.02",
            "--max-concurrency", "4", *arguments,
        )  # fmt: skip


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_run_waits_for_an_endpoint_that_comes_back(
    many: ArithSuite, workers: tuple[str, ...]
) -> None:
    endpoint = MortalEndpoint(dies_at=10, returns_after_s=1.5)

    result = evaluate(many, endpoint, *workers)

    text = result.stdout.str()
    assert result.ret == 0
    assert text.count("the run pauses until the endpoint answers") == 1
    assert text.count("the endpoint answers again after") == 1
    assert many.score() == 1.0
    assert many.results()["complete"] is True
    assert set(endpoint.asked.values()) == {1}
    assert len(endpoint.asked) == _DOCUMENTS
    assert list(many.folders[-1].glob("journal/pause*")) == []


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_run_stops_once_where_the_endpoint_stays_away(
    many: ArithSuite, workers: tuple[str, ...]
) -> None:
    endpoint = MortalEndpoint(dies_at=10, returns_after_s=None)

    result = evaluate(many, endpoint, "--endpoint-outage", "1", *workers)

    text = result.stdout.str()
    coverage = many.results()["coverage"]["arith"]
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert many.results()["complete"] is False
    assert coverage["errors"] == 0
    assert coverage["scored"] == len(endpoint.asked) == 10
    assert text.count("it was waited for 1 s (--endpoint-outage)") == 1
    assert "Traceback" not in text


def test_a_document_that_always_fails_is_no_outage(
    many: ArithSuite, start: Start
) -> None:
    probes: list[str] = []

    def answer(payload: Mapping[str, Any]) -> str | Reply:
        text = payload["messages"][-1]["content"]
        if text == "ping":
            probes.append(text)
            return "pong"
        left, _, right = text.removesuffix("=").partition("+")
        return (
            Reply(status=502, text="no") if left == "3" else str(int(left) + int(right))
        )

    url = start(answer).url

    result = many.run(
        "--model", "openai",
        "--model-args", f"model=m,base_url={url},retry_backoff_s=0.01",
        "--max-concurrency", "1", "--limit", "8",
    )  # fmt: skip

    errors = [one for one in many.samples() if one["status"] == "error"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert [one["doc_id"] for one in errors] == [3]
    assert "answered 502: no (5 attempts)" in errors[0]["error"]
    assert probes
    assert "pauses" not in result.stdout.str()
