"""Prompts that wait together go as one request."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
)

PromptT = TypeVar("PromptT")
AnswerT = TypeVar("AnswerT")

# Long enough for documents whose answers came together to be followed by the next, and
# nothing beside the time that a model takes.
_GATHERING_S = 0.005
# Prompts that are still being split by a server come a little later, one by one.
_LONGEST_GATHERING_S = 0.03


@dataclass(slots=True, eq=False)
class _Batch(Generic[PromptT, AnswerT]):
    """Prompts, and who waits for the answer of each."""

    settings: bytes
    begun_at: float
    waiting: list[tuple[PromptT, asyncio.Future[AnswerT]]] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None


class Batching(Generic[PromptT, AnswerT]):
    """Gathers prompts of the same settings into batches.

    A batch leaves when it is full, or 5 ms after its first prompt came; up to 30 ms
    where others are known to be coming. Where the endpoint rejects a batch, its prompts
    are sent one by one, so that one of them does not take the others down; unless it
    may not want us at all, not having answered yet.

    Args:
        send: Sends prompts with the settings that they share; returns for each, in
            order, its answer or why it has none.
        size: The most prompts of a batch; at least one.
    """

    def __init__(
        self,
        send: Callable[
            [bytes, Sequence[PromptT]], Awaitable[Sequence[AnswerT | ModelError]]
        ],
        *,
        size: int,
    ) -> None:
        self._send = send
        self._size = size
        # A future belongs to one loop, and Python cases may bring their own.
        self._open: WeakKeyDictionary[
            asyncio.AbstractEventLoop, dict[bytes, _Batch[PromptT, AnswerT]]
        ] = WeakKeyDictionary()
        self._has_answered = False
        self._coming = 0
        self._under_way: set[asyncio.Task[Sequence[AnswerT | ModelError]]] = set()

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Let batches wait a little for a prompt that is made inside the block."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    async def ask(self, settings: bytes, prompt: PromptT) -> AnswerT:
        """Send a prompt, together with others that come at about the same time.

        Args:
            settings: What decides with which others it may go.
            prompt: The prompt.

        Raises:
            ModelError: There is no answer.
        """
        if self._size == 1:
            (answer,) = await self._send(settings, (prompt,))
            return _answer_of(answer)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[AnswerT] = loop.create_future()
        batches = self._open.setdefault(loop, {})
        batch = batches.get(settings)
        if batch is None:
            batch = batches[settings] = _Batch(settings, loop.time())
            self._set_timer(batch)
        batch.waiting.append((prompt, answered))
        if len(batch.waiting) >= self._size:
            self._leave(batch)
        return await answered

    def _set_timer(self, batch: _Batch[PromptT, AnswerT]) -> None:
        loop = asyncio.get_running_loop()
        batch.timer = loop.call_later(_GATHERING_S, self._leave_unless_early, batch)

    def _leave_unless_early(self, batch: _Batch[PromptT, AnswerT]) -> None:
        age_s = asyncio.get_running_loop().time() - batch.begun_at
        if self._coming and age_s < _LONGEST_GATHERING_S:
            self._set_timer(batch)
        else:
            self._leave(batch)

    def _leave(self, batch: _Batch[PromptT, AnswerT]) -> None:
        """Send what waits; who was cancelled meanwhile waits no more."""
        loop = asyncio.get_running_loop()
        del self._open[loop][batch.settings]
        if batch.timer is not None:
            batch.timer.cancel()
        waiting = [(prompt, one) for prompt, one in batch.waiting if not one.done()]
        if not waiting:
            return
        prompts = [prompt for prompt, _ in waiting]
        futures = [one for _, one in waiting]
        task = loop.create_task(self._ask_together(batch.settings, prompts))
        self._under_way.add(task)
        task.add_done_callback(lambda done: self._tell(done, futures))
        for future in futures:
            future.add_done_callback(lambda _: _cancel_unwanted(task, futures))

    async def _ask_together(
        self, settings: bytes, prompts: Sequence[PromptT]
    ) -> Sequence[AnswerT | ModelError]:
        try:
            answers = await self._send(settings, prompts)
        except (RequestRejectedError, ModelUnavailableError) as error:
            if len(prompts) == 1 or not self._may_be_one_prompt(error):
                raise
        else:
            self._has_answered = True
            return answers
        alone = [self._ask_alone(settings, prompt) for prompt in prompts]
        return await asyncio.gather(*alone)

    def _may_be_one_prompt(self, error: ModelError) -> bool:
        if isinstance(error, ModelUnavailableError):
            return self._has_answered and error.may_be_one_request
        return True

    async def _ask_alone(
        self, settings: bytes, prompt: PromptT
    ) -> AnswerT | ModelError:
        try:
            (answer,) = await self._send(settings, (prompt,))
        except ModelError as error:
            return error
        return answer

    def _tell(
        self,
        done: asyncio.Task[Sequence[AnswerT | ModelError]],
        futures: Sequence[asyncio.Future[AnswerT]],
    ) -> None:
        self._under_way.discard(done)
        waiting = [future for future in futures if not future.done()]
        if done.cancelled():
            for future in waiting:
                future.cancel()
            return
        failure = done.exception()
        if failure is not None:
            for future in waiting:
                # Each goes its own way, and is written on by whoever catches it.
                future.set_exception(copy.copy(failure))
            return
        for future, answer in zip(futures, done.result(), strict=True):
            if future.done():
                continue
            if isinstance(answer, ModelError):
                future.set_exception(answer)
            else:
                future.set_result(answer)


def _answer_of(answer: AnswerT | ModelError) -> AnswerT:
    if isinstance(answer, ModelError):
        raise answer
    return answer


def _cancel_unwanted(
    task: asyncio.Task[Sequence[AnswerT | ModelError]],
    futures: Sequence[asyncio.Future[AnswerT]],
) -> None:
    """Stop a request that nobody waits for any more."""
    if all(future.cancelled() for future in futures):
        task.cancel()
