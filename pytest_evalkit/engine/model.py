"""The model as Python cases hold it: a backend behind an engine, with a plain face."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, overload

from msgspec.structs import replace

from pytest_evalkit.engine.drive import Answering, Ask, drive
from pytest_evalkit.engine.engine import Engine
from pytest_evalkit.messages import Message
from pytest_evalkit.models.backend import Backend
from pytest_evalkit.tools import Asked, CallTool, Told, tool_loop, toolbox_of
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    GenerationParameters,
    LikelihoodRequest,
    LoglikelihoodResponse,
    Request,
    Response,
)

RunCoroutine = Callable[[Coroutine[Any, Any, Response]], Response]


class Model:
    """A model to ask.

    Args:
        engine: Sends the requests.
        run: Runs a coroutine to its end from synchronous code.
    """

    def __init__(self, engine: Engine, run: RunCoroutine) -> None:
        self.engine = engine
        self._run = run
        self._toolbox = toolbox_of(engine.backend)

    @property
    def backend(self) -> Backend:
        """What answers."""
        return self.engine.backend

    @property
    def name(self) -> str:
        """What the results call the model."""
        return self.backend.model_name

    @overload
    def answer(self, request: Generate) -> Answering[Response]: ...

    @overload
    def answer(
        self, request: LikelihoodRequest
    ) -> Answering[LoglikelihoodResponse]: ...

    @overload
    def answer(self, request: Request) -> Answering[AnyResponse]: ...

    def answer(self, request: Request) -> Answering[AnyResponse]:
        """Get the answer to one request.

        A model that writes a text may call its tools meanwhile; one that tells how
        likely a text is has no use for them.

        Returns:
            A Response to ``Generate``, a LoglikelihoodResponse to the others.

        Raises:
            ModelUnavailableError: No request will be answered, or no tool can be had.
            ModelError: This request has no answer.
            WithheldError: It was not sent, since nothing is left to spend, or the load
                has ended.
        """
        if self._toolbox is None:
            return self.engine.ask(request)
        return self._answered(request, self.engine.ask)

    @asynccontextmanager
    async def keep(self, request: Request) -> AsyncIterator[Ask]:
        """Keep one place in flight, for requests that follow one another.

        Gives what asks in that place, as ``answer`` does.

        Args:
            request: The first of them.

        Raises:
            BudgetSpentError: Nothing is left to spend.
        """
        async with self.engine.keep(request) as ask:
            yield partial(self._answered, ask=ask)

    async def _answered(self, request: Request, ask: Ask) -> AnyResponse:
        toolbox = self._toolbox
        if toolbox is None or not isinstance(request, Generate):
            return await ask(request)
        tools = await toolbox.tools()
        flow = tool_loop(replace(request, tools=tools), toolbox.max_turns)

        async def ask_either(asked: Asked) -> Told:
            if isinstance(asked, CallTool):
                return await toolbox.call(asked.name, asked.arguments)
            response = await ask(asked)
            assert isinstance(response, Response), "a text is asked for"
            return response

        return await drive(flow, ask_either)

    async def generate(
        self, prompt: str | Sequence[Message], **parameters: Any
    ) -> Response:
        """Ask the model from asynchronous code.

        Args:
            prompt: A text, said by the user, or a whole conversation.
            parameters: Fields of ``GenerationParameters``, such as ``max_tokens``.

        Raises:
            ModelError: There is no answer.
            TypeError: A parameter is not a field of ``GenerationParameters``.
        """
        messages = (
            (Message.of_text("user", prompt),)
            if isinstance(prompt, str)
            else tuple(prompt)
        )
        request = Generate(
            messages=messages, parameters=GenerationParameters(**parameters)
        )
        return await self.answer(request)

    def ask(self, prompt: str | Sequence[Message], **parameters: Any) -> str:
        """Ask the model from synchronous code, and get the text of the answer.

        Args:
            prompt: As in ``generate``.
            parameters: As in ``generate``.

        Raises:
            ModelError: There is no answer.
            RuntimeError: Called where an event loop runs; await ``generate`` there.
        """
        return self._run(self.generate(prompt, **parameters)).text
