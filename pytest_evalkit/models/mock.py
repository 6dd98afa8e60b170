"""A backend made of functions, for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any

from pytest_evalkit.errors import ModelUnavailableError
from pytest_evalkit.models.backend import without_loglikelihoods
from pytest_evalkit.values import (
    Generate,
    LikelihoodRequest,
    Loglikelihood,
    LoglikelihoodResponse,
    Response,
    RollingLoglikelihood,
)

Answer = str | Response
Handler = Callable[[Generate], Answer | Awaitable[Answer]]
Likely = float | LoglikelihoodResponse
LikelihoodHandler = Callable[[LikelihoodRequest], Likely | Awaitable[Likely]]


class MockBackend:
    """Answers what functions return.

    Args:
        handler: Called with each request; returns the answer as a text or a Response,
            or raises a ModelError. It may be a coroutine function.
        likelihood: Called with each request for a log-likelihood; returns it as a number or
            a LoglikelihoodResponse. None for a model that tells none.
    """

    model_name = "mock"

    def __init__(
        self, handler: Handler, *, likelihood: LikelihoodHandler | None = None
    ) -> None:
        self._handler = handler
        self._likelihood = likelihood

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about."""
        name = getattr(self._handler, "__qualname__", type(self._handler).__name__)
        return {"model": self.model_name, "handler": name}

    async def generate(self, request: Generate) -> Response:
        """Answer what the handler says; what it raises is raised."""
        answer = self._handler(request)
        if isawaitable(answer):
            answer = await answer
        return Response(text=answer) if isinstance(answer, str) else answer

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        """Tell what its handler says; what it raises is raised.

        Raises:
            ModelUnavailableError: There is no handler for it.
        """
        return await self._likely(request)

    async def rolling_loglikelihood(
        self, request: RollingLoglikelihood
    ) -> LoglikelihoodResponse:
        """Tell what its handler says; what it raises is raised.

        Raises:
            ModelUnavailableError: There is no handler for it.
        """
        return await self._likely(request)

    async def _likely(self, request: LikelihoodRequest) -> LoglikelihoodResponse:
        if self._likelihood is None:
            raise ModelUnavailableError(without_loglikelihoods(self.model_name))
        likely = self._likelihood(request)
        if isawaitable(likely):
            likely = await likely
        if isinstance(likely, LoglikelihoodResponse):
            return likely
        return LoglikelihoodResponse(logprob=likely, is_greedy=False)

    async def aclose(self) -> None:
        """Do nothing: a function holds nothing."""
