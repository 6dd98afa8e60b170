"""Who goes next: requests with the same beginning next to each other.

A server keeps the work on the beginning of a prompt for the next one that begins alike.
What counts most is what stands first and is largest: the system text, then the media,
then the first characters of the text.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, NamedTuple, TypeVar

from pytest_evalkit.messages import MediaPart, Message, TextPart, VideoFrames
from pytest_evalkit.values import Generate, Loglikelihood, Request

T = TypeVar("T")

_LEVELS = 4
_LEAST_CHARACTERS = 32
# Later requests that may go before an earlier one; more, and first results come late.
PATIENCE = 256


class Beginning(NamedTuple):
    """What requests may have in common, the most important first.

    Attributes:
        system: The system text.
        media: What identifies each medium, in order.
        text: The first characters of the rest.
    """

    system: str
    media: tuple[str, ...]
    text: str


# What every request has in common where their order is to be kept.
NOTHING = Beginning("", (), "")


def beginning_of(request: Request, characters: int) -> Beginning:
    """Find how a request begins.

    Args:
        request: Of any kind.
        characters: How much of the text counts; 32 at least.

    Raises:
        DatasetError: A medium cannot be read.
    """
    characters = max(_LEAST_CHARACTERS, characters)
    if isinstance(request, Generate):
        return _of_messages(request.messages, characters)
    text = request.context if isinstance(request, Loglikelihood) else request.text
    return Beginning("", (), text[:characters])


def _of_messages(messages: tuple[Message, ...], characters: int) -> Beginning:
    system = [message.text for message in messages if message.role == "system"]
    media = [
        _identity(part)
        for message in messages
        for part in message.parts
        # Nearly all are texts, and telling them apart first is cheaper.
        if not isinstance(part, TextPart) and isinstance(part, MediaPart)
    ]
    text = ""
    for message in messages:
        if message.role != "system":
            text += message.text[:characters]
        if len(text) >= characters:
            break
    return Beginning("".join(system), tuple(media), text[:characters])


def _identity(part: MediaPart) -> str:
    """Find what tells a medium from others, without reading it where that can be."""
    source = part.source
    path = None if isinstance(source, VideoFrames) else source.path
    return source.sha256 if path is None else str(path)


class WaitingRoom(Generic[T]):
    """Holds who waits, and says who is next.

    Next is who has most in common with the last one, the longest waiting of these; but
    nobody is overtaken by more than so many.

    Args:
        patience: How many later ones may go before an earlier one.
    """

    def __init__(self, patience: int = PATIENCE) -> None:
        self._patience = patience
        self._taken = 0
        self._last = NOTHING
        self._again: deque[T] = deque()
        # Who waits, by arrival, with the number of those taken before and its queue.
        self._waiting: dict[T, tuple[int, Beginning]] = {}
        # For each length of what is in common: the queues that have it in common.
        self._queues: tuple[dict[tuple[object, ...], dict[Beginning, deque[T]]], ...]
        self._queues = tuple({} for _ in range(_LEVELS))

    def __len__(self) -> int:
        return len(self._waiting) + len(self._again)

    def add(self, one: T, beginning: Beginning) -> None:
        """Let somebody wait; each only once at a time."""
        self._waiting[one] = (self._taken, beginning)
        queue = self._queues[-1].get(beginning)
        if queue is not None:
            queue[beginning].append(one)
            return
        new = deque([one])
        for length, queues in enumerate(self._queues):
            queues.setdefault(beginning[:length], {})[beginning] = new

    def add_first(self, one: T) -> None:
        """Let somebody wait who has had a turn already: they go before all others."""
        self._again.append(one)

    def discard(self, one: T) -> None:
        """Let somebody go without a turn; one who does not wait is no matter."""
        if one in self._waiting:
            self._remove(one)
        elif one in self._again:
            self._again.remove(one)

    def take(self) -> T:
        """Say who is next, and let them go.

        Raises:
            IndexError: Nobody waits.
        """
        if self._again:
            return self._again.popleft()
        if not self._waiting:
            raise IndexError("nobody waits")
        oldest = next(iter(self._waiting))
        since, _ = self._waiting[oldest]
        is_overtaken = self._taken - since >= self._patience
        one = oldest if is_overtaken else self._nearest()
        self._last = self._remove(one)
        self._taken += 1
        return one

    def _nearest(self) -> T:
        for length in reversed(range(_LEVELS)):
            queues = self._queues[length].get(self._last[:length])
            if queues is not None:
                return next(iter(queues.values()))[0]
        raise AssertionError("everybody has nothing in common with everybody")

    def _remove(self, one: T) -> Beginning:
        _, beginning = self._waiting.pop(one)
        queue = self._queues[-1][beginning][beginning]
        if queue[0] is one:
            queue.popleft()
        else:
            queue.remove(one)
        if not queue:
            for length, queues in enumerate(self._queues):
                alike = queues[beginning[:length]]
                del alike[beginning]
                if not alike:
                    del queues[beginning[:length]]
        return beginning
