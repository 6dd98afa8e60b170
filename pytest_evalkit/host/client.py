"""Asking a model that lives in processes of its own, as if it lived in this one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, TypedDict, cast

from msgspec import structs

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.errors import (
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.host.failure import error_of
from pytest_evalkit.host.media_wire import Wire, medium_wire
from pytest_evalkit.host.wire import (
    ASKS_FOR_DESCRIPTION,
    IDENTITY_PATH,
    REQUESTS_PATH,
    request_dict,
    response_of,
)
from pytest_evalkit.messages import MediaPart
from pytest_evalkit.models.backend import (
    Backend,
    Identity,
    LoglikelihoodBackend,
    StreamingBackend,
)
from pytest_evalkit.models.connection import Connection
from pytest_evalkit.models.encoding_pool import EncodingPool, Made
from pytest_evalkit.models.http import Transport
from pytest_evalkit.models.media_encoding import key_of
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    Loglikelihood,
    LoglikelihoodResponse,
    Request,
    Response,
    RollingLoglikelihood,
    Timing,
)

_CACHE_BYTES = 64 << 20


class HostsDict(TypedDict):
    """What a process has to know of the hosts of a model: builtins only.

    Attributes:
        urls: Where each of them is, without a path.
        key: What is to be shown to them.
        name: Name of the model.
        facts: As JSON: what the backend tells of itself (``description``, ``pacing``),
            and what it has besides (``tells_likelihoods``, ``streams``,
            ``draws_images``).
    """

    urls: list[str]
    key: str
    name: str
    facts: str


def hosts_dict(backend: Backend, urls: Sequence[str], key: str) -> HostsDict:
    """Write down what a process has to know that asks the hosts of a backend.

    Args:
        backend: The same as in the hosts, though nothing of it is loaded.
        urls: Where they are; at least one.
        key: What is to be shown to them.
    """
    pacing = getattr(backend, "pacing", None)
    facts = {
        "description": backend.describe(),
        "pacing": asdict(pacing) if isinstance(pacing, Pacing) else None,
        "tells_likelihoods": isinstance(backend, LoglikelihoodBackend),
        "streams": isinstance(backend, StreamingBackend),
        "draws_images": getattr(backend, "draws_images", False),
    }
    return {
        "urls": list(urls),
        "key": key,
        "name": backend.model_name,
        "facts": encode(facts).decode(),
    }


def hosted_model(hosts: HostsDict, number: int) -> HostedModel:
    """Make the backend that asks a model in its hosts.

    Args:
        hosts: The hosts.
        number: Number of the process that asks, from zero, so that not all of them
            begin with the same host.
    """
    facts = decode(hosts["facts"])
    kind = HostedLikelihoodModel if facts["tells_likelihoods"] else HostedModel
    return kind(hosts, facts, number)


class _Host:
    """One of the hosts."""

    def __init__(self, url: str, name: str, key: str) -> None:
        connection = Connection(api_key=key)
        self.wire = Transport(
            url=url + REQUESTS_PATH, model=name, connection=connection
        )
        self.identity = Transport(
            url=url + IDENTITY_PATH, model=name, connection=connection
        )
        self.in_flight = 0
        self.is_lost = False


class HostedModel:
    """A model in processes of its own, each asked as much as the others.

    Args:
        hosts: Where they are.
        facts: What the model tells of itself.
        number: Number of this process, from zero.

    Attributes:
        model_name: What the results call the model.
        pacing: How fast it wants to be asked.
        draws_images: Whether it can do visual chain of thought.
    """

    def __init__(self, hosts: HostsDict, facts: Mapping[str, Any], number: int) -> None:
        self.model_name = hosts["name"]
        self._description: Mapping[str, Any] = facts["description"]
        # What the model tells once it is loaded, only a host knows.
        self._is_described = False
        self._endpoint = ",".join(hosts["urls"])
        turned = number % len(hosts["urls"])
        urls = [*hosts["urls"][turned:], *hosts["urls"][:turned]]
        self._hosts = [_Host(url, self.model_name, hosts["key"]) for url in urls]
        self._pool: EncodingPool[Wire] = EncodingPool(max_bytes=_CACHE_BYTES)
        self.pacing = _pacing(facts["pacing"], len(urls))
        self.draws_images: bool = facts["draws_images"]
        if facts["streams"]:
            # Only who has it is told by pytest's session to stream, and the hosts were.
            self.stream_for_latency = False

    @property
    def endpoint(self) -> str:
        """Where the hosts are; workers who ask the same ones pause together."""
        return self._endpoint

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about, as the model in the hosts does.

        Once it has answered, that is what the host of the first answer tells.
        """
        return self._description

    async def identity(self) -> Identity:
        """Tell what decides the answers, as the model in the hosts does.

        Raises:
            ModelError: A host cannot be reached, or its model does not tell.
        """
        host = self._least_busy()
        return Identity(**await host.identity.post(encode({})))

    async def generate(self, request: Generate) -> Response:
        """Ask one of the hosts.

        Raises:
            ModelError: As the backend there raised it, or the host cannot be reached.
            DatasetError: A medium cannot be read, here or there.
        """
        return cast("Response", await self._ask(request))

    async def aclose(self) -> None:
        """Close the connections, and end the threads for media."""
        for host in self._hosts:
            await host.wire.aclose()
            await host.identity.aclose()
        await self._pool.aclose()

    async def _ask(self, request: Request) -> AnyResponse:
        body = await self._body(request)
        host = self._least_busy()
        host.in_flight += 1
        started_at = time.monotonic()
        try:
            answer = await host.wire.post(body)
        except TransientModelError as error:
            host.is_lost = host.is_lost or error.is_unreachable
            raise
        finally:
            host.in_flight -= 1
        if "failure" in answer:
            raise error_of(answer["failure"])
        if "description" in answer:
            self._description, self._is_described = answer["description"], True
        response = response_of(answer["response"])
        if response.timing is not None:
            return response
        latency_s = time.monotonic() - started_at
        return structs.replace(
            response, timing=Timing(started_at=started_at, latency_s=latency_s)
        )

    def _least_busy(self) -> _Host:
        """Choose a host that can be reached; where none can, any will tell."""
        there = [host for host in self._hosts if not host.is_lost] or self._hosts
        return min(there, key=lambda host: host.in_flight)

    async def _body(self, request: Request) -> bytes:
        parts: list[MediaPart] = []
        if isinstance(request, Generate):
            parts = [part for message in request.messages for part in message.media]
        try:
            media = await asyncio.gather(*map(self._encoded, parts))
            asks = not self._is_described
            write = partial(_written, request, media, asks_for_description=asks)
            return await self._pool.run(write) if parts else write()
        except CodecError as error:
            raise RequestRejectedError(str(error)) from error

    async def _encoded(self, part: MediaPart) -> Wire:
        key = await self._pool.run(partial(key_of, part))
        return await self._pool.make(key, partial(_made, part))


class HostedLikelihoodModel(HostedModel):
    """A hosted model that tells log-likelihoods, too."""

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        """Ask one of the hosts; raises what ``generate`` raises."""
        return cast("LoglikelihoodResponse", await self._ask(request))

    async def rolling_loglikelihood(
        self, request: RollingLoglikelihood
    ) -> LoglikelihoodResponse:
        """Ask one of the hosts; raises what ``generate`` raises."""
        return cast("LoglikelihoodResponse", await self._ask(request))


def _pacing(wire: Wire | None, hosts: int) -> Pacing:
    """Read how one host wants to be asked, as the pace of all of them."""
    pacing = Pacing() if wire is None else Pacing(**wire)
    if pacing.num_concurrent is None:
        return pacing
    return replace(pacing, num_concurrent=pacing.num_concurrent * hosts)


def _written(
    request: Request, media: Sequence[Wire], *, asks_for_description: bool
) -> bytes:
    wire = request_dict(request, media)
    if asks_for_description:
        wire[ASKS_FOR_DESCRIPTION] = True
    return encode(wire)


def _made(part: MediaPart) -> Made[Wire]:
    wire = medium_wire(part)
    return Made(wire, len(encode(wire)))
