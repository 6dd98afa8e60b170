"""Which documents of the pool a prompt shows: the draws of a full run, always."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from pytest_evalkit.tasks.documents import Documents

Doc = Mapping[str, Any]
# (position of the evaluated document, the document) -> positions in the pool.
Sampler = Callable[[int, Doc], list[int]]


class ShortPoolError(ValueError):
    """The pool has too few documents."""


class Pool:
    """The documents to show, and the rules that keep the evaluated one out.

    Attributes:
        documents: The pool.
        count: How many to show; at least one.
        is_excluding: Whether the published rule leaves out documents equal to the
            evaluated one; it then draws one more.
        is_kept_out: Whether the evaluated document is left out where the published rule
            would show it, answer and all.
        evaluated: The documents that are evaluated.
    """

    def __init__(
        self,
        documents: Documents,
        count: int,
        *,
        is_excluding: bool,
        is_kept_out: bool,
        evaluated: Documents,
    ) -> None:
        """Take the pool.

        Raises:
            ShortPoolError: It has fewer documents than are to be shown.
        """
        is_evaluated = documents is evaluated
        least = count + (is_evaluated and (is_excluding or is_kept_out))
        if len(documents) < least:
            raise ShortPoolError(
                f"{count} shots need {least} documents, but there are {len(documents)}"
            )
        self.documents = documents
        self.count = count
        self.is_excluding = is_excluding
        self.is_kept_out = is_kept_out
        self.evaluated = evaluated

    def is_shown(self, position: int, index: int, doc: Doc) -> bool:
        """Tell whether a document of the pool may be shown to another one."""
        if not (self.is_excluding or self.is_kept_out):
            return True
        if (
            self.is_kept_out
            and self.documents is self.evaluated
            and (position == index)
        ):
            return False
        return self.documents[position] != doc

    def shown(self, positions: Iterable[int], index: int, doc: Doc) -> list[int]:
        """Take the positions that may be shown, at most as many as are wanted."""
        taken: list[int] = []
        for position in positions:
            if self.is_shown(position, index, doc):
                taken.append(position)
                if len(taken) == self.count:
                    break
        return taken

    def too_few(self, found: int, index: int) -> ShortPoolError:
        """Make the error for a document that too few others differ from."""
        return ShortPoolError(
            f"only {found} of {self.count} shots differ from document {index}"
        )

    @cached_property
    def twins(self) -> Mapping[int, int]:
        """Positions whose document occurs more than once: the first place it does."""
        first: dict[str, int] = {}
        found: dict[int, int] = {}
        for position in range(len(self.documents)):
            # Equal documents of one data set are written alike.
            place = first.setdefault(repr(self.documents[position]), position)
            if place != position:
                found[place] = found[position] = place
        return found


class RandomSampler:
    """Draws from one stream per task, consumed in document order.

    A document's draw is that of a full run, whichever documents run and in whatever
    order: draws are made up to it and remembered.
    """

    def __init__(self, pool: Pool, seed: int) -> None:
        self._pool = pool
        self._seed = seed
        # Reproducing published prompts takes this generator; nothing here is secret.
        self._random = random.Random(seed)  # noqa: S311
        self._population = range(len(pool.documents))
        # One more, so that enough are left without the evaluated document.
        wanted = pool.count + pool.is_excluding
        self._width = min(wanted, len(pool.documents))
        self._drawn: list[list[int]] = []

    def __call__(self, index: int, doc: Doc) -> list[int]:
        """Choose the shots of a document.

        Raises:
            ShortPoolError: Too few differ from the document.
        """
        while len(self._drawn) <= index:
            self._drawn.append(self._draw(len(self._drawn)))
        pool = self._pool
        shown = pool.shown(self._drawn[index], index, doc)
        if len(shown) == pool.count:
            return shown
        return self._filled(shown, index, doc)

    def _draw(self, index: int) -> list[int]:
        """Take the next draw of the stream, and a second one where it takes that.

        Where the pool holds the evaluated document more than once, too few may be left
        of a draw; then as many are drawn of what differs.
        """
        drawn = self._random.sample(self._population, self._width)
        if not self._pool.is_excluding or not self._may_fall_short(drawn):
            return drawn
        pool, doc = self._pool, self._pool.evaluated[index]
        left = [place for place in drawn if pool.documents[place] != doc]
        if len(left) >= pool.count:
            return drawn
        rest = [place for place in self._population if pool.documents[place] != doc]
        if len(rest) < pool.count:
            raise pool.too_few(len(rest), index)
        return self._random.sample(rest, pool.count)

    def _may_fall_short(self, drawn: list[int]) -> bool:
        if self._width == self._pool.count:
            return True
        twins = self._pool.twins
        if not twins:
            return False
        places = [twins[place] for place in drawn if place in twins]
        return len(set(places)) < len(places)

    def _filled(self, shown: list[int], index: int, doc: Doc) -> list[int]:
        """Replace what must not be shown, without touching the common stream."""
        pool = self._pool
        own = random.Random(f"{self._seed}/{index}")  # noqa: S311 - not secret
        taken = set(shown)
        for position in own.sample(self._population, len(self._population)):
            if position not in taken and pool.is_shown(position, index, doc):
                shown.append(position)
                if len(shown) == pool.count:
                    return shown
        raise pool.too_few(len(shown), index)


class FirstSampler:
    """Takes the first documents of the pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __call__(self, index: int, doc: Doc) -> list[int]:
        """Choose the shots of a document.

        Raises:
            ShortPoolError: Too few differ from the document.
        """
        shown = self._pool.shown(range(len(self._pool.documents)), index, doc)
        if len(shown) < self._pool.count:
            raise self._pool.too_few(len(shown), index)
        return shown


class OwnSampler:
    """Asks a sampler class of the task, document after document as a full run does.

    The class takes the pool as a list and ``rnd``; its objects take a seed by
    ``set_rnd`` and give documents by ``sample(n=..., eval_doc=...)``.
    """

    def __init__(self, pool: Pool, seed: int, sampler: Callable[..., Any]) -> None:
        self._pool = pool
        documents = pool.documents
        rows = [documents[position] for position in range(len(documents))]
        self._sampler = sampler(rows, rnd=None)
        self._sampler.set_rnd(seed)
        self._drawn: list[list[Doc]] = []

    def __call__(self, index: int) -> list[Doc]:
        """Choose the shots of a document.

        Raises:
            ShortPoolError: The sampler gave too few.
        """
        while len(self._drawn) <= index:
            self._drawn.append(self._draw(len(self._drawn)))
        return self._drawn[index]

    def _draw(self, index: int) -> list[Doc]:
        doc = self._pool.evaluated[index] if self._pool.is_excluding else None
        drawn = list(self._sampler.sample(n=self._pool.count, eval_doc=doc))
        if len(drawn) < self._pool.count:
            raise self._pool.too_few(len(drawn), index)
        return drawn


SAMPLERS: Mapping[str, Callable[[Pool, int], Sampler]] = {
    "default": RandomSampler,
    "first_n": lambda pool, _: FirstSampler(pool),
}
