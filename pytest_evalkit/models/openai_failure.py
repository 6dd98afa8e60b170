"""From what an endpoint sent back to a JSON object or one of our errors: no I/O."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.models.masking import masked_url
from pytest_evalkit.models.secret_values import SecretValues

_QUOTED_CHARACTERS = 300
_TRANSIENT_STATUSES = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
# What an endpoint answers to a stranger, or to anybody who asks for the wrong thing.
_AMBIGUOUS_STATUSES = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
)
# What error objects without a status say in ``code`` or ``type``, as the status that
# other endpoints answer in its place; written in small letters without separators.
_STATUS_OF_WORD = {
    "badrequesterror": HTTPStatus.BAD_REQUEST,
    "contentfilter": HTTPStatus.BAD_REQUEST,
    "contentpolicyviolation": HTTPStatus.BAD_REQUEST,
    "contextlengthexceeded": HTTPStatus.BAD_REQUEST,
    "invalidrequesterror": HTTPStatus.BAD_REQUEST,
    "authenticationerror": HTTPStatus.UNAUTHORIZED,
    "invalidapikey": HTTPStatus.UNAUTHORIZED,
    "modelnotfound": HTTPStatus.NOT_FOUND,
    "notfounderror": HTTPStatus.NOT_FOUND,
    "ratelimiterror": HTTPStatus.TOO_MANY_REQUESTS,
    "ratelimitexceeded": HTTPStatus.TOO_MANY_REQUESTS,
    "toomanyrequests": HTTPStatus.TOO_MANY_REQUESTS,
    "apierror": HTTPStatus.INTERNAL_SERVER_ERROR,
    "internalservererror": HTTPStatus.INTERNAL_SERVER_ERROR,
    "servererror": HTTPStatus.INTERNAL_SERVER_ERROR,
    "engineoverloaded": HTTPStatus.SERVICE_UNAVAILABLE,
    "overloadederror": HTTPStatus.SERVICE_UNAVAILABLE,
    "serviceunavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "timeout": HTTPStatus.GATEWAY_TIMEOUT,
}
# Refusals of what is said, which some gateways send as 403: the key is all right.
_FILTERED = frozenset({"contentfilter", "contentpolicyviolation", "moderation"})


class AnswerReader:
    """Reads what one endpoint sends back.

    Args:
        url: Where it is; named in errors.
        model: The model asked for; named in errors.
        key_variable: The environment variable of the key; named in errors.
        secrets: What it is sent and may say back; left out of errors, before what it
            says is cut, so that no part is left.
    """

    def __init__(
        self,
        *,
        url: str,
        model: str,
        key_variable: str = "OPENAI_API_KEY",
        secrets: SecretValues | None = None,
    ) -> None:
        self._key_variable = key_variable
        self._secrets = secrets or SecretValues()
        self._place = masked_url(url)
        self._model = model

    def answer(self, content: bytes) -> dict[str, Any]:
        """Read the body of a success.

        Raises:
            TransientModelError: It is no JSON object, or an error that may pass.
            RequestRejectedError: It is an error that will not.
            ModelUnavailableError: It is an error that every request would meet.
        """
        try:
            answer = decode(content)
        except CodecError as error:
            raise TransientModelError(
                f"{self._place} answered what is not JSON: {self._quoted(content)}"
            ) from error
        if not isinstance(answer, dict):
            raise TransientModelError(
                f"{self._place} answered no JSON object: {self._quoted(content)}"
            )
        if answer.get("error"):
            raise self._told(answer["error"], content) or RequestRejectedError(
                f"{self._place} answered an error: {self._said(content)}"
            )
        return answer

    def broken_off(self, error: Any, content: bytes) -> ModelError:
        """Judge an error object that came in the middle of a stream.

        What had begun to be answered was acceptable: unless the error says otherwise,
        it may pass.

        Args:
            error: The error object.
            content: The event that it came in.
        """
        return self._told(error, content) or TransientModelError(
            f"{self._place} broke off its answer: {self._said(content)}"
        )

    def failure(
        self, status: int, headers: Mapping[str, str], content: bytes
    ) -> ModelError:
        """Judge an answer by its HTTP status, which is not 200.

        Args:
            status: The status.
            headers: Its headers; names in any case must be found.
            content: Its body.
        """
        said = f"{self._place} answered {status}: {self._said(content)}"
        remedy = self._remedy(status, headers, content)
        if remedy is not None:
            return ModelUnavailableError(
                f"{said}; {remedy}", may_be_one_request=status in _AMBIGUOUS_STATUSES
            )
        if status in _TRANSIENT_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return TransientModelError(
                said, retry_after_s=retry_after_s(headers), status=status
            )
        return RequestRejectedError(said)

    def _remedy(
        self, status: int, headers: Mapping[str, str], content: bytes
    ) -> str | None:
        """Say what to do where no request will be answered; None where one may be."""
        if status == HTTPStatus.FORBIDDEN and _is_filtered(content):
            return None
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return f"check the key: {self._key_variable}, or the argument api_key"
        if status == HTTPStatus.NOT_FOUND:
            return f"check base_url, and that {self._model!r} is served there"
        if status < HTTPStatus.BAD_REQUEST:
            place = self._secrets.text(headers.get("Location", "nowhere"))
            return f"it points to {place}: set base_url to where the API is"
        if _is_out_of_quota(content):
            return "the account has no quota left"
        return None

    def _told(self, error: Any, content: bytes) -> ModelError | None:
        """Judge an error that came as a success by the status that it has inside."""
        status = _status_inside(error)
        return None if status is None else self.failure(status, {}, content)

    def _said(self, content: bytes) -> str:
        return _said(self._secrets.content(content))

    def _quoted(self, content: bytes) -> str:
        return _quoted(self._secrets.content(content))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read how long to wait, in seconds; None where that is not said.

    ``retry-after-ms``, the finer one of OpenAI and Azure, wins over ``Retry-After``,
    which tells seconds or a date (RFC 9110, section 10.2.3).
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    said = headers.get("Retry-After", "")
    seconds = _number(said)
    return _seconds_until(said) if seconds is None else max(0.0, seconds)


def _number(said: str) -> float | None:
    try:
        number = float(said)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seconds_until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def _status_inside(error: Any) -> int | None:
    if not isinstance(error, dict):
        return None
    told = (error.get("code"), error.get("status"), error.get("type"))
    statuses = (_status_told(one) for one in told)
    return next((status for status in statuses if status is not None), None)


def _status_told(told: Any) -> int | None:
    """Read a status written as a number, as digits or as a word."""
    if isinstance(told, str) and told.isdecimal():
        told = int(told)
    if isinstance(told, int):
        return told if told >= HTTPStatus.BAD_REQUEST else None
    return _STATUS_OF_WORD.get(_word(told))


def _word(told: Any) -> str:
    if not isinstance(told, str):
        return ""
    return told.lower().replace("_", "").replace("-", "")


def _is_filtered(content: bytes) -> bool:
    error = _error_of(content)
    if not isinstance(error, dict):
        return False
    metadata = error.get("metadata")
    is_flagged = isinstance(metadata, dict) and "flagged_input" in metadata
    return is_flagged or _word(error.get("code")) in _FILTERED


def _is_out_of_quota(content: bytes) -> bool:
    """Tell an empty account, which OpenAI reports as too many requests."""
    error = _error_of(content)
    return isinstance(error, dict) and error.get("code") == "insufficient_quota"


def _error_of(content: bytes) -> Any:
    try:
        answer = decode(content)
    except CodecError:
        return None
    if not isinstance(answer, dict):
        return None
    return answer.get("error") or answer.get("detail") or answer


def _said(content: bytes) -> str:
    """Find the endpoint's own words in the body of an error."""
    error = _error_of(content)
    message = error.get("message") if isinstance(error, dict) else error
    if isinstance(message, str) and message:
        return message[:_QUOTED_CHARACTERS]
    return _quoted(content)


def _quoted(content: bytes) -> str:
    text = content.decode(errors="replace").strip()
    return text[:_QUOTED_CHARACTERS] or "(an empty body)"
