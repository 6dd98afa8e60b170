"""The model as Python cases hold it: a backend behind an engine, with a plain face."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from pytest_evalkit.engine.engine import Engine
from pytest_evalkit.messages import Message
from pytest_evalkit.models.backend import Backend
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

    @property
    def backend(self) -> Backend:
        """What answers."""
        return self.engine.backend

    @property
    def name(self) -> str:
        """What the results call the model."""
        return self.backend.model_name

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
        return await self.engine.ask(request)

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
