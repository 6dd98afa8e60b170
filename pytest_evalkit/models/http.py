"""Requests to OpenAI-compatible endpoints: connections, and what can go wrong.

One attempt each and no time limit: retries and deadlines are the caller's. Every error
of the wire becomes one of ours here and nowhere else.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Coroutine
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from pytest_evalkit.errors import ModelUnavailableError, TransientModelError
from pytest_evalkit.models.connection import Connection
from pytest_evalkit.models.masking import masked_url
from pytest_evalkit.models.openai_failure import AnswerReader
from pytest_evalkit.models.per_loop import PerLoop

if TYPE_CHECKING:
    from aiohttp import ClientConnectorError, ClientSession

_LARGE_BYTES = 1 << 18


class Listener(Protocol):
    """Takes in a stream while it comes."""

    @property
    def is_complete(self) -> bool:
        """Whether all that matters has come."""
        ...

    def feed(self, content: bytes, at: float) -> None:
        """Take in the next bytes.

        Args:
            content: The bytes.
            at: Seconds of ``time.monotonic`` when they came.
        """
        ...


class Wire(Protocol):
    """Carries payloads to one URL of an endpoint."""

    async def post(self, body: bytes) -> dict[str, Any]:
        """Send a JSON text and return the JSON object that comes back.

        Raises:
            TransientModelError: No answer came, but one may come another time.
            RequestRejectedError: The endpoint does not accept this request.
            ModelUnavailableError: It accepts none from us.
        """
        ...

    async def stream(self, body: bytes, listener: Listener) -> dict[str, Any] | None:
        """Send a JSON text and hand on what comes back, as it comes.

        Returns:
            None; or the JSON object that came where the endpoint does not stream.

        Raises:
            TransientModelError: As ``post``.
            RequestRejectedError: As ``post``.
            ModelUnavailableError: As ``post``.
            ModelError: Whatever the listener raises.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Transport:
    """Carries payloads through aiohttp, one connection pool for each event loop.

    Args:
        url: Where requests go.
        model: The model asked for, to be named in errors.
        connection: How to get there.
        reader: Reads what comes back; None for one of OpenAI's endpoints.
    """

    def __init__(
        self,
        *,
        url: str,
        model: str,
        connection: Connection,
        reader: AnswerReader | None = None,
    ) -> None:
        self._url = url
        self._connection = connection
        self._reader = reader or AnswerReader(
            url=url, model=model, secrets=connection.secrets(url)
        )
        self._sessions = PerLoop(self._open, lambda session: session.closed)

    def post(self, body: bytes) -> Coroutine[Any, Any, dict[str, Any]]:
        """Send a JSON text and return the JSON object that comes back.

        Raises:
            TransientModelError: No answer came, but one may come another time.
            RequestRejectedError: The endpoint does not accept this request.
            ModelUnavailableError: It accepts none from us.
        """
        return self._whole("POST", body)

    async def get(self) -> dict[str, Any]:
        """Return the JSON object that is to be had without asking anything.

        Raises:
            TransientModelError: As ``post``.
            RequestRejectedError: As ``post``.
            ModelUnavailableError: As ``post``.
        """
        return await self._whole("GET", None)

    async def stream(self, body: bytes, listener: Listener) -> dict[str, Any] | None:
        """Send a JSON text and hand on what comes back, as it comes.

        A connection that breaks after all that matters has come has done its work.

        Returns:
            None; or the JSON object that came where the endpoint does not stream.

        Raises:
            TransientModelError: As ``post``.
            RequestRejectedError: As ``post``.
            ModelUnavailableError: As ``post``.
            ModelError: Whatever the listener raises.
        """
        session = await self._sessions.get()
        whole: bytes | None = None
        try:
            async with session.post(
                self._url,
                data=_in_pieces(body),
                allow_redirects=False,
                proxy=self._connection.proxy,
            ) as response:
                is_good = response.status == HTTPStatus.OK
                if is_good and response.content_type != "application/json":
                    async for content in response.content.iter_any():
                        listener.feed(content, time.monotonic())
                else:
                    whole = await response.read()
        except _broken() as error:
            if not listener.is_complete:
                raise _told(error, self._url) from error
            return None
        if whole is None:
            return None
        if not is_good:
            raise self._reader.failure(response.status, response.headers, whole)
        return self._reader.answer(whole)

    async def aclose(self) -> None:
        """Close the connections of this loop and of those that can be reached.

        A loop that stands still closes its own when it is shut down.
        """
        await self._sessions.aclose()

    async def _whole(self, method: str, body: bytes | None) -> dict[str, Any]:
        session = self._sessions.present or await self._sessions.get()
        try:
            # Reading to the end gives the connection back, as failing does: a block
            # around it would be stepped through for nothing.
            response = await session.request(
                method,
                self._url,
                data=None if body is None else _in_pieces(body),
                allow_redirects=False,
                proxy=self._connection.proxy,
            )
            # Mostly the whole of an answer has come with its head.
            has_come = response.content.is_eof()
            content = (
                response.content.read_nowait() if has_come else await response.read()
            )
        except _broken() as error:
            raise _told(error, self._url) from error
        if response.status != HTTPStatus.OK:
            raise self._reader.failure(response.status, response.headers, content)
        return self._reader.answer(content)

    async def _open(self) -> AsyncGenerator[ClientSession, None]:
        import aiohttp

        connection = self._connection
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=connection.trusted()),
            headers={"Content-Type": "application/json", **connection.all_headers()},
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=connection.trust_env,
        )
        try:
            yield session
        finally:
            await session.close()


def _in_pieces(body: bytes) -> bytes | BytesIO:
    """Have a large body sent piece by piece: others may take their turn between."""
    return BytesIO(body) if len(body) > _LARGE_BYTES else body


def _broken() -> tuple[type[Exception], ...]:
    """List what aiohttp raises where there is no connection, or it broke."""
    import aiohttp

    return aiohttp.ClientError, OSError


def _told(error: Exception, url: str) -> ModelUnavailableError | TransientModelError:
    """Tell an error of the connection as one of ours.

    Args:
        error: One of those of ``_broken``.
        url: Where the connection goes.
    """
    import aiohttp

    place = masked_url(url)
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.InvalidURL):
        return ModelUnavailableError(f"cannot talk to {place}: {error}; check base_url")
    if isinstance(error, aiohttp.ClientConnectorError):
        return TransientModelError(
            f"cannot reach {place}: {_why_not(error)}", is_unreachable=True
        )
    return TransientModelError(
        f"{place} broke off the connection: {error or type(error).__name__}"
    )


def _why_not(error: ClientConnectorError) -> str:
    """Say why there is no connection, as the system says it."""
    number = error.os_error.errno
    # What looking names up says has numbers of its own, below zero.
    if number is not None and number > 0:
        return os.strerror(number)
    return error.strerror or str(error)
