from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.mockserver import MockServer, Reply, serve_in_thread
from pytest_evalkit.mockserver.likelihood import logprobs_at
from pytest_evalkit.mockserver.tokenizing import BOS, decode, encode
from pytest_evalkit.models.openai_completions import OpenAICompletions
from pytest_evalkit.values import (
    Loglikelihood,
    LoglikelihoodResponse,
    RollingLoglikelihood,
)
from tests.unit.models.asked_completions import use

MULTI_BYTE = "naïve 答案 🙂"


@pytest.fixture
def server() -> Iterator[MockServer]:
    server = MockServer(lambda payload: payload["prompt"].upper(), keeps_requests=True)
    with serve_in_thread(server) as running:
        yield running


def likelihood(
    server: MockServer, context: str, continuation: str, **settings: Any
) -> LoglikelihoodResponse:
    request = Loglikelihood(context=context, continuation=continuation)
    response: LoglikelihoodResponse = use(
        server, lambda backend: backend.loglikelihood(request), **settings
    )
    return response


def completions(server: MockServer) -> list[dict[str, Any]]:
    return [one.body for one in server.received if one.path == "/v1/completions"]


def expected(tokens: list[int], asked: int) -> tuple[float, bool, int]:
    """Walk the model's own rows: what the tokens at the end of a text are worth."""
    places = range(len(tokens) - asked, len(tokens))
    own = [logprobs_at(tokens, place)[tokens[place]] for place in places]
    best = [max(logprobs_at(tokens, place)) for place in places]
    return math.fsum(own), own == best, asked


def facts(response: LoglikelihoodResponse) -> tuple[Any, bool, int | None]:
    logprob = pytest.approx(response.logprob)
    return logprob, response.is_greedy, response.n_tokens


@pytest.mark.parametrize(
    "settings", [{}, {"batch_size": 4}, {"client": "sdk", "api_key": "k"}]
)
@pytest.mark.parametrize(
    ("context", "continuation", "tokens", "asked"),
    [
        ("Is it so?", " yes", encode("Is it so? yes"), 1),
        # The space moves to the word, as one token.
        ("Is it so? ", "yes", encode("Is it so? yes"), 1),
        ("Is it so?\n\n", "yes", encode("Is it so?\n\nyes"), 2),
        # " y" and "es" are three tokens apart and one together: the context has two, so
        # what is left of the one is nothing, and only "!" is asked about.
        ("Is it so? y", "es!!", [*encode("Is it so? y"), encode("!")[0]], 1),
        ("Is it so?", MULTI_BYTE, encode("Is it so?" + MULTI_BYTE), 18),
        (MULTI_BYTE, " yes", encode(MULTI_BYTE + " yes"), 1),
        ("", "yes", [BOS, *encode("yes")], 1),
        ("  ", "yes", [BOS, *encode("  yes")], 2),
    ],
)
def test_a_continuation_is_worth_what_its_tokens_are(
    server: MockServer,
    settings: dict[str, Any],
    context: str,
    continuation: str,
    tokens: list[int],
    asked: int,
) -> None:
    response = likelihood(server, context, continuation, **settings)

    assert facts(response) == expected(tokens, asked)
    assert response.notes == ()


def test_the_request_is_the_one_that_lm_evaluation_harness_sends(
    server: MockServer,
) -> None:
    likelihood(server, "Is it so?", " yes", seed=7)

    assert completions(server) == [
        {
            "model": "m",
            "prompt": [encode("Is it so? yes")],
            "temperature": 0,
            "max_tokens": 1,
            "logprobs": 1,
            "echo": True,
            "seed": 7,
        }
    ]


def test_the_likeliest_continuation_is_greedy_and_no_other(server: MockServer) -> None:
    context = encode("It is so.")
    row = logprobs_at(context, len(context))
    assert decode([row.index(max(row))]) == "e"

    best, other = (likelihood(server, "It is so.", text) for text in "ex")

    assert (best.is_greedy, best.logprob) == (True, max(row))
    assert not other.is_greedy


def test_a_long_context_is_cut_from_the_left(server: MockServer) -> None:
    context = "0123456789" * 3

    response = likelihood(server, context, " yes", max_length=9)

    kept = encode(context + " yes")[-8:]
    assert completions(server)[0]["prompt"] == [kept]
    assert facts(response) == expected(kept, 1)
    assert response.notes == (
        "the first 23 tokens of the prompt were left out: it was too long",
    )


def test_a_continuation_that_fills_the_model_is_refused(server: MockServer) -> None:
    with pytest.raises(RequestRejectedError, match="set max_length"):
        likelihood(server, "Is it so?", "0123456789", max_length=9)


@pytest.mark.parametrize("settings", [{}, {"tokenizer": "none"}])
def test_an_empty_continuation_has_no_likelihood(
    server: MockServer, settings: dict[str, Any]
) -> None:
    with pytest.raises(RequestRejectedError, match="empty"):
        likelihood(server, "Is it so?", "", **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"tokenizer": "none"},
        {"tokenized_requests": False},
        {"tokenized_requests": False, "tokenizer": "remote"},
    ],
)
def test_texts_are_sent_where_token_ids_are_not_wanted(
    server: MockServer, settings: dict[str, Any]
) -> None:
    response = likelihood(server, "Is it so? ", "yes", **settings)

    assert [body["prompt"] for body in completions(server)] == ["Is it so? yes"]
    # The server puts its own token before a text.
    assert facts(response) == expected([BOS, *encode("Is it so? yes")], 1)


def test_a_text_without_context_stands_after_what_the_server_puts_there(
    server: MockServer,
) -> None:
    response = likelihood(server, "", "yes", tokenizer="none")

    assert facts(response) == expected([BOS, *encode("yes")], 1)


def test_a_text_that_is_too_long_is_cut_by_its_tokens(server: MockServer) -> None:
    response = likelihood(
        server,
        "0123456789" * 3,
        " yes",
        tokenizer="remote",
        tokenized_requests=False,
        max_length=9,
    )

    assert completions(server)[0]["prompt"] == "3456789 yes"
    assert response.n_tokens == 1
    assert len(response.notes) == 1


def test_a_text_whose_tokens_do_not_spell_it_is_refused(server: MockServer) -> None:
    with pytest.raises(RequestRejectedError, match="name the server's tokenizer"):
        likelihood(server, "Is it so?", " naïve", tokenizer="none")


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("length", [1, 8, 9, 40])
def test_a_whole_text_is_asked_about_window_by_window(
    server: MockServer, length: int, batch_size: int
) -> None:
    text = ("0123456789" * 4)[:length]

    response: LoglikelihoodResponse = use(
        server,
        lambda backend: backend.rolling_loglikelihood(RollingLoglikelihood(text=text)),
        max_length=10,
        batch_size=batch_size,
    )

    # Nine tokens fit, so eight are asked about in each window but the last.
    tokens = [BOS, *encode(text)]
    total = 0.0
    for start in range(1, len(tokens), 8):
        end = min(start + 8, len(tokens))
        seen = tokens[max(0, end - 9) : end]
        total += expected(seen, end - start)[0]
    assert response.logprob == pytest.approx(total)
    assert response.n_tokens == length
    windows = [prompt for body in completions(server) for prompt in body["prompt"]]
    assert len(windows) == math.ceil(length / 8)
    assert len(completions(server)) == math.ceil(len(windows) / batch_size)
    assert response.usage is not None
    assert response.usage.input_tokens == sum(map(len, windows))


def test_an_empty_text_is_certain_and_nothing_is_asked(server: MockServer) -> None:
    response: LoglikelihoodResponse = use(
        server,
        lambda backend: backend.rolling_loglikelihood(RollingLoglikelihood(text="")),
    )

    assert response == LoglikelihoodResponse(logprob=0.0, is_greedy=True, n_tokens=0)
    assert completions(server) == []


def test_a_whole_text_needs_a_tokenizer(server: MockServer) -> None:
    request = RollingLoglikelihood(text="Is it so?")

    with pytest.raises(ModelUnavailableError, match="name the server's tokenizer"):
        use(
            server,
            lambda backend: backend.rolling_loglikelihood(request),
            tokenizer="none",
        )


def test_prompts_that_wait_together_are_one_request(server: MockServer) -> None:
    requests = [
        Loglikelihood(context="Is it so?", continuation=choice)
        for choice in (" yes", " no", MULTI_BYTE, " true")
    ]

    responses: list[LoglikelihoodResponse] = use(
        server,
        lambda backend: asyncio.gather(*map(backend.loglikelihood, requests)),
        batch_size=4,
    )

    for request, response in zip(requests, responses, strict=True):
        whole = encode(request.context + request.continuation)
        asked = len(whole) - len(encode("Is it so?"))
        assert facts(response) == expected(whole, asked)
    assert [len(body["prompt"]) for body in completions(server)] == [4]
    # What the request cost is told once.
    assert [response.usage is None for response in responses] == [False, *[True] * 3]


def test_a_tokenizer_of_a_file_is_compared_with_the_servers(
    server: MockServer, tmp_path: Path
) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = {"[UNK]": 0, "Is": 66, " it": 67, "?": 68, " yes": 69}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Split(
        tokenizers.Regex(" ?[a-zA-Z]+"), "isolated"
    )
    made.decoder = tokenizers.decoders.Fuse()
    made.save(str(tmp_path / "tokenizer.json"))

    # To the server, token 69 is the letter C.
    with pytest.raises(ModelUnavailableError, match="another tokenizer"):
        likelihood(server, "Is it?", " yes", tokenizer=str(tmp_path))


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        # As llama.cpp and chat gateways do: the request is fine, the echo is not there.
        (
            {"choices": [{"index": 0, "text": "x", "logprobs": None}]},
            ModelUnavailableError,
            "server that echoes",
        ),
        (
            {
                "choices": [
                    {
                        "index": 0,
                        "text": "x",
                        "logprobs": {
                            "tokens": ["x"],
                            "token_logprobs": [-0.5],
                            "top_logprobs": [{"x": -0.5}],
                            "text_offset": [0],
                        },
                    }
                ]
            },
            ModelUnavailableError,
            "does not echo",
        ),
        ({"choices": []}, TransientModelError, "no choices"),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"tokenizer": "none"}])
def test_a_server_that_does_not_echo_gives_no_number(
    server: MockServer,
    settings: dict[str, Any],
    reply: dict[str, Any],
    error: type[ModelError],
    words: str,
) -> None:
    from pytest_evalkit.codec import encode as encode_json

    server.answer = lambda _: Reply(body=encode_json(reply))

    with pytest.raises(error, match=words):
        likelihood(server, "Is it so?", " yes", **settings)


def choices(server: MockServer, letters: str, **settings: Any) -> list[float]:
    """Ask about all choices of one question at the same time."""

    async def ask(backend: OpenAICompletions) -> list[float]:
        asked = (
            backend.loglikelihood(Loglikelihood(context="Which?", continuation=f" {c}"))
            for c in letters
        )
        return [one.logprob for one in await asyncio.gather(*asked)]

    found: list[float] = use(server, ask, **settings)
    return found


def split_texts(server: MockServer) -> list[str]:
    return [one.body["prompt"] for one in server.received if one.path == "/tokenize"]


def test_the_question_of_several_choices_is_split_once(server: MockServer) -> None:
    together = choices(server, "ABCD")

    asked = split_texts(server)
    alone = [likelihood(server, "Which?", f" {c}").logprob for c in "ABCD"]
    assert asked.count("Which?") == 1
    assert sorted(asked) == ["Which?", *(f"Which? {c}" for c in "ABCD"), "a"]
    assert together == alone


@pytest.mark.parametrize("tokenizer", [None, "none"])
def test_the_choices_of_a_question_go_in_one_batch(
    server: MockServer, tokenizer: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever else this machine has to do.
    monkeypatch.setattr("pytest_evalkit.models.batching._LONGEST_GATHERING_S", 60.0)
    together = choices(server, "ABCD", batch_size=4, tokenizer=tokenizer)

    (body,) = completions(server)
    assert len(body["prompt"]) == 4
    assert together == choices(server, "ABCD", tokenizer=tokenizer)
