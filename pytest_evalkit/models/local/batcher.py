"""The threads of a local model: some prepare requests, one has them answered in batches.

While one batch is in the model, the requests of the next are prepared.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pytest_evalkit.errors import (
    EvalkitError,
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
)
from pytest_evalkit.models.local.gathering import gathered
from pytest_evalkit.models.local.sizing import BatchSizes, is_out_of_memory

PayloadT = TypeVar("PayloadT")
AnswerT = TypeVar("AnswerT")

# Requests that follow each other more slowly than this do not come together.
_QUIET_S = 0.005
# How long an idle model waits for the requests that are being prepared.
_PATIENCE_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared(Generic[PayloadT]):
    """A request as the model takes it.

    Attributes:
        payload: What the model gets.
        kind: Only requests of the same kind go into one batch.
        length: How many tokens the model reads.
        row: What it reads, where another request may read the same; else None.
        weight: Bytes of memory that it takes while it waits.
    """

    payload: PayloadT
    kind: Hashable
    length: int
    row: Hashable | None = None
    weight: int = 0


@dataclass(slots=True, eq=False)
class _Asked(Generic[PayloadT, AnswerT]):
    """A request on its way: how it is prepared, what came of that, who waits."""

    prepare: Callable[[], Prepared[PayloadT]]
    answered: Future[AnswerT] = field(default_factory=Future)
    prepared: Prepared[PayloadT] | None = None
    is_taken: bool = False
    is_alone: bool = False

    @property
    def known(self) -> Prepared[PayloadT]:
        assert self.prepared is not None, "only what is prepared is gathered"
        return self.prepared

    @property
    def kind(self) -> Hashable:
        return ("alone", id(self)) if self.is_alone else self.known.kind

    @property
    def length(self) -> int:
        return self.known.length

    @property
    def row(self) -> Hashable | None:
        return self.known.row


class Batcher(Generic[PayloadT, AnswerT]):
    """Has requests answered in batches of like length.

    A batch that does not fit into memory is put back and tried in halves; one that
    fails in another way is tried request by request, so that one of them does not take
    the others down. The threads start with the first request and end with ``close``.

    Args:
        answer: Answers the payloads of one batch, in order; runs in one thread.
        sizes: How many rows of each kind go together, by the first word of the kind.
        release: Gives memory back after it ran out.
        threads: How many threads prepare.
        most_ahead: Bytes that prepared requests may take while they wait, beyond what
            the next batch takes.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[PayloadT]], Sequence[AnswerT | ModelError]],
        *,
        sizes: Callable[[Hashable], BatchSizes],
        release: Callable[[], None],
        threads: int,
        most_ahead: int = 1 << 31,
    ) -> None:
        self._answer = answer
        self._sizes = sizes
        self._release = release
        self._n_threads = threads
        self._most_ahead = most_ahead
        self._changed = threading.Condition()
        self._coming: deque[_Asked[PayloadT, AnswerT]] = deque()
        self._ready: list[_Asked[PayloadT, AnswerT]] = []
        self._in_preparation = 0
        self._last_came_at = 0.0
        self._threads: list[threading.Thread] = []
        # Threads that were told to end must not mistake later ones' time for theirs.
        self._generation = 0

    def submit(self, prepare: Callable[[], Prepared[PayloadT]]) -> Future[AnswerT]:
        """Have a request answered.

        Args:
            prepare: Makes what the model takes; runs in a thread of its own, and may
                raise whatever the request deserves.
        """
        asked: _Asked[PayloadT, AnswerT] = _Asked(prepare)
        with self._changed:
            self._start()
            self._coming.append(asked)
            self._last_came_at = time.monotonic()
            self._changed.notify_all()
        return asked.answered

    def close(self) -> None:
        """End the threads after the batch that is in the model; may be called twice.

        Requests that still wait are cancelled; another request starts new threads.
        """
        with self._changed:
            self._generation += 1
            threads, self._threads = self._threads, []
            left = [*self._coming, *self._ready]
            self._coming.clear()
            self._ready.clear()
            self._changed.notify_all()
        for asked in left:
            _fail(asked, ModelUnavailableError("the model was closed"))
        for thread in threads:
            thread.join()

    def _start(self) -> None:
        if self._threads:
            return
        preparing = [self._prepare_all] * self._n_threads
        for number, work in enumerate([self._answer_all, *preparing]):
            name = f"evalkit-prepare-{number}" if number else "evalkit-model"
            thread = threading.Thread(
                target=work, args=(self._generation,), name=name, daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _prepare_all(self, generation: int) -> None:
        while (asked := self._next_to_prepare(generation)) is not None:
            try:
                asked.prepared = asked.prepare()
            except Exception as error:  # noqa: BLE001 - a processor may raise anything
                _fail(asked, _as_model_error(error))
            with self._changed:
                self._in_preparation -= 1
                if asked.prepared is not None and generation == self._generation:
                    self._ready.append(asked)
                elif asked.prepared is not None:
                    _fail(asked, ModelUnavailableError("the model was closed"))
                self._changed.notify_all()

    def _next_to_prepare(self, generation: int) -> _Asked[PayloadT, AnswerT] | None:
        with self._changed:
            while generation == self._generation:
                while self._coming and self._coming[0].answered.cancelled():
                    self._coming.popleft()
                if self._coming and self._has_room():
                    self._in_preparation += 1
                    return self._coming.popleft()
                self._changed.wait()
        return None

    def _has_room(self) -> bool:
        """Whether another request may be prepared: a batch in advance always may."""
        weight = sum(asked.known.weight for asked in self._ready)
        if weight < self._most_ahead:
            return True
        leader = self._ready[0]
        enough = self._sizes(leader.known.kind).size(leader.length)
        return len(self._ready) + self._in_preparation < enough

    def _answer_all(self, generation: int) -> None:
        while batch := self._next_batch(generation):
            self._answer_batch(batch)

    def _next_batch(self, generation: int) -> list[_Asked[PayloadT, AnswerT]]:
        """Wait for requests, a little longer while more of them come; [] at the end."""
        idle_since = time.monotonic()
        with self._changed:
            while generation == self._generation:
                self._ready = [a for a in self._ready if not a.answered.cancelled()]
                if not self._ready:
                    self._changed.wait()
                    idle_since = time.monotonic()
                    continue
                sizes = self._sizes(self._ready[0].known.kind)
                positions, is_full = gathered(self._ready, sizes.size)
                wait_s = 0.0 if is_full else self._wait_s(idle_since)
                if wait_s > 0:
                    self._changed.wait(wait_s)
                elif batch := self._take(positions):
                    return batch
        return []

    def _wait_s(self, idle_since: float) -> float:
        now = time.monotonic()
        if self._coming or self._in_preparation:
            return idle_since + _PATIENCE_S - now
        return self._last_came_at + _QUIET_S - now

    def _take(self, positions: Sequence[int]) -> list[_Asked[PayloadT, AnswerT]]:
        batch = [self._ready[n] for n in positions]
        taken = set(positions)
        self._ready = [a for n, a in enumerate(self._ready) if n not in taken]
        self._changed.notify_all()
        wanted = []
        for asked in batch:
            if asked.is_taken or asked.answered.set_running_or_notify_cancel():
                asked.is_taken = True
                wanted.append(asked)
        return wanted

    def _answer_batch(self, batch: list[_Asked[PayloadT, AnswerT]]) -> None:
        failure: Exception | None = None
        try:
            answers = self._answer([asked.known.payload for asked in batch])
        except Exception as error:  # noqa: BLE001 - a model's code may raise anything
            # Its frames hold what filled the memory.
            failure = error.with_traceback(None)
            failure.__context__ = failure.__cause__ = None
        else:
            with self._changed:
                self._sizes(batch[0].known.kind).fitted(*_extent(batch))
            for asked, answer in zip(batch, answers, strict=True):
                _tell(asked, answer)
        if failure is not None:
            self._recover(batch, failure)

    def _recover(
        self, batch: list[_Asked[PayloadT, AnswerT]], failure: Exception
    ) -> None:
        if is_out_of_memory(failure):
            with self._changed:
                self._sizes(batch[0].known.kind).failed(*_extent(batch))
            self._release()
        if len(batch) == 1:
            _fail(batch[0], _as_model_error(failure, batch[0].length))
            return
        if isinstance(failure, ModelUnavailableError):
            for asked in batch:
                # Each goes its own way, and is written on by whoever catches it.
                _fail(asked, copy.copy(failure))
            return
        for asked in batch:
            asked.is_alone = asked.is_alone or not is_out_of_memory(failure)
        with self._changed:
            self._ready[:0] = batch


def _extent(batch: Sequence[_Asked[PayloadT, AnswerT]]) -> tuple[int, int]:
    """Count the rows of a batch, and the tokens of the longest."""
    shared = {asked.row for asked in batch if asked.row is not None}
    alone = sum(asked.row is None for asked in batch)
    return len(shared) + alone, max(asked.length for asked in batch)


def _tell(asked: _Asked[PayloadT, AnswerT], answer: AnswerT | ModelError) -> None:
    if isinstance(answer, ModelError):
        _fail(asked, answer)
    else:
        asked.answered.set_result(answer)


def _fail(asked: _Asked[PayloadT, AnswerT], error: EvalkitError) -> None:
    if asked.is_taken or asked.answered.set_running_or_notify_cancel():
        asked.is_taken = True
        asked.answered.set_exception(error)


def _as_model_error(error: Exception, length: int | None = None) -> EvalkitError:
    if isinstance(error, EvalkitError):
        return error
    if is_out_of_memory(error):
        extent = "" if length is None else f" of {length} tokens"
        return RequestRejectedError(
            f"one request{extent} does not fit into memory; make images smaller "
            "(max_pixels), show fewer frames (max_num_frames), or spread the model over "
            "several devices (device_map=auto)"
        )
    said = f"{type(error).__name__}: {error}".strip().partition("\n")[0]
    if type(error).__name__ == "AcceleratorError" or "CUDA error" in said:
        # After such a failure nothing more can be done in this process.
        return ModelUnavailableError(f"the device failed: {said}")
    return RequestRejectedError(f"the model could not answer: {said}")
