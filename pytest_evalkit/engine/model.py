"""The model as Python cases hold it: a backend behind an engine, with a plain face."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from pytest_evalkit.engine.drive import drive
from pytest_evalkit.engine.engine import Engine
from pytest_evalkit.messages import Message
from pytest_evalkit.models.backend import Backend
from pytest_evalkit.tools import Asked, CallTool, Told, tool_loop, toolbox_of
from pytest_evalkit.values import Generate, GenerationParameters, Response

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

    async def answer(self, request: Generate) -> Response:
        """Get the answer to one request, letting the model call its tools meanwhile.

        Raises:
            ModelUnavailableError: No request will be answered, or no tool can be had.
            ModelError: This request has no answer.
            BudgetSpentError: It was not sent, since nothing is left to spend.
        """
        toolbox = self._toolbox
        if toolbox is None:
            return await self.engine.ask(request)
        tools = await toolbox.tools()
        flow = tool_loop(replace(request, tools=tools), toolbox.max_turns)

        async def ask(asked: Asked) -> Told:
            if isinstance(asked, CallTool):
                return await toolbox.call(asked.name, asked.arguments)
            return await self.engine.ask(asked)

        return await drive(flow, ask)

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
