from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_evalkit.engine import drive
from pytest_evalkit.errors import ModelError, RequestRejectedError
from pytest_evalkit.messages import Message
from pytest_evalkit.values import Generate, Response


def question(text: str) -> Generate:
    return Generate(messages=(Message.of_text("user", text),))


async def upper(request: Generate) -> Response:
    text = request.messages[0].text
    await asyncio.sleep(0.01 if text == "slow" else 0)
    if text.startswith("bad"):
        raise RequestRejectedError(text)
    return Response(text=text.upper())


def asking(*texts: str) -> Generator[Sequence[Generate], Sequence[Response], list[str]]:
    responses = yield [question(text) for text in texts]
    return [response.text for response in responses]


def test_a_flow_gets_its_answers_in_the_order_it_asked() -> None:
    assert asyncio.run(drive(asking("slow", "quick"), upper)) == ["SLOW", "QUICK"]


def test_a_flow_may_ask_nothing() -> None:
    def flow(
        texts: list[str],
    ) -> Generator[Sequence[Generate], Sequence[Response], str]:
        for text in texts:
            yield [question(text)]
        return "concluded"

    assert asyncio.run(drive(flow([]), upper)) == "concluded"


def test_an_empty_question_gets_an_empty_answer() -> None:
    assert asyncio.run(drive(asking(), upper)) == []


def test_a_flow_may_ask_again_with_what_it_learnt() -> None:
    def dialogue() -> Generator[Sequence[Generate], Sequence[Response], str]:
        first = yield [question("a")]
        second = yield [question(first[0].text + "b")]
        return second[0].text

    assert asyncio.run(drive(dialogue(), upper)) == "AB"


def test_a_request_without_answer_is_raised_inside_the_flow() -> None:
    def with_fallback() -> Generator[Sequence[Generate], Sequence[Response], str]:
        try:
            yield [question("bad")]
        except ModelError as error:
            responses = yield [question(f"after {error}")]
            return responses[0].text
        return "answered"

    assert asyncio.run(drive(with_fallback(), upper)) == "AFTER BAD"


def test_a_flow_that_catches_nothing_ends_with_the_error() -> None:
    with pytest.raises(RequestRejectedError, match=r"^bad$"):
        asyncio.run(drive(asking("bad"), upper))


def test_of_several_failures_one_plain_error_is_left() -> None:
    with pytest.raises(RequestRejectedError, match=r"^bad "):
        asyncio.run(drive(asking("bad one", "slow", "bad two"), upper))


def test_a_flow_may_catch_the_error_and_conclude() -> None:
    def resigned() -> Generator[Sequence[Generate], Sequence[Response], str]:
        try:
            yield [question("bad"), question("a")]
        except ModelError:
            return "no judge"
        return "judged"

    assert asyncio.run(drive(resigned(), upper)) == "no judge"


def test_a_fault_of_the_flow_itself_passes_through() -> None:
    def faulty() -> Generator[Sequence[Generate], Sequence[Response], str]:
        yield [question("a")]
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError):
        asyncio.run(drive(faulty(), upper))


def test_a_flow_whose_steps_take_long_holds_nobody_up() -> None:
    def slow() -> Generator[Sequence[Generate], Sequence[Response], list[str]]:
        responses = yield [question("a")]
        assert went_on.wait(10)
        return [threading.current_thread().name, responses[0].text]

    async def go_on() -> None:
        went_on.set()

    async def both() -> list[str]:
        with ThreadPoolExecutor(1, thread_name_prefix="steps") as executor:
            flow = asyncio.create_task(drive(slow(), upper, executor))
            await asyncio.sleep(0)
            await go_on()
            return await flow

    went_on = threading.Event()

    assert asyncio.run(both()) == ["steps_0", "A"]


def test_a_flow_that_asks_nothing_changes_sides() -> None:
    def moving() -> Generator[Sequence[Generate], Sequence[Response], list[str]]:
        places = [threading.current_thread().name]
        for asked in ([], [question("a")], [], []):
            yield asked
            places.append(threading.current_thread().name)
        return places

    async def moved(executor: ThreadPoolExecutor | None) -> list[str]:
        return await drive(moving(), upper, executor)

    with ThreadPoolExecutor(1, thread_name_prefix="steps") as executor:
        places = asyncio.run(moved(executor))
    main = threading.current_thread().name

    assert places == ["steps_0", main, main, "steps_0", main]
    assert asyncio.run(moved(None)) == [main] * 5


def test_errors_pass_through_a_flow_whose_steps_run_elsewhere() -> None:
    async def failing() -> None:
        with ThreadPoolExecutor(1) as executor:
            await drive(asking("bad"), upper, executor)

    with pytest.raises(RequestRejectedError, match=r"^bad$"):
        asyncio.run(failing())
