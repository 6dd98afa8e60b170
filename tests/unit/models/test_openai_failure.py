from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.models.openai_failure import AnswerReader

READER = AnswerReader(url="http://me:hush@h/v1?key=hush", model="m")


def body(**error: Any) -> bytes:
    return json.dumps({"error": {"message": "no", **error}}).encode()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({}, RequestRejectedError),
        ({"code": "rate_limit_exceeded"}, TransientModelError),
        ({"type": "overloaded_error"}, TransientModelError),
        ({"status": 503}, TransientModelError),
        ({"code": "model_not_found"}, ModelUnavailableError),
        ({"code": None, "type": "invalid_request_error"}, RequestRejectedError),
        ({"code": "something_new", "type": 7}, RequestRejectedError),
    ],
)
def test_an_error_that_came_as_a_success_is_judged_by_what_it_says(
    error: dict[str, Any], kind: type[ModelError]
) -> None:
    with pytest.raises(kind, match="no") as failure:
        READER.answer(body(**error))

    assert "hush" not in str(failure.value)


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_that_may_pass_tells_its_status(status: int) -> None:
    failure = READER.failure(status, {"Retry-After": "3"}, body())

    assert isinstance(failure, TransientModelError)
    assert failure.status == status
    assert failure.retry_after_s == 3.0


@pytest.mark.parametrize(
    "error",
    [{"code": "content_filter"}, {"code": 403, "metadata": {"flagged_input": "x"}}],
)
def test_a_filter_that_answers_403_finds_fault_with_the_request_alone(
    error: dict[str, Any],
) -> None:
    assert isinstance(READER.failure(403, {}, body(**error)), RequestRejectedError)
    assert isinstance(READER.failure(403, {}, body()), ModelUnavailableError)


@pytest.mark.parametrize(
    ("status", "expected"), [(401, True), (403, True), (404, True), (301, False)]
)
def test_which_refusals_may_mean_one_request_is_told(
    status: int, expected: bool
) -> None:
    failure = READER.failure(status, {}, body())

    assert isinstance(failure, ModelUnavailableError)
    assert failure.may_be_one_request is expected


def test_an_empty_account_is_no_matter_of_one_request() -> None:
    failure = READER.failure(429, {}, body(code="insufficient_quota"))

    assert isinstance(failure, ModelUnavailableError)
    assert not failure.may_be_one_request


def test_a_date_that_is_none_delays_nothing() -> None:
    failure = READER.failure(503, {"Retry-After": "tomorrow"}, b"")

    assert isinstance(failure, TransientModelError)
    assert failure.retry_after_s is None
