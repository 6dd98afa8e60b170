"""The response cache: answers that were given once are not asked for again.

Looking up happens at once; writing in a thread, a moment later and many answers
together. A process that is killed loses what it had not written, a fraction of a second
of answers: they are asked for again.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.engine.answer_file import AnswerFile, Entry
from pytest_evalkit.engine.question import Question
from pytest_evalkit.errors import CacheError
from pytest_evalkit.host.wire import response_dict, response_of
from pytest_evalkit.models.masking import masked
from pytest_evalkit.values import (
    AnyResponse,
    LoglikelihoodResponse,
    Recalled,
    Usage,
)

# How long answers are gathered before they are written together.
_GATHER_S = 0.05
# Ends of a generation that something broke off: what there is of it is no answer.
_BROKEN_OFF = frozenset({"abort", "aborted", "cancelled", "error"})
_FASTEST = 1


@dataclass(slots=True)
class CacheCounts:
    """What became of the requests that could be answered from a cache.

    Attributes:
        hits: Answered from it.
        misses: Asked, since it was not there.
        stores: Answers that were added; of two to the same question, one.
        sampled: Asked without looking, since sampled answers are not kept.
    """

    hits: int = 0
    misses: int = 0
    stores: int = 0
    sampled: int = 0


class Asked(NamedTuple):
    """Who was asked.

    Attributes:
        model: What results call the model.
        identity: What decides its answers, as JSON without secrets.
    """

    model: str
    identity: str


class ResponseCache:
    """Keeps answers over runs, in a folder that others may use at the same time.

    What goes wrong once it is open is told at the end: a run is not lost for its cache.

    Args:
        folder: The folder; it is made.
        keeps_sampled: True to keep answers whose tokens were drawn, too.
        clock: Seconds since 1970.

    Attributes:
        keeps_sampled: The same.
        counts: What became of the requests so far.
        problem: Why nothing is read or written any more, in one line; or None.

    Raises:
        CacheError: The folder cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keeps_sampled: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.keeps_sampled = keeps_sampled
        self.counts = CacheCounts()
        self.problem: str | None = None
        self._folder = folder
        self._clock = clock
        self._file = AnswerFile(folder, create=True)
        # Python cases may ask from threads of their own.
        self._reading = threading.Lock()
        self._coming: SimpleQueue[_Answer | None] = SimpleQueue()
        self._writer: threading.Thread | None = None

    def find(self, question: Question) -> AnyResponse | None:
        """Get the answer to a question; None where there is none, or no use of it."""
        if self.problem is None:
            try:
                with self._reading:
                    found = self._file.find(question.key)
                if found is not None:
                    self.counts.hits += 1
                    return _recalled(decode(found))
            except CacheError as error:
                self.problem = str(error)
        self.counts.misses += 1
        return None

    def keep(self, question: Question, asked: Asked, response: AnyResponse) -> None:
        """Keep an answer, unless something broke it off; waits for nothing."""
        if self.problem is not None or _is_broken_off(response):
            return
        self._coming.put(_Answer(question, asked, response, self._clock()))
        if self._writer is None:
            # A daemon, so that a process which nobody closes the cache in can end.
            self._writer = threading.Thread(
                target=self._write_all, name="evalkit-cache", daemon=True
            )
            self._writer.start()

    def close(self) -> None:
        """Write what is still to be written, and close the file."""
        if self._writer is not None:
            self._coming.put(None)
            self._writer.join()
            self._writer = None
        self._file.close()

    def _write_all(self) -> None:
        """Write answers as they come, until there will be no more."""
        try:
            file = AnswerFile(self._folder, create=True)
        except CacheError as error:
            self.problem = str(error)
            return
        try:
            while self._write_some(file):
                pass
        except (CacheError, CodecError) as error:
            self.problem = str(error)
        finally:
            file.close()

    def _write_some(self, file: AnswerFile) -> bool:
        """Wait for answers and write them; tell whether more may come."""
        answers = [self._coming.get()]
        if answers[0] is not None:
            time.sleep(_GATHER_S)
        while not self._coming.empty():
            answers.append(self._coming.get())
        entries = [_entry(answer) for answer in answers if answer is not None]
        if entries:
            self.counts.stores += file.add(entries)
        return None not in answers


class _Answer(NamedTuple):
    """An answer on its way to the file."""

    question: Question
    asked: Asked
    response: AnyResponse
    stored_at: float


def _entry(answer: _Answer) -> Entry:
    said = answer.question.asked
    return Entry(
        key=answer.question.key,
        model=answer.asked.model,
        identity=answer.asked.identity,
        kind=said["kind"],
        asked=zlib.compress(encode(_without_secrets(said)), _FASTEST),
        answer=encode(response_dict(answer.response)),
        stored_at=answer.stored_at,
    )


def _without_secrets(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    if "parameters" not in asked:
        return asked
    parameters = asked["parameters"]
    hidden = {**parameters, "extra": masked(parameters["extra"])}
    return {**asked, "parameters": hidden}


def _is_broken_off(response: AnyResponse) -> bool:
    """Whether a part of an answer never came."""
    if isinstance(response, LoglikelihoodResponse):
        return False
    bad_frames = response.timing and response.timing.bad_frames
    return bool(bad_frames) or response.finish_reason in _BROKEN_OFF


def _recalled(wire: Mapping[str, Any]) -> AnyResponse:
    """Read an answer that was kept: nothing was sent for it, and nothing timed."""
    usage, timing = wire["usage"], wire["timing"]
    recalled = Recalled(
        requests=1,
        usage=None if usage is None else Usage(**usage),
        latency_s=None if timing is None else timing["latency_s"],
    )
    return response_of({**wire, "timing": None, "attempts": 0}, recalled)
