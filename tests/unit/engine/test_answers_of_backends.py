from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_evalkit.engine.attempt import respond_once
from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.messages import Message
from pytest_evalkit.models import MockBackend
from pytest_evalkit.values import Generate, Response, Timing, Usage


def answered(answer: Any) -> Any:
    async def respond(_: Generate) -> Any:
        return answer

    backend = MockBackend(respond)
    request = Generate(messages=(Message.of_text("user", "q"),))
    return asyncio.run(respond_once(backend, request, 5.0, has_answered=True))


def timed(**fields: Any) -> Timing:
    return Timing(**{"started_at": 1.0, "latency_s": 0.5, **fields})


@pytest.mark.parametrize(
    "usage",
    [
        None,
        Usage(),
        Usage(input_tokens=0, output_tokens=2**53),
    ],
)
def test_what_is_not_told_is_not_missed(usage: Usage | None) -> None:
    answer = Response(text="a", usage=usage)

    assert answered(answer) is answer


def test_figures_may_be_numbers_of_any_library() -> None:
    import numpy as np

    tokens: Any = np.int64(3)
    usage = Usage(input_tokens=tokens)
    answer = Response(text="a", usage=usage, timing=timed(latency_s=np.float32(0.5)))

    assert answered(answer) is answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "a NoneType; it must return a Response with a text"),
        (Response(text=None), "a Response whose text is None"),  # type: ignore[arg-type]
        (Response(text="a", usage=Usage(input_tokens=-1)), "-1 as input_tokens of its"),
        (
            Response(text="a", usage=Usage(output_tokens=1.5)),  # type: ignore[arg-type]
            "1.5 as output_tokens of its Usage; a count is a whole number from 0, or",
        ),
        (Response(text="a", usage=Usage(cached_tokens=2**64)), "as cached_tokens of"),
        (
            Response(text="a", timing=timed(latency_s=float("nan"))),
            "nan as latency_s of its Timing, which are seconds",
        ),
        (Response(text="a", timing=timed(started_at="now")), "'now' as started_at of"),
    ],
)
def test_what_could_not_be_read_again_is_no_answer(answer: Any, told: str) -> None:
    with pytest.raises(RequestRejectedError, match=r"^the backend returned ") as caught:
        answered(answer)

    assert told in str(caught.value)
