"""Tasks of likelihoods on a completions endpoint, from the command line to the scores.

The mock model's likelihoods are a function of two tokens, so what the scores must be is
worked out here from that function alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.mockserver import MockServer, Reply
from pytest_evalkit.mockserver.likelihood import logprobs_at
from pytest_evalkit.mockserver.tokenizing import BOS, encode

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite, Start

# Of different lengths, lest the mean of a choice and its sum rank them alike.
CHOICES = ["no", "yes, and more than once", "that is not known", "A"]
TEXTS = [
    "The answer is in the question.",
    "What is on the other side?\n\nNothing was, then something.",
    "naïve 答案",
    "One more, and a longer one that is not at all like the others are.",
]
WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")])


def likelihood(tokens: list[int], asked: int) -> float:
    """Add up what the mock model finds of the tokens at the end of a text."""
    places = range(len(tokens) - asked, len(tokens))
    return math.fsum(logprobs_at(tokens, place)[tokens[place]] for place in places)


def choice_likelihoods(question: str) -> list[float]:
    given = encode(question)
    wholes = [encode(f"{question} {choice}") for choice in CHOICES]
    return [likelihood(whole, len(whole) - len(given)) for whole in wholes]


def one_more(_: Mapping[str, Any]) -> str:
    """Generate something: it follows what is echoed, and must not count."""
    return " and"


def ask(suite: ArithSuite, server: MockServer, *more: str, batch_size: int = 1) -> None:
    result = suite.run(
        "--model=openai-completions",
        f"--model-args=model=served,base_url={server.url},batch_size={batch_size}",
        *more,
        "arith",
    )
    assert result.ret == pytest.ExitCode.OK, result.stdout.str()


def completions(server: MockServer) -> list[dict[str, Any]]:
    return [one.body for one in server.received if one.path == "/v1/completions"]


def best(values: list[float]) -> int:
    return values.index(max(values))


@WORKERS
def test_a_task_of_choices_is_scored_by_what_the_server_finds_likely(
    arith_suite: ArithSuite, start: Start, workers: tuple[str, ...]
) -> None:
    questions = [f"Question {n}: is it {2 * n}?\nAnswer:" for n in range(12)]
    ranked = [choice_likelihoods(question) for question in questions]
    lengths = [len(choice) for choice in CHOICES]
    by_length = [
        [one / length for one, length in zip(row, lengths, strict=True)]
        for row in ranked
    ]
    targets = [n % len(CHOICES) for n in range(len(questions))]
    arith_suite.task(
        rows=[
            {"id": f"q{n}", "question": question, "target": target}
            for n, (question, target) in enumerate(zip(questions, targets, strict=True))
        ],
        output_type="multiple_choice",
        doc_to_text="{{question}}",
        doc_to_choice=CHOICES,
        doc_to_target="target",
        metric_list=[{"metric": "acc"}, {"metric": "acc_norm"}],
        metadata=None,
    )
    server = start(one_more)

    ask(arith_suite, server, *workers, batch_size=4)

    wins = [best(row) == target for row, target in zip(ranked, targets, strict=True)]
    norm = [best(row) == target for row, target in zip(by_length, targets, strict=True)]
    assert 0 < sum(wins) < len(wins)
    assert wins != norm
    assert arith_suite.score(metric="acc") == sum(wins) / len(wins)
    assert arith_suite.score(metric="acc_norm") == sum(norm) / len(norm)
    for n, sample in enumerate(arith_suite.samples()):
        assert sample["acc"] == wins[n]
        told = [float(one[0]) for one in sample["filtered_resps"]]
        assert told == pytest.approx(ranked[n])


@WORKERS
def test_the_choices_of_documents_share_requests_and_none_is_asked_twice(
    arith_suite: ArithSuite, start: Start, workers: tuple[str, ...]
) -> None:
    arith_suite.task(
        output_type="multiple_choice",
        doc_to_choice=CHOICES,
        doc_to_target=0,
        metric_list=[{"metric": "acc"}],
    )
    server = start(one_more)

    ask(arith_suite, server, *workers, batch_size=4)

    bodies = completions(server)
    prompts = [tuple(prompt) for body in bodies for prompt in body["prompt"]]
    assert len(prompts) == len(set(prompts)) == 6 * len(CHOICES)
    assert max(len(body["prompt"]) for body in bodies) == 4
    assert len(bodies) <= len(prompts) / 2
    assert all(body["echo"] and body["logprobs"] == 1 for body in bodies)


@WORKERS
def test_a_task_of_whole_texts_is_scored_by_what_the_server_finds_likely(
    arith_suite: ArithSuite, start: Start, workers: tuple[str, ...]
) -> None:
    arith_suite.task(
        rows=[{"id": f"t{n}", "page": text} for n, text in enumerate(TEXTS)],
        output_type="loglikelihood_rolling",
        doc_to_text="",
        doc_to_target="{{page}}",
        metric_list=[
            {"metric": "word_perplexity"},
            {"metric": "byte_perplexity"},
            {"metric": "bits_per_byte"},
        ],
        metadata=None,
    )
    server = start(one_more)

    ask(arith_suite, server, *workers, batch_size=3)

    found = [likelihood([BOS, *encode(text)], len(encode(text))) for text in TEXTS]
    words = sum(len(text.split()) for text in TEXTS)
    octets = sum(len(text.encode()) for text in TEXTS)
    per_byte = -math.fsum(found) / octets
    assert arith_suite.score(metric="word_perplexity") == pytest.approx(
        math.exp(-math.fsum(found) / words)
    )
    assert arith_suite.score(metric="byte_perplexity") == pytest.approx(
        math.exp(per_byte)
    )
    assert arith_suite.score(metric="bits_per_byte") == pytest.approx(
        per_byte / math.log(2)
    )


def test_a_task_of_choices_stops_at_a_server_that_does_not_echo(
    arith_suite: ArithSuite, start: Start
) -> None:
    arith_suite.task(
        output_type="multiple_choice",
        doc_to_choice=CHOICES,
        doc_to_target=0,
        metric_list=[{"metric": "acc"}],
    )
    body = b'{"choices": [{"index": 0, "text": "x", "logprobs": null}]}'
    server = start(lambda _: Reply(body=body))

    result = arith_suite.run(
        "--model=openai-completions",
        f"--model-args=model=served,base_url={server.url}",
        "arith",
    )

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        ["*the server tells no log-probabilities of its tokens; use a server that *"]
    )
    assert not any("acc" in sample for sample in arith_suite.samples())
