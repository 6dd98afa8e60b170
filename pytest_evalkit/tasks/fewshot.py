"""Which documents of the pool a prompt shows: the draws of a full run, always."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Mapping
from typing import Any

from pytest_evalkit.tasks.documents import Documents

Doc = Mapping[str, Any]
# (position of the evaluated document, the document) -> positions in the pool.
Sampler = Callable[[int, Doc], list[int]]


class ShortPoolError(ValueError):
    """The pool has too few documents."""


class Pool:
    """The documents to show, and the rule that keeps the evaluated one out.

    Attributes:
        documents: The pool.
        count: How many to show; at least one.
        is_excluding: Whether documents equal to the evaluated one are left out.
        is_evaluated_split: Whether the pool is what is being evaluated, so that equal
            positions mean the same document.
    """

    def __init__(
        self,
        documents: Documents,
        count: int,
        *,
        is_excluding: bool,
        is_evaluated_split: bool,
    ) -> None:
        """Take the pool.

        Raises:
            ShortPoolError: It has fewer documents than are to be shown.
        """
        least = count + is_evaluated_split
        if len(documents) < least:
            raise ShortPoolError(
                f"{count} shots need {least} documents, but there are {len(documents)}"
            )
        self.documents = documents
        self.count = count
        self.is_excluding = is_excluding
        self._is_evaluated_split = is_evaluated_split

    def is_shown(self, position: int, index: int, doc: Doc) -> bool:
        """Tell whether a document of the pool may be shown to another one."""
        if not self.is_excluding:
            return True
        if self._is_evaluated_split and position == index:
            return False
        return self.documents[position] != doc

    def first_shown(self, positions: Any, index: int, doc: Doc) -> list[int]:
        """Take as many of the positions as are to be shown, in their order.

        Raises:
            ShortPoolError: Too few differ from the evaluated document.
        """
        shown: list[int] = []
        for position in positions:
            if self.is_shown(position, index, doc):
                shown.append(position)
                if len(shown) == self.count:
                    return shown
        raise ShortPoolError(
            f"only {len(shown)} of {self.count} shots differ from document {index}"
        )


class RandomSampler:
    """Draws from one stream per task, consumed in document order.

    A document's draw is that of a full run, whichever documents run and in whatever
    order: draws are made up to it and remembered.
    """

    def __init__(self, pool: Pool, seed: int) -> None:
        self._pool = pool
        # Reproducing published prompts takes this generator; nothing here is secret.
        self._random = random.Random(seed)  # noqa: S311
        self._population = range(len(pool.documents))
        # One more, so that enough are left without the evaluated document.
        wanted = pool.count + pool.is_excluding
        self._width = min(wanted, len(pool.documents))
        self._drawn = array("I")

    def __call__(self, index: int, doc: Doc) -> list[int]:
        """Choose the shots of a document.

        Raises:
            ShortPoolError: Too few differ from the document.
        """
        width = self._width
        while len(self._drawn) < (index + 1) * width:
            self._drawn.extend(self._random.sample(self._population, width))
        drawn = self._drawn[index * width : (index + 1) * width]
        return self._pool.first_shown(drawn, index, doc)


class FirstSampler:
    """Takes the first documents of the pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __call__(self, index: int, doc: Doc) -> list[int]:
        """Choose the shots of a document.

        Raises:
            ShortPoolError: Too few differ from the document.
        """
        return self._pool.first_shown(range(len(self._pool.documents)), index, doc)


SAMPLERS: Mapping[str, Callable[[Pool, int], Sampler]] = {
    "default": RandomSampler,
    "first_n": lambda pool, _: FirstSampler(pool),
}
