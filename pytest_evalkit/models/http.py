"""Requests to OpenAI-compatible endpoints: connections, and what can go wrong.

One attempt each and no time limit: retries and deadlines are the caller's. Every error
of the wire becomes one of ours here and nowhere else.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.models.masking import masked_url

if TYPE_CHECKING:
    from aiohttp import ClientSession

_QUOTED_CHARACTERS = 300
_TRANSIENT_STATUSES = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)


class _Opened(NamedTuple):
    """A session, and the generator whose end closes it."""

    session: ClientSession
    lifetime: AsyncGenerator[ClientSession, None]


class Transport:
    """Posts JSON to one URL, over one connection pool for each event loop.

    Args:
        url: Where requests go.
        model: The model asked for, to be named in errors.
        headers: Sent with every request.
    """

    def __init__(self, *, url: str, model: str, headers: Mapping[str, str]) -> None:
        self._url = url
        self._model = model
        self._headers = {"Content-Type": "application/json", **headers}
        # A session belongs to the loop it was made on, and a run may use several.
        self._opened: dict[asyncio.AbstractEventLoop, _Opened] = {}

    async def post(self, body: bytes) -> dict[str, Any]:
        """Send a JSON text and return the JSON object that comes back.

        Raises:
            TransientModelError: No answer came, but one may come another time.
            RequestRejectedError: The endpoint does not accept this request.
            ModelUnavailableError: It accepts none from us.
        """
        session = await self._session()
        with _translated(self._url):
            async with session.post(
                self._url, data=body, allow_redirects=False
            ) as response:
                content = await response.read()
        if response.status != HTTPStatus.OK:
            raise self._failure(response.status, response.headers, content)
        return self._answer(content)

    async def aclose(self) -> None:
        """Close the connections of this loop and of those that can be reached.

        A loop that stands still closes its own when it is shut down.
        """
        current = asyncio.get_running_loop()
        for loop, opened in list(self._opened.items()):
            if loop is current or loop.is_closed():
                await opened.lifetime.aclose()
            elif loop.is_running():
                closing = asyncio.run_coroutine_threadsafe(_close(opened), loop)
                await asyncio.wrap_future(closing)
            else:
                continue
            self._opened.pop(loop, None)

    async def _session(self) -> ClientSession:
        loop = asyncio.get_running_loop()
        opened = self._opened.get(loop)
        if opened is None or opened.session.closed:
            self._forget_closed()
            lifetime = _session_lifetime(self._headers)
            opened = _Opened(await anext(lifetime), lifetime)
            self._opened[loop] = opened
        return opened.session

    def _forget_closed(self) -> None:
        for loop in [loop for loop in self._opened if loop.is_closed()]:
            self._opened.pop(loop, None)

    def _answer(self, content: bytes) -> dict[str, Any]:
        try:
            answer = decode(content)
        except CodecError as error:
            raise TransientModelError(
                f"{masked_url(self._url)} answered what is not JSON: {_quoted(content)}"
            ) from error
        if not isinstance(answer, dict):
            raise TransientModelError(
                f"{masked_url(self._url)} answered no JSON object: {_quoted(content)}"
            )
        if answer.get("error"):
            raise self._error_object(answer["error"], content)
        return answer

    def _error_object(self, error: Any, content: bytes) -> ModelError:
        """Judge an error that came as a success; some gateways put its status inside."""
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(code, int) and code >= HTTPStatus.BAD_REQUEST:
            return self._failure(code, {}, content)
        return RequestRejectedError(
            f"{masked_url(self._url)} answered an error: {_said(content)}"
        )

    def _failure(
        self, status: int, headers: Mapping[str, str], content: bytes
    ) -> ModelError:
        said = f"{masked_url(self._url)} answered {status}: {_said(content)}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return ModelUnavailableError(
                f"{said}; check the key: OPENAI_API_KEY, or api_key in --model-args"
            )
        if status == HTTPStatus.NOT_FOUND:
            return ModelUnavailableError(
                f"{said}; check base_url, and that {self._model!r} is served there"
            )
        if status < HTTPStatus.BAD_REQUEST:
            place = headers.get("Location", "nowhere")
            return ModelUnavailableError(
                f"{said}; it points to {place}: set base_url to where the API is"
            )
        if _is_out_of_quota(content):
            return ModelUnavailableError(f"{said}; the account has no quota left")
        if status in _TRANSIENT_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return TransientModelError(said, retry_after_s=_retry_after_s(headers))
        return RequestRejectedError(said)


async def _session_lifetime(
    headers: Mapping[str, str],
) -> AsyncGenerator[ClientSession, None]:
    """Hold a session open until this generator ends.

    A loop that is shut down ends its asynchronous generators: so the session is closed
    on its own loop even where nobody could call ``aclose`` there.
    """
    import aiohttp

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None),
    )
    try:
        yield session
    finally:
        await session.close()


async def _close(opened: _Opened) -> None:
    await opened.lifetime.aclose()


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Raise errors of the connection as ours.

    Raises:
        ModelUnavailableError: The certificate is not trusted, or the URL is none.
        TransientModelError: There is no connection, or it broke.
    """
    import aiohttp

    try:
        yield
    except (aiohttp.ClientSSLError, aiohttp.InvalidURL) as error:
        raise ModelUnavailableError(
            f"cannot talk to {masked_url(url)}: {error}; check base_url"
        ) from error
    except aiohttp.ClientConnectorError as error:
        raise TransientModelError(
            f"cannot reach {masked_url(url)}: {error.strerror or error}",
            is_unreachable=True,
        ) from error
    except (aiohttp.ClientError, OSError) as error:
        raise TransientModelError(
            f"{masked_url(url)} broke off the connection: "
            f"{error or type(error).__name__}"
        ) from error


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds or a date (RFC 9110, section 10.2.3)."""
    said = headers.get("Retry-After")
    if said is None:
        return None
    try:
        seconds = float(said)
    except ValueError:
        return _seconds_until(said)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


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
