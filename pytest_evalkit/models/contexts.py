"""Contexts split into tokens, each once for all the continuations after it."""

from __future__ import annotations

import asyncio
import copy
from collections import OrderedDict
from weakref import WeakKeyDictionary

from pytest_evalkit.errors import ModelError
from pytest_evalkit.models.tokenizing import Tokenizer
from pytest_evalkit.models.windows import Tokens

# The choices of one question are asked together, and so are those of some more; nobody
# comes back to a question after that.
_KEPT = 128


class Contexts:
    """Splits contexts, and remembers the last ones.

    Whoever asks for a context that is being split waits for it. A server that splits
    texts is thus asked once for the question that several choices have in common.

    Args:
        with_special: Whether to add what the model expects around a text.
        kept: How many contexts to remember.
    """

    def __init__(self, *, with_special: bool, kept: int = _KEPT) -> None:
        self._with_special = with_special
        self._kept = kept
        # A task belongs to one loop, and Python cases may bring their own.
        self._split: WeakKeyDictionary[
            asyncio.AbstractEventLoop, OrderedDict[str, asyncio.Task[Tokens]]
        ] = WeakKeyDictionary()

    async def tokens(self, tokenizer: Tokenizer, context: str) -> Tokens:
        """Give the token ids of a context.

        Args:
            tokenizer: Splits it; the same one each time.
            context: The text.

        Raises:
            ModelError: It cannot be split.
        """
        loop = asyncio.get_running_loop()
        split = self._split.setdefault(loop, OrderedDict())
        task = split.get(context)
        if task is None:
            task = loop.create_task(self._encoded(tokenizer, context))
            split[context] = task
            task.add_done_callback(lambda done: _forget_failed(split, context, done))
            if len(split) > self._kept:
                split.popitem(last=False)
        else:
            split.move_to_end(context)
        try:
            # Another choice may wait for the same: giving up is this one's alone.
            return await asyncio.shield(task)
        except ModelError as error:
            # Each goes its own way, and is written on by whoever catches it.
            raise copy.copy(error) from error

    async def _encoded(self, tokenizer: Tokenizer, context: str) -> Tokens:
        return await tokenizer.encode(context, with_special=self._with_special)


def _forget_failed(
    split: OrderedDict[str, asyncio.Task[Tokens]],
    context: str,
    done: asyncio.Task[Tokens],
) -> None:
    # Asking for the exception also tells asyncio that somebody knows of it.
    is_failed = done.cancelled() or done.exception() is not None
    if is_failed and split.get(context) is done:
        del split[context]
