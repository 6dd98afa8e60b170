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
from tests.local.standing import LOCAL, local_backend

CHOICES = (" red", " green", " blue", " na\u00efve", " \u7b54\u6848")

# Of a sum of some dozens of logarithms in float32, read in batches of other shapes.
ROUNDING = 1e-4

Maker = Callable[[str, Path], Backend]


def _endpoint(name: str, **settings: object) -> Maker:
    return lambda url, _: make_backend(
        name, {"model": "m", "base_url": url, "api_key": "k", **settings}
    )


def _local(label: str, size: int) -> Maker:
    # Beside the folders of single tests, so that a checkpoint is written once.
    return lambda _, folder: local_backend(label, folder.parent, batch_size=size)


MAKERS: dict[str, Maker] = {
    "openai-completions": _endpoint("openai-completions"),
    "openai-completions in batches": _endpoint("openai-completions", batch_size=4),
    "vllm": _endpoint("vllm"),
    "sglang": _endpoint("sglang"),
    "oracle": lambda *_: make_backend("oracle", {}),
    "random": lambda *_: make_backend("random", {"seed": 3}),
    "constant": lambda *_: make_backend("constant", {"text": "red"}),
    "mock": lambda *_: MockBackend(
        lambda _: "", likelihood=lambda request: -float(len(repr(request)))
    ),
    **{label: _local(label, 1) for label in LOCAL},
    **{f"{label} in batches": _local(label, 4) for label in LOCAL},
}
WITHOUT: dict[str, Maker] = {
    "openai": _endpoint("openai"),
    "demo": lambda *_: make_backend("demo", {}),
    "mock": lambda *_: MockBackend(lambda _: ""),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_in_thread(MockServer(echo)) as server:
        yield server.url


@pytest.fixture(params=MAKERS)
def backend(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> Backend:
    return MAKERS[request.param](url, tmp_path)


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

    for one, other in zip(together, in_turn, strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=ROUNDING)
        assert one.is_greedy == other.is_greedy


@pytest.fixture(params=WITHOUT)
def without(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> Backend:
    return WITHOUT[request.param](url, tmp_path)


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
