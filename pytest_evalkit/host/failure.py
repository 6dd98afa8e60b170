"""Errors of a backend on their way to whoever asked: by status, and as they are."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import NotRequired, TypedDict

from pytest_evalkit.errors import (
    DatasetError,
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)

# What a client takes for an error that may pass.
_PASSING = frozenset({408, 409, 425, 429, *range(500, 600)})


class FailureDict(TypedDict):
    """An error between our own processes.

    Attributes:
        kind: ``transient``, ``rejected``, ``unavailable``, or ``dataset`` for a medium
            that the model cannot read.
        message: What went wrong, in one line.
        retry_after_s: Seconds to wait, where that was asked for.
        status: HTTP status of a refusal, where there was one.
        is_unreachable: Whether no connection could be made.
        may_be_one_request: Whether it may mean this request alone.
    """

    kind: str
    message: str
    retry_after_s: NotRequired[float | None]
    status: NotRequired[int | None]
    is_unreachable: NotRequired[bool]
    may_be_one_request: NotRequired[bool]


def as_model_error(error: BaseException) -> ModelError:
    """Take whatever a backend raised as an error of the model.

    What is not meant as one is the fault of a request, as it is to the engine.
    """
    if isinstance(error, ModelError):
        return error
    return RequestRejectedError(f"{type(error).__name__}: {error}")


def failure_dict(error: ModelError | DatasetError) -> FailureDict:
    """Write an error for another process of ours."""
    message = str(error)
    if isinstance(error, DatasetError):
        return {"kind": "dataset", "message": message}
    if isinstance(error, TransientModelError):
        return {
            "kind": "transient",
            "message": message,
            "retry_after_s": error.retry_after_s,
            "status": error.status,
            "is_unreachable": error.is_unreachable,
        }
    if isinstance(error, ModelUnavailableError):
        return {
            "kind": "unavailable",
            "message": message,
            "may_be_one_request": error.may_be_one_request,
        }
    return {"kind": "rejected", "message": message}


def error_of(failure: FailureDict) -> ModelError | DatasetError:
    """Read an error that another process of ours wrote."""
    message = failure["message"]
    if failure["kind"] == "dataset":
        return DatasetError(message)
    if failure["kind"] == "transient":
        return TransientModelError(
            message,
            retry_after_s=failure.get("retry_after_s"),
            is_unreachable=failure.get("is_unreachable", False),
            status=failure.get("status"),
        )
    if failure["kind"] == "unavailable":
        return ModelUnavailableError(
            message, may_be_one_request=failure.get("may_be_one_request", False)
        )
    return RequestRejectedError(message)


def status_of(error: ModelError) -> int:
    """Choose the status by which clients of the protocol understand an error."""
    if isinstance(error, TransientModelError):
        usual = HTTPStatus.SERVICE_UNAVAILABLE.value
        told = usual if error.status is None else error.status
        return told if told in _PASSING else usual
    if isinstance(error, ModelUnavailableError):
        return HTTPStatus.NOT_FOUND.value
    return HTTPStatus.BAD_REQUEST.value


def headers_of(error: ModelError) -> Mapping[str, str]:
    """Write the headers that belong to an error."""
    wait_s = error.retry_after_s if isinstance(error, TransientModelError) else None
    return {} if wait_s is None else {"Retry-After": f"{wait_s:g}"}
