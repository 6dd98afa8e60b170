"""Answering the requests to one backend from the response cache, where it can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

from pytest_evalkit.codec import CodecError, encode_canonical
from pytest_evalkit.engine.deadline import PatientTimeout
from pytest_evalkit.engine.question import (
    Question,
    identity_hash,
    is_drawn,
    question_of,
    unread_media,
)
from pytest_evalkit.engine.response_cache import Asked, ResponseCache
from pytest_evalkit.errors import (
    DatasetError,
    ModelError,
    ModelUnavailableError,
    OptionError,
)
from pytest_evalkit.models.backend import (
    Backend,
    IdentifiedBackend,
    Identity,
    without_identity,
)
from pytest_evalkit.models.masking import masked
from pytest_evalkit.values import AnyResponse, Request

Ask = Callable[[Request], Awaitable[AnyResponse]]


class _Known(NamedTuple):
    """A backend as the cache knows it."""

    identity: Identity
    digest: bytes
    asked: Asked


class Recalling:
    """The response cache, for the answers of one backend.

    Args:
        cache: Where answers are kept.
        backend: Whoever gives them.
        timeout_s: The most seconds that a backend may take to say what its answers
            depend on; loading a model is part of it.

    Raises:
        OptionError: The backend does not say.
    """

    def __init__(
        self, cache: ResponseCache, backend: Backend, timeout_s: float
    ) -> None:
        self._cache = cache
        self._backend = identified(backend)
        self._name = backend.model_name
        self._timeout_s = timeout_s
        self._known: _Known | None = None
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )

    async def answer(self, request: Request, ask: Ask) -> AnyResponse:
        """Recall an answer, or ask for it and keep it.

        Raises:
            ModelUnavailableError: What the answers depend on will never be known.
            EvalkitError: As asking raises it.
        """
        known = self._known or await self._identified()
        question = None if known is None else await self._question(request, known)
        if known is None or question is None:
            return await ask(request)
        found = self._cache.find(question)
        if found is not None:
            return found
        response = await ask(request)
        self._cache.keep(question, known.asked, response)
        return response

    async def _question(self, request: Request, known: _Known) -> Question | None:
        """Find out what is asked; None for what cannot be recalled."""
        if is_drawn(request, known.identity) and not self._cache.keeps_sampled:
            self._cache.counts.sampled += 1
            return None
        find_out = partial(question_of, request, known.digest)
        try:
            if unread_media(request):
                return await asyncio.to_thread(find_out)
            return find_out()
        except (DatasetError, CodecError):
            # Asking runs into the same, and tells it in the usual way.
            return None

    async def _identified(self) -> _Known | None:
        """Learn what the answers depend on; None where that cannot be told just now."""
        loop = asyncio.get_running_loop()
        async with self._locks.setdefault(loop, asyncio.Lock()):
            if self._known is None:
                try:
                    with PatientTimeout(self._timeout_s):
                        self._known = await self._learn()
                except ModelUnavailableError:
                    raise
                except (ModelError, TimeoutError):
                    # Asking has what it takes to try again; the cache can wait.
                    return None
            return self._known

    async def _learn(self) -> _Known:
        try:
            identity = await self._backend.identity()
            facts = encode_canonical(masked(identity.facts)).decode()
            digest = identity_hash(identity)
        except (ModelError, TimeoutError):
            raise
        except Exception as error:
            # Backends of users may raise anything; without it nothing can be kept.
            raise ModelUnavailableError(
                f"identity() of model {self._name!r} failed: "
                f"{type(error).__name__}: {error}"
            ) from error
        return _Known(identity, digest, Asked(self._name, facts))


def identified(backend: Backend) -> IdentifiedBackend:
    """Take a backend as one whose answers can be kept.

    Raises:
        OptionError: It does not tell what they depend on.
    """
    if isinstance(backend, IdentifiedBackend):
        return backend
    raise OptionError(without_identity(backend.model_name))
