"""The load of one process while it runs: warming up, what is begun, how late it is."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import cycle, islice
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.engine import Issuing, LoopLag, salted, warm_up
from pytest_evalkit.engine.open_files import allow_many_connections
from pytest_evalkit.engine.warmup import Warmed
from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.evaluate.timing import rounded
from pytest_evalkit.models.backend import Backend
from pytest_evalkit.plugin.collection import DocumentItem
from pytest_evalkit.plugin.load import import_client
from pytest_evalkit.plugin.loop import run_through
from pytest_evalkit.plugin.place import Share, worker_input
from pytest_evalkit.plugin.run import Run
from pytest_evalkit.stats import percentile
from pytest_evalkit.values import Request

_SALT_BYTES = 8
_P99 = 99


class LoadWatch:
    """What a load pattern changes in how documents are run.

    Args:
        run: The run.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._pattern = run.pace.pattern
        self._lag: LoopLag | None = None

    @property
    def _issuing(self) -> Issuing | None:
        return self._run.pace.issuing

    def limit(self, usual: int, line: int) -> int:
        """Tell how many documents may be under way.

        Args:
            usual: How many where no pattern is asked for.
            line: How many may wait for their turn.
        """
        issuing, pattern = self._issuing, self._pattern
        if issuing is not None and issuing.has_ended:
            return 0
        if pattern is None or issuing is None:
            return usual
        if pattern.is_open:
            # However many are in flight, so many wait for their time.
            return issuing.in_flight + line
        if pattern.name == "conversation":
            return self._run.concurrency
        return usual

    def places(self, usual: int) -> int:
        """Tell how many conversations may be under way: none once the load has ended.

        Args:
            usual: How many requests may be in flight.
        """
        issuing = self._issuing
        return 0 if issuing is not None and issuing.has_ended else usual

    def withheld(self) -> str | None:
        """Say why a document is not begun any more; None where it may be."""
        issuing = self._issuing
        reason = None if issuing is None else issuing.withheld()
        return None if reason is None else f"not sent: {reason}"

    def warm_up(self, backend: Backend, items: list[DocumentItem]) -> None:
        """Send the requests that come before the measured ones.

        Args:
            backend: What answers.
            items: The documents whose prompts are taken, with a beginning of their own.

        Raises:
            ModelUnavailableError: No request will be answered.
            OptionError: The price table does not have the model.
        """
        count = _part(self._run.options.warmup_requests, self._run.share)
        if not count:
            return
        requests = list(islice(_requests(items, count), count))
        engine = self._run.pace.warm_up_engine(backend)
        asked = salted(requests, secrets.token_hex(_SALT_BYTES))
        warmed = self._run_whole(warm_up(engine.ask, asked))
        self._write({"kind": "warmup", **warmed._asdict()})

    def _run_whole(self, warming: Coroutine[Any, Any, Warmed]) -> Warmed:
        """Run to the end; an interrupt leaves nothing behind that is under way."""
        loop = self._run.loop
        task = loop.create_task(warming)
        try:
            return loop.run_until_complete(task)
        except BaseException:
            task.cancel()
            with suppress(asyncio.CancelledError, EvalkitError):
                run_through(loop, task)
            raise

    def begin(self, fill: Callable[[], None], used_s: Iterable[float]) -> None:
        """Look from now on how late the loop is, where a pattern is asked for.

        Args:
            fill: Begins as many documents as may be under way.
            used_s: When requests were planned that a predecessor of this process has
                recorded, in seconds of the run's clock; read where a clock plans them.
        """
        issuing, pattern = self._issuing, self._pattern
        if pattern is None or issuing is None:
            return
        import_client()
        if pattern.is_timed:
            used = frozenset(used_s)
            start = self._run.started_at
            if used:
                issuing.is_used = lambda at: rounded(at - start) in used
        if pattern.is_open:
            allow_many_connections()
            issuing.on_turn = fill
        self._lag = LoopLag(self._run.loop, lambda: issuing.in_flight > 0)

    def close(self) -> None:
        """Look no more, and write down how late it was."""
        if self._issuing is not None:
            self._issuing.close()
        if self._lag is None:
            return
        self._lag.stop()
        lags_ms = [lag * 1000 for lag in self._lag.lags_s]
        self._lag = None
        if lags_ms:
            self._write(
                {
                    "kind": "client",
                    "looks": len(lags_ms),
                    "max_loop_lag_ms": max(lags_ms),
                    "p99_loop_lag_ms": percentile(lags_ms, _P99),
                }
            )

    def _write(self, line: Mapping[str, Any]) -> None:
        process = worker_input(self._run.config).get("workerid", "main")
        self._run.journal.write(encode({**line, "process": process}) + b"\n")


def _part(count: int, share: Share | None) -> int:
    if share is None:
        return count
    return count // share.of + (share.number < count % share.of)


def _requests(items: list[DocumentItem], count: int) -> Iterator[Request]:
    """Take the first request of each document, over and over; none that cannot be made."""
    known: list[Request] = []
    for item in items[:count]:
        try:
            known.extend(item.parent.opened.prepare(item.doc_id).requests[:1])
        except EvalkitError:
            # It is told where the document itself is run.
            continue
    return cycle(known)
