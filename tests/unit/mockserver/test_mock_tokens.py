from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.mockserver import MockServer, Reply, serve_in_thread
from pytest_evalkit.mockserver.likelihood import likeliest, logprobs_at
from pytest_evalkit.mockserver.tokenizing import (
    BOS,
    EOS,
    VOCABULARY_SIZE,
    decode,
    encode,
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    def answer(payload: dict[str, Any]) -> str | Reply:
        prompt: str = payload["prompt"]
        if prompt == "busy":
            return Reply(text="busy", status=429, headers={"Retry-After": "1"})
        return prompt.upper()

    with serve_in_thread(MockServer(answer)) as server:
        yield server.url


def post(url: str, payload: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    request = Request(url, data=json.dumps(payload).encode())
    try:
        with urlopen(request, timeout=20) as response:
            return response.status, json.loads(response.read())
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def complete(url: str, **payload: Any) -> dict[str, Any]:
    status, body = post(f"{url}/completions", {"model": "m", **payload})
    assert status == 200, body
    return body


@given(st.text())
def test_tokens_spell_the_text_they_come_from(text: str) -> None:
    tokens = encode(text)

    assert decode(tokens) == text
    assert all(0 <= token < VOCABULARY_SIZE for token in tokens)
    assert encode(text, add_special_tokens=True) == [BOS, *tokens]


def test_pieces_merge_across_a_seam() -> None:
    assert len(encode(" yes")) == 1
    assert len(encode(" y") + encode("es")) == 3


def test_the_model_finds_some_token_in_every_place() -> None:
    tokens = encode("Is it so?")

    for position in range(1, len(tokens)):
        row = logprobs_at(tokens, position)
        assert math.fsum(map(math.exp, row)) == pytest.approx(1.0)
        assert row[likeliest(tokens, position)[0]] == max(row)


def test_a_place_depends_on_the_two_tokens_before_it() -> None:
    places = {logprobs_at(encode(text), 2) for text in ("xaz", "xbz", "yaz", "ybz")}

    assert len(places) == 4


def test_an_echo_tells_the_likelihood_of_every_token(url: str) -> None:
    body = complete(url, prompt="Is it?", echo=True, logprobs=1, max_tokens=1)

    choice, logprobs = body["choices"][0], body["choices"][0]["logprobs"]
    tokens = [BOS, *encode("Is it?"), encode("IS IT?")[0]]
    expected = [logprobs_at(tokens, n)[tokens[n]] for n in range(1, len(tokens))]
    assert choice["text"] == "Is it?" + "I"
    assert choice["finish_reason"] == "length"
    assert logprobs["tokens"] == [decode([token]) for token in tokens]
    assert logprobs["token_logprobs"] == [None, *expected]
    assert logprobs["text_offset"] == [0, 3, 4, 5, 8, 9]
    best = [max(places.values()) for places in logprobs["top_logprobs"][1:]]
    rows = [max(logprobs_at(tokens, n)) for n in range(1, len(tokens))]
    assert best == rows
    assert body["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 1,
        "total_tokens": 6,
    }


def test_token_ids_are_taken_as_they_are(url: str) -> None:
    tokens = encode("Is it?")

    body = complete(url, prompt=tokens, echo=True, logprobs=0, max_tokens=0)

    logprobs = body["choices"][0]["logprobs"]
    assert logprobs["tokens"] == [decode([token]) for token in tokens]
    assert body["choices"][0]["text"] == "Is it?"


def test_only_what_is_generated_is_told_without_echo(url: str) -> None:
    body = complete(url, prompt="ab", logprobs=2, max_tokens=5)

    logprobs = body["choices"][0]["logprobs"]
    assert body["choices"][0]["text"] == "AB"
    assert logprobs["tokens"] == ["A", "B"]
    assert len(logprobs["top_logprobs"][0]) >= 2


def test_an_empty_answer_is_the_token_that_ends_a_text(url: str) -> None:
    body = complete(url, prompt="", echo=True, logprobs=1, max_tokens=1)

    assert body["choices"][0]["text"] == ""
    assert body["choices"][0]["logprobs"]["tokens"] == [decode([BOS]), decode([EOS])]


@pytest.mark.parametrize(
    "prompts", [["ab", "cd"], [encode("ab"), encode("cd")], ["ab", encode("cd")]]
)
def test_prompts_of_a_batch_have_a_choice_each(url: str, prompts: list[Any]) -> None:
    body = complete(url, prompt=prompts)

    answers = [(choice["index"], choice["text"]) for choice in body["choices"]]
    assert answers == [(0, "AB"), (1, "CD")]


def test_copies_of_an_answer_stand_side_by_side(url: str) -> None:
    body = complete(url, prompt=["a", "b"], n=2)

    answers = [(choice["index"], choice["text"]) for choice in body["choices"]]
    assert answers == [(0, "A"), (1, "A"), (2, "B"), (3, "B")]


@pytest.mark.parametrize("stop", ["C", ["Z", "C"]])
def test_a_text_ends_before_a_stop(url: str, stop: Any) -> None:
    choice = complete(url, prompt="abcd", stop=stop)["choices"][0]

    assert (choice["text"], choice["finish_reason"]) == ("AB", "stop")


def test_a_batch_with_an_error_in_it_is_that_error(url: str) -> None:
    status, body = post(f"{url}/completions", {"prompt": ["a", "busy"]})

    assert status == 429
    assert body["error"]["message"] == "busy"


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"prompt": []}, "empty"),
        ({"prompt": [[]]}, "text or a list of token ids"),
        ({"prompt": [VOCABULARY_SIZE]}, "not a token"),
        ({"prompt": [[1, "a"]]}, "not a token"),
        ({"prompt": ["a"], "n": 0}, "n must be"),
        ({"prompt": ["a"], "stream": True}, "stream"),
    ],
)
def test_a_prompt_that_is_none_is_refused(
    url: str, payload: dict[str, Any], words: str
) -> None:
    status, body = post(f"{url}/completions", payload)

    assert status == 400
    assert words in body["error"]["message"]


def test_the_server_splits_and_joins_texts_for_its_clients(url: str) -> None:
    root = url.removesuffix("/v1")

    _, dressed = post(f"{root}/tokenize", {"prompt": "Is it?"})
    _, bare = post(
        f"{root}/tokenize", {"prompt": "Is it?", "add_special_tokens": False}
    )
    _, text = post(f"{root}/detokenize", {"tokens": bare["tokens"]})

    assert dressed["tokens"] == [BOS, *bare["tokens"]]
    assert bare["count"] == len(bare["tokens"]) == 4
    assert text == {"prompt": "Is it?"}


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("tokenize", {"prompt": ["a"]}),
        ("detokenize", {"tokens": "a"}),
        ("detokenize", {"tokens": [-1]}),
    ],
)
def test_what_cannot_be_split_or_joined_is_refused(
    url: str, path: str, payload: dict[str, Any]
) -> None:
    status, _ = post(f"{url.removesuffix('/v1')}/{path}", payload)

    assert status == 400


def test_the_official_client_reads_an_echo(url: str) -> None:
    from openai import OpenAI

    with OpenAI(base_url=url, api_key="none") as client:
        completion = client.completions.create(
            model="m", prompt=["ab", "cd"], echo=True, logprobs=1, max_tokens=1
        )

    assert [choice.text for choice in completion.choices] == ["abA", "cdC"]
    logprobs = completion.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.text_offset == [0, 3, 4, 5]
