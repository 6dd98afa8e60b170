"""The response cache in a run: opened where it is asked for, counted in the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property
from time import monotonic
from typing import Any

from pytest_evalkit.engine import ResponseCache
from pytest_evalkit.plugin.options import RunOptions

# A process that is killed has told what it counted up to so long ago.
_BETWEEN_NOTES_S = 1.0


class RunCache:
    """One process's use of the response cache.

    Args:
        options: What the user asked for.
        process: What tells this process from the others of the run.
        record: Writes a line into the journal.
    """

    def __init__(
        self,
        options: RunOptions,
        process: str,
        record: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._options = options
        self._process = process
        self._record = record
        self._noted_at = monotonic()

    @cached_property
    def responses(self) -> ResponseCache | None:
        """The cache, opened when it is first needed; None where there is to be none.

        Raises:
            CacheError: Its folder cannot be used.
        """
        folder = self._options.use_cache
        if folder is None:
            return None
        return ResponseCache(folder, keeps_sampled=self._options.cache_sampled)

    def note(self) -> None:
        """Record the counts, if that is long ago."""
        cache = self.responses
        if cache is not None and monotonic() - self._noted_at > _BETWEEN_NOTES_S:
            self._note(cache)

    def close(self) -> None:
        """Write down what is still to be kept, and the counts."""
        cache = vars(self).get("responses")
        if cache is not None:
            cache.close()
            self._note(cache)

    def _note(self, cache: ResponseCache) -> None:
        self._noted_at = monotonic()
        line = {"kind": "cache", "process": self._process, "problem": cache.problem}
        self._record(line | asdict(cache.counts))
