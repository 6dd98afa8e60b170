"""One attempt of one request: a response, or an error of ours, whoever wrote the backend."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from msgspec.structs import astuple

from pytest_evalkit.engine.deadline import PatientTimeout
from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.models.backend import Backend, respond
from pytest_evalkit.values import (
    AnyResponse,
    LoglikelihoodResponse,
    Request,
    Response,
    Usage,
)

_TIMES = ("started_at", "latency_s")
# What is beyond is no count that anybody made, and no column of numbers holds.
_MOST = 2**53
# The usual ones first: asking an abstract class takes ten times as long.
_WHOLE: Any = (int, Integral)
_NUMBERS = (float, int, Real)


async def respond_once(
    backend: Backend, request: Request, seconds: float, *, has_answered: bool
) -> AnyResponse:
    """Ask a backend once.

    Args:
        backend: Whatever answers.
        request: What is asked.
        seconds: The longest time that it may take.
        has_answered: Whether it has answered before, so that what may be the refusal of
            one request is taken for that.

    Raises:
        ModelUnavailableError: No request will be answered.
        TransientModelError: There is no answer this time.
        RequestRejectedError: There will be none, or what came is none.
    """
    try:
        with PatientTimeout(seconds):
            response = await respond(backend, request)
    except ModelUnavailableError as error:
        if error.may_be_one_request and has_answered:
            raise RequestRejectedError(str(error)) from error
        raise
    except ModelError:
        raise
    except TimeoutError as error:
        raise TransientModelError(f"no answer within {seconds:g} s") from error
    except asyncio.CancelledError as error:
        if _is_cancelled_from_outside():
            raise
        raise RequestRejectedError("the backend cancelled itself") from error
    except (Exception, SystemExit) as error:
        # Backends of users may raise anything; it is the request that failed.
        raise RequestRejectedError(f"{type(error).__name__}: {error}") from error
    _check(response)
    return response


def _is_cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _check(response: object) -> None:
    """Make sure that an answer is one.

    Raises:
        RequestRejectedError: It is none.
    """
    if isinstance(response, Response | LoglikelihoodResponse):
        text: object = getattr(response, "text", "")
        if isinstance(text, str):
            _check_figures(response)
            return
        told = f"a Response whose text is {text!r}"
    else:
        told = f"a {type(response).__name__}"
    raise RequestRejectedError(
        f"the backend returned {told}; it must return a Response with a text"
    )


def _check_figures(response: AnyResponse) -> None:
    """Make sure that counts and times can be recorded, and read again.

    Raises:
        RequestRejectedError: One is no count, or no time.
    """
    usage, timing = response.usage, response.timing
    counts: Sequence[Any] = () if usage is None else astuple(usage)
    for name, count in zip(Usage.__struct_fields__, counts, strict=False):
        # Libraries have whole numbers of their own.
        if count is None or (isinstance(count, _WHOLE) and 0 <= count <= _MOST):
            continue
        raise RequestRejectedError(
            f"the backend returned {count!r} as {name} of its Usage; a count is a whole "
            "number from 0, or None"
        )
    for name in () if timing is None else _TIMES:
        seconds: Any = getattr(timing, name)
        if not (isinstance(seconds, _NUMBERS) and math.isfinite(seconds)):
            raise RequestRejectedError(
                f"the backend returned {seconds!r} as {name} of its Timing, which are "
                "seconds"
            )
