"""What every backend promises that tells log-likelihoods, and those that tell none."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import pytest

from pytest_evalkit.engine import Engine, drive
from pytest_evalkit.errors import ModelUnavailableError
from pytest_evalkit.mockserver import MockServer, serve_in_thread
from pytest_evalkit.mockserver.answers import echo
from pytest_evalkit.models import Backend, MockBackend, make_backend
from pytest_evalkit.models.backend import LoglikelihoodBackend
from pytest_evalkit.values import (
    LikelihoodRequest,
    Loglikelihood,
    LoglikelihoodResponse,
    Origin,
    RollingLoglikelihood,
)

CHOICES = (" red", " green", " blue", " na\u00efve", " \u7b54\u6848")

Maker = Callable[[str], Backend]


def _endpoint(name: str, **settings: object) -> Maker:
    return lambda url: make_backend(
        name, {"model": "m", "base_url": url, "api_key": "k", **settings}
    )


MAKERS: dict[str, Maker] = {
    "openai-completions": _endpoint("openai-completions"),
    "openai-completions in batches": _endpoint("openai-completions", batch_size=4),
    "vllm": _endpoint("vllm"),
    "sglang": _endpoint("sglang"),
    "oracle": lambda _: make_backend("oracle", {}),
    "random": lambda _: make_backend("random", {"seed": 3}),
    "constant": lambda _: make_backend("constant", {"text": "red"}),
    "mock": lambda _: MockBackend(
        lambda _: "", likelihood=lambda request: -float(len(repr(request)))
    ),
}
WITHOUT: dict[str, Maker] = {
    "openai": _endpoint("openai"),
    "demo": lambda _: make_backend("demo", {}),
    "mock": lambda _: MockBackend(lambda _: ""),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_in_thread(MockServer(echo)) as server:
        yield server.url


@pytest.fixture(params=MAKERS)
def backend(request: pytest.FixtureRequest, url: str) -> Backend:
    return MAKERS[request.param](url)


def questions() -> list[LikelihoodRequest]:
    origin = Origin(task="colours", doc_id=0, doc={}, target="red", choices=CHOICES)
    return [
        *(
            Loglikelihood(context="The colour is", continuation=choice, origin=origin)
            for choice in CHOICES
        ),
        Loglikelihood(context="", continuation="red", origin=origin),
        RollingLoglikelihood(text="The colour is red. " * 3, origin=origin),
    ]


async def ask_and_close(
    backend: Backend, *, at_once: bool = True
) -> list[LoglikelihoodResponse]:
    engine = Engine(backend)
    try:
        if at_once:
            return await asyncio.gather(*map(engine.ask, questions()))
        return [await engine.ask(question) for question in questions()]
    finally:
        await backend.aclose()


def values(responses: list[LoglikelihoodResponse]) -> list[tuple[float, bool]]:
    return [(response.logprob, response.is_greedy) for response in responses]


def test_it_says_that_it_tells_log_likelihoods(backend: Backend) -> None:
    assert isinstance(backend, LoglikelihoodBackend)


def test_a_log_likelihood_is_a_number_of_zero_or_below(backend: Backend) -> None:
    responses = asyncio.run(ask_and_close(backend))

    assert len(responses) == len(questions())
    for response in responses:
        assert isinstance(response, LoglikelihoodResponse)
        assert math.isfinite(response.logprob)
        assert response.logprob <= 0
        assert response.n_tokens is None or response.n_tokens >= 1


def test_concurrent_requests_get_their_own_log_likelihoods(backend: Backend) -> None:
    together = asyncio.run(ask_and_close(backend))
    in_turn = asyncio.run(ask_and_close(backend, at_once=False))

    assert values(together) == values(in_turn)


@pytest.fixture(params=WITHOUT)
def without(request: pytest.FixtureRequest, url: str) -> Backend:
    return WITHOUT[request.param](url)


def test_a_model_that_tells_none_stops_the_run_with_both_remedies(
    without: Backend,
) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        asyncio.run(ask_and_close(without))

    assert "--model openai-completions" in str(caught.value)
    assert "output_type: generate_until" in str(caught.value)


def test_recorded_texts_tell_none(tmp_path: Path) -> None:
    file = tmp_path / "recorded.jsonl"
    file.write_text('{"resps": "red"}\n', encoding="utf-8")
    replay = make_backend("replay", {"path": str(file)})

    with pytest.raises(
        ModelUnavailableError, match="replay a run of a model that tells"
    ):
        asyncio.run(ask_and_close(replay))


def test_a_flow_may_ask_for_log_likelihoods() -> None:
    def likeliest() -> Generator[
        Sequence[Loglikelihood], Sequence[LoglikelihoodResponse], str
    ]:
        requests = [Loglikelihood(context="", continuation=text) for text in CHOICES]
        responses = yield requests
        found = [response.logprob for response in responses]
        return CHOICES[found.index(max(found))]

    mock = MockBackend(lambda _: "", likelihood=lambda one: -float(len(repr(one))))

    # The likeliest to this one is the shortest.
    assert asyncio.run(drive(likeliest(), Engine(mock).ask)) == " \u7b54\u6848"
