"""What a run sends to an endpoint, seen by a server on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.mockserver import MockServer
from pytest_evalkit.mockserver.traffic import Received

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite, Start


@dataclass(frozen=True)
class Client:
    """A suite and the server that it is run against."""

    suite: ArithSuite
    server: MockServer

    def run(
        self, *options: str, model: str = "openai", args: str = "model=m", **keys: Any
    ) -> list[Received]:
        """Run the suite, and give what the server has been asked."""
        if keys:
            self.suite.task(**keys)
        model_args = f"{args},base_url={self.server.url}"
        result = self.suite.run("--model", model, "--model-args", model_args, *options)
        assert result.ret == 0, result.stdout.str()
        return self.server.received


@pytest.fixture
def client(arith_suite: ArithSuite, start: Start) -> Client:
    return Client(arith_suite, start())


def test_as_many_requests_as_documents_and_each_its_own(client: Client) -> None:
    received = client.run()

    said = [request.body["messages"] for request in received]
    assert len(received) == 6
    assert sorted(messages[0]["content"] for messages in said) == [
        "0+0=", "2*1=", "2*3=", "2*5=", "2+2=", "4+4=",
    ]  # fmt: skip
    assert {len(messages) for messages in said} == {1}
    assert client.suite.score() == 1.0


def test_each_repeat_is_a_request_with_a_seed_of_its_own(client: Client) -> None:
    received = client.run("--limit", "2", "--repeats", "3")

    seeds = sorted(request.body["seed"] for request in received)
    assert seeds == [1234, 1234, 1235, 1235, 1236, 1236]


@pytest.mark.parametrize(
    ("model", "path", "prompt"),
    [
        ("openai", "/v1/chat/completions", "messages"),
        ("local-chat-completions", "/v1/chat/completions", "messages"),
        ("local-completions", "/v1/completions", "prompt"),
    ],
)
def test_a_request_goes_where_its_protocol_says(
    client: Client, model: str, path: str, prompt: str
) -> None:
    received = client.run(model=model)

    assert {(request.method, request.path) for request in received} == {("POST", path)}
    assert all(prompt in request.body for request in received)


def test_a_payload_says_what_the_task_asks_for(client: Client) -> None:
    stops = ["Question:", "</s>", "<|im_end|>"]
    received = client.run(
        generation_kwargs={"until": stops, "do_sample": False, "temperature": 0.0}
    )

    body = dict(received[0].body)
    assert body.pop("messages")
    assert body == {
        "model": "m",
        "max_tokens": 1024,
        "temperature": 0.0,
        "stop": stops,
        "seed": 1234,
    }


@pytest.mark.parametrize("key", ["max_gen_toks", "max_new_tokens", "max_tokens"])
def test_the_length_that_a_task_asks_for_is_sent(client: Client, key: str) -> None:
    received = client.run(generation_kwargs={key: 512, "temperature": 0})

    assert {request.body["max_tokens"] for request in received} == {512}


def test_the_command_line_has_the_last_word_on_generation(client: Client) -> None:
    received = client.run(
        "--gen-kwargs",
        "temperature=0.7,max_gen_toks=9,top_p=0.9,seed=5",
        generation_kwargs={"max_gen_toks": 512, "temperature": 0},
    )

    body = received[0].body
    assert (body["temperature"], body["max_tokens"]) == (0.7, 9)
    assert (body["top_p"], body["seed"]) == (0.9, 5)


def test_a_model_may_have_any_name(client: Client) -> None:
    received = client.run(args="model=my-org/fine.tuned_7b:v2")

    assert {one.body["model"] for one in received} == {"my-org/fine.tuned_7b:v2"}
    assert client.suite.results()["model_name"] == "my-org/fine.tuned_7b:v2"


def test_a_key_and_headers_are_sent(client: Client) -> None:
    received = client.run(
        args='model=m,api_key=sk-1,headers={"X-Team": "evals", "X-Run": "7"}'
    )

    headers = received[0].headers
    assert headers["authorization"] == "Bearer sk-1"
    assert (headers["x-team"], headers["x-run"]) == ("evals", "7")
    assert headers["content-type"] == "application/json"


def test_the_key_is_taken_from_the_environment(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")

    received = client.run()

    assert received[0].headers["authorization"] == "Bearer sk-env"


def test_without_a_key_none_is_sent(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    assert "authorization" not in client.run()[0].headers


def many(count: int) -> list[dict[str, Any]]:
    return [
        {"id": f"q{n}", "category": "add", "question": f"{n}+1", "answer": str(n + 1)}
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("options", "args", "expected"),
    [
        (["--max-concurrency", "5"], "model=m", 5),
        ([], "model=m,num_concurrent=6", 6),
        ([], "model=m,num_cpus=4", 4),
        (["--max-concurrency", "5"], "model=m,num_concurrent=9", 5),
        (["--max-concurrency", "7", "-n", "2"], "model=m", 7),
        # Fewer than there are workers.
        (["--max-concurrency", "2", "-n", "3"], "model=m", 2),
        (["-n", "2"], "model=m,num_concurrent=1", 1),
    ],
)
def test_the_limit_is_reached_and_never_passed(
    arith_suite: ArithSuite,
    start: Start,
    options: list[str],
    args: str,
    expected: int,
) -> None:
    server = start(latency_s=0.15)

    Client(arith_suite, server).run(*options, args=args, rows=many(40))

    assert server.traffic.peak_in_flight == expected
    assert len(server.received) == 40


def test_requests_that_begin_alike_arrive_next_to_each_other(
    arith_suite: ArithSuite, start: Start
) -> None:
    server = start(lambda _: "1", latency_s=0.002)
    article = ["The first article. " * 20, "A second article. " * 20]
    rows = [
        {"id": f"q{n}", "question": f"{article[n % 2]} Question {n}", "answer": "1"}
        for n in range(40)
    ]
    keys: dict[str, Any] = {"rows": rows, "metadata": {"version": 1}}

    Client(arith_suite, server).run("--max-concurrency", "2", **keys)
    sorted_switches = switches(server)
    server.received.clear()
    Client(arith_suite, server).run(
        "--max-concurrency", "2", args="model=m,prefix_aware_queue=false", **keys
    )

    # Eight wait for their turn beside the two that are asked.
    assert sorted_switches < 20
    assert switches(server) == 39


def switches(server: MockServer) -> int:
    """Count how often an article differs from that before."""
    articles = [
        request.body["messages"][0]["content"][:5] for request in server.received
    ]
    return sum(a != b for a, b in pairwise(articles))


def test_a_limit_that_adapts_is_in_the_results(
    arith_suite: ArithSuite, start: Start
) -> None:
    server = start(latency_s=0.02, capacity=4, retry_after_s=0.1)

    Client(arith_suite, server).run(
        args="model=m,adaptive_concurrency=true,num_concurrent=8,max_retries=20",
        rows=many(60),
    )

    series = arith_suite.results()["concurrency"]
    assert (series[0]["limit"], series[0]["reason"]) == (8, "start")
    assert series[-1]["limit"] in {3, 4}
    assert [one["t_s"] for one in series] == sorted(one["t_s"] for one in series)
    assert server.traffic.peak_in_flight == 4
    assert arith_suite.score() == 1.0


def test_a_limit_that_stays_is_in_the_results_of_each_worker(client: Client) -> None:
    client.run("-n", "2", "--max-concurrency", "5")

    series = client.suite.results()["concurrency"]
    told = [(one["worker"], one["limit"], one["reason"]) for one in series]
    assert sorted(told) == [(0, 3, "fixed"), (1, 2, "fixed")]
