from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.engine import (
    Allowance,
    Budget,
    Control,
    Engine,
    Model,
    ResponseCache,
)
from pytest_evalkit.engine.response_cache import CacheCounts
from pytest_evalkit.errors import (
    BudgetSpentError,
    ModelUnavailableError,
    OptionError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.messages import ImagePart, ImageSource, Message, ToolCallPart
from pytest_evalkit.models.backend import Identity
from pytest_evalkit.models.mock import MockBackend
from pytest_evalkit.tools import ToolResult
from pytest_evalkit.values import (
    Generate,
    GenerationParameters,
    Loglikelihood,
    LoglikelihoodResponse,
    Origin,
    Recalled,
    Request,
    Response,
    RollingLoglikelihood,
    Timing,
    Tool,
    Usage,
)

USAGE = Usage(input_tokens=5, output_tokens=2)


class Known(MockBackend):
    """Answers in capitals, counts what it is asked, and says what that depends on."""

    def __init__(self, handler: Any = None, **facts: Any) -> None:
        super().__init__(self._said, likelihood=self._worth)
        self.handler = handler
        self.facts: Mapping[str, Any] = {"model": "m", **facts}
        self.asked = 0
        self.told = 0

    async def identity(self) -> Identity:
        self.told += 1
        return Identity(facts=self.facts, temperature=None)

    def _said(self, request: Generate) -> Any:
        self.asked += 1
        if self.handler is not None:
            return self.handler(request)
        text = request.messages[-1].text.upper()
        return Response(text=text, finish_reason="stop", usage=USAGE)

    def _worth(self, request: Any) -> LoglikelihoodResponse:
        self.asked += 1
        return LoglikelihoodResponse(logprob=-1.5, is_greedy=False)


class Stranger(Known):
    """Cannot say what its answers depend on, for one reason after another."""

    def __init__(self, *reasons: Exception) -> None:
        super().__init__()
        self.reasons = list(reasons)

    async def identity(self) -> Identity:
        if self.reasons:
            raise self.reasons.pop(0)
        return await super().identity()


def question(text: str = "hello", repeat: int = 0, **parameters: Any) -> Generate:
    return Generate(
        messages=(Message.of_text("user", text),),
        parameters=GenerationParameters(**{"temperature": 0.0, **parameters}),
        origin=Origin(task="t", doc_id=0, doc={}, repeat=repeat),
    )


@contextmanager
def engine_of(
    backend: MockBackend, folder: Path, *, keeps_sampled: bool = False, **control: Any
) -> Iterator[Engine]:
    with closing(ResponseCache(folder, keeps_sampled=keeps_sampled)) as cache:
        yield Engine(backend, control=Control(cache=cache, **control))


def counts(engine: Engine) -> CacheCounts:
    cache = engine._control.cache
    assert cache is not None
    return cache.counts


def ask(engine: Engine, *requests: Request) -> list[Any]:
    async def all_of_them() -> list[Any]:
        return [await engine.ask(request) for request in requests]

    return asyncio.run(all_of_them())


def asked_anew(
    folder: Path, backend: Known, *requests: Request, **keywords: Any
) -> int:
    """Ask with a backend of the same cache; tell how much reached the backend."""
    with engine_of(backend, folder, **keywords) as engine:
        ask(engine, *requests)
    return backend.asked


def test_a_question_is_asked_once_over_all_runs(tmp_path: Path) -> None:
    requests: list[Request] = [question(text) for text in "abc"]
    requests += [
        Loglikelihood(context="a", continuation="b"),
        RollingLoglikelihood(text="ab"),
    ]

    first = asked_anew(tmp_path, Known(), *requests)
    second = asked_anew(tmp_path, Known(), *reversed(requests))

    assert (first, second) == (5, 0)


def test_a_recalled_answer_tells_what_it_was_when_it_was_asked(tmp_path: Path) -> None:
    asked_anew(tmp_path, Known(), question())

    with engine_of(Known(), tmp_path) as engine:
        (found,) = ask(engine, question())

    assert found == Response(
        text="HELLO",
        finish_reason="stop",
        usage=USAGE,
        attempts=0,
        recalled=Recalled(requests=1, usage=USAGE),
    )


def test_another_backend_is_asked_itself(tmp_path: Path) -> None:
    asked_anew(tmp_path, Known(), question())

    assert asked_anew(tmp_path, Known(revision="2"), question()) == 1


def test_each_repeat_is_a_question_of_its_own(tmp_path: Path) -> None:
    repeats = [question(repeat=n) for n in range(3)]

    assert asked_anew(tmp_path, Known(), *repeats) == 3
    assert asked_anew(tmp_path, Known(), *repeats) == 0


def test_sampled_answers_are_kept_only_where_that_is_asked_for(tmp_path: Path) -> None:
    sampled = [question(temperature=0.7), question(temperature=None)]

    asked_anew(tmp_path, Known(), *sampled)
    again = asked_anew(tmp_path, Known(), *sampled, keeps_sampled=True)
    recalled = asked_anew(tmp_path, Known(), *sampled, keeps_sampled=True)
    with engine_of(Known(), tmp_path) as engine:
        ask(engine, *sampled, question())

    assert (again, recalled) == (2, 0)
    assert counts(engine) == CacheCounts(misses=1, stores=1, sampled=2)


@pytest.mark.parametrize(
    "error", [RequestRejectedError("too long"), ModelUnavailableError("gone")]
)
def test_a_failure_is_never_kept(tmp_path: Path, error: Exception) -> None:
    def fail(_: Generate) -> str:
        raise error

    with (
        engine_of(Known(fail), tmp_path) as engine,
        pytest.raises(type(error), match=str(error)),
    ):
        ask(engine, question())

    assert asked_anew(tmp_path, Known(), question()) == 1


def test_a_hit_takes_no_place_in_flight(tmp_path: Path) -> None:
    asked_anew(tmp_path, Known(), question("kept"))
    gate = asyncio.Event()

    async def wait(request: Generate) -> str:
        await gate.wait()
        return request.messages[-1].text

    async def run(engine: Engine) -> Response:
        slow = asyncio.ensure_future(engine.ask(question("new")))
        await asyncio.sleep(0)
        found = await engine.ask(question("kept"))
        gate.set()
        await slow
        return found

    with closing(ResponseCache(tmp_path)) as cache:
        engine = Engine(Known(wait), max_concurrency=1, control=Control(cache=cache))
        found = asyncio.run(run(engine))

    assert found.text == "KEPT"


def test_a_hit_costs_no_budget_and_needs_none(tmp_path: Path) -> None:
    asked_anew(tmp_path, Known(), question("kept"))
    budget = Budget(Allowance(max_total_tokens=7))

    with engine_of(Known(), tmp_path, budget=budget) as engine:
        ask(engine, question("kept"))
        unspent = budget.total_tokens
        ask(engine, question("new"), question("kept"))
        with pytest.raises(BudgetSpentError):
            ask(engine, question("newer"))

    assert (unspent, budget.total_tokens) == (0, 7)


def test_a_backend_says_once_what_its_answers_depend_on(tmp_path: Path) -> None:
    backend = Known()

    async def at_once(engine: Engine) -> None:
        await asyncio.gather(*(engine.ask(question(text)) for text in "abcdef"))

    with engine_of(backend, tmp_path) as engine:
        asyncio.run(at_once(engine))
        asyncio.run(at_once(engine))

    assert backend.told == 1


def test_a_backend_that_cannot_say_just_now_is_asked_all_the_same(
    tmp_path: Path,
) -> None:
    backend = Stranger(TransientModelError("HTTP 503"))

    with engine_of(backend, tmp_path) as engine:
        ask(engine, question(), question())

    assert backend.asked == 2
    assert counts(engine) == CacheCounts(misses=1, stores=1)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (ModelUnavailableError("no weights"), "no weights"),
        (KeyError("x"), r"identity\(\) of model 'mock' failed: KeyError: 'x'"),
    ],
)
def test_a_backend_that_never_can_say_ends_the_run(
    tmp_path: Path, reason: Exception, told: str
) -> None:
    with (
        engine_of(Stranger(reason), tmp_path) as engine,
        pytest.raises(ModelUnavailableError, match=told),
    ):
        ask(engine, question())


def test_a_backend_without_identity_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(OptionError, match="'mock' does not tell what its answers"),
        engine_of(MockBackend(lambda _: "4"), tmp_path),
    ):
        pass


def seen(path: Path) -> Generate:
    image = ImagePart(ImageSource.of(str(path)))
    return Generate(
        messages=(Message("user", (image,)),),
        parameters=GenerationParameters(temperature=0.0),
    )


def test_a_file_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    one.write_bytes(b"\x89PNG\r\n\x1a\n1")
    two.write_bytes(b"\x89PNG\r\n\x1a\n1")
    cache = tmp_path / "cache"

    assert asked_anew(cache, Known(), seen(one)) == 1
    assert asked_anew(cache, Known(), seen(two)) == 0
    one.write_bytes(b"\x89PNG\r\n\x1a\n2")
    assert asked_anew(cache, Known(), seen(one)) == 1


def test_a_file_that_cannot_be_read_is_told_by_whoever_is_asked(tmp_path: Path) -> None:
    def look(request: Generate) -> str:
        (part,) = request.messages[0].media
        return part.source.sha256

    with (
        engine_of(Known(look), tmp_path) as engine,
        pytest.raises(RequestRejectedError, match=r"cannot read image .*gone\.png"),
    ):
        ask(engine, seen(tmp_path / "gone.png"))


class ToolUsing(Known):
    """Calls a tool, and says what it was told."""

    def __init__(self) -> None:
        super().__init__(use_a_tool)
        self.toolbox = Adding()


class Adding:
    """One tool, which counts its calls."""

    max_turns = 3

    def __init__(self) -> None:
        self.calls = 0

    async def tools(self) -> tuple[Tool, ...]:
        return (Tool(name="add", description="", parameters={}),)

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        self.calls += 1
        return ToolResult(text=str(sum(arguments.values())))

    async def aclose(self) -> None:
        pass


def use_a_tool(request: Generate) -> Response:
    timing = Timing(started_at=0.0, latency_s=0.25)
    if request.messages[-1].role == "tool":
        return Response(text="5", usage=USAGE, timing=timing)
    call = ToolCallPart("1", "add", '{"a": 2, "b": 3}')
    return Response(text="", tool_calls=(call,), usage=USAGE, timing=timing)


def answered(engine: Engine, request: Generate) -> Response:
    return asyncio.run(Model(engine, asyncio.run).answer(request))


def test_each_request_of_a_tool_loop_is_recalled_by_itself(tmp_path: Path) -> None:
    first, second = ToolUsing(), ToolUsing()

    with engine_of(first, tmp_path) as engine:
        answered(engine, question("2+3"))
    with engine_of(second, tmp_path) as engine:
        found = answered(engine, question("2+3"))

    assert (first.asked, second.asked) == (2, 0)
    assert second.toolbox.calls == 1
    both = Usage(input_tokens=10, output_tokens=4)
    assert found.text == "5"
    assert found.recalled == Recalled(requests=2, usage=both, latency_s=0.5)
    assert (found.usage, found.timing, found.attempts) == (both, None, 0)
