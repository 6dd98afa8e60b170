"""Counting tokens after the run, and putting the counts into samples.

Counting takes as long as a tokenizer and a template take, which must not delay requests
that are measured. So a document that ends leaves behind what is to be counted; when all
requests are over, that is counted, and samples that lack counts are written once more,
with them. Of a document that is recorded twice the last record counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple, NotRequired, Self, TypedDict, cast

from pytest_evalkit.codec import decode, encode, encode_lines
from pytest_evalkit.evaluate.request_log import RequestLog
from pytest_evalkit.evaluate.timing import per_token_s, rounded
from pytest_evalkit.evaluate.token_counts import TokenCounts
from pytest_evalkit.evaluate.turn_records import TurnLog
from pytest_evalkit.models.backend import Counter
from pytest_evalkit.values import Response, TokenSource, Uncounted, Usage

_KINDS = ("input_tokens", "output_tokens")
_UNTOLD: TokenCounts = {
    "input_tokens": None,
    "output_tokens": None,
    "reasoning_tokens": None,
    "cached_tokens": None,
}


class _RequestDict(TypedDict):
    """One request whose tokens are to be counted, but for its payload.

    ``place`` is its number among the requests of the document that were sent, and
    ``turn`` that of the turn that asked it; ``told`` is what the server counted.
    """

    place: int
    turn: NotRequired[int]
    choice: Mapping[str, Any]
    told: Mapping[str, int | None]


class _HeadDict(TypedDict):
    """What the pieces of a document are, and how long; None where a payload is none."""

    requests: list[_RequestDict]
    sizes: list[int | None]


class UncountedDocument(NamedTuple):
    """What a document leaves behind whose tokens are to be counted.

    Attributes:
        samples: Its samples as they were recorded; empty where they lack no counts.
        requests: Its requests.
        payloads: What was sent with each; None where that has media in it.
    """

    samples: bytes
    requests: list[_RequestDict]
    payloads: list[bytes | None]

    def write(self, file: IO[bytes], masked: Callable[[bytes], bytes]) -> int:
        """Write it to a file, without encoding once more what is long.

        Args:
            file: The file.
            masked: Takes secrets out of lines of JSON.

        Returns:
            How many bytes were written.

        Raises:
            OSError: There is no room.
        """
        pieces = [
            None if piece is None else masked(piece)
            for piece in (self.samples, *self.payloads)
        ]
        sizes = [None if piece is None else len(piece) for piece in pieces]
        head: _HeadDict = {"requests": self.requests, "sizes": sizes}
        written = file.write(masked(encode(head) + b"\n"))
        return written + sum(file.write(piece) for piece in pieces if piece)

    @classmethod
    def read(cls, file: IO[bytes]) -> Self | None:
        """Read the next one from a file; None at its end."""
        line = file.readline()
        if not line:
            return None
        head: _HeadDict = decode(line)
        samples, *payloads = (
            None if size is None else file.read(size) for size in head["sizes"]
        )
        return cls(samples or b"", head["requests"], payloads)


class ComparedDict(TypedDict):
    """Tokens that server and tokenizer both counted, of so many requests."""

    requests: int
    server: int
    here: int


class CountingLineDict(TypedDict):
    """What a process says of its counting: a line of its journal.

    ``requests`` is how many it counted that the server did not, and
    ``without_template`` of how many requests at all a part was counted without the chat
    template; ``problem`` says why, of the first of them.
    """

    process: str
    requests: int
    compared: dict[str, ComparedDict]
    without_template: int
    problem: str | None


@dataclass(slots=True)
class CountingTally:
    """What counting came to.

    Attributes:
        requests: Those of which something was counted that the server does not tell.
        compared: Tokens that both counted, by their kind.
        without_template: Requests of which a part was counted without the template.
        problem: Why, of the first of them.
    """

    requests: int = 0
    compared: dict[str, ComparedDict] = field(default_factory=dict)
    without_template: int = 0
    problem: str | None = None

    def line(self, process: str) -> CountingLineDict:
        """Write it as a process tells it."""
        return {
            "process": process,
            "requests": self.requests,
            "compared": self.compared,
            "without_template": self.without_template,
            "problem": self.problem,
        }

    def compare(self, kind: str, server: int, here: int) -> None:
        """Take in a count of both."""
        before = self.compared.get(kind, {"requests": 0, "server": 0, "here": 0})
        self.compared[kind] = {
            "requests": before["requests"] + 1,
            "server": before["server"] + server,
            "here": before["here"] + here,
        }


class _Found(NamedTuple):
    """What was counted of a request that its server does not tell; None for nothing."""

    place: int
    turn: int | None
    counts: Mapping[str, int | None]
    source: TokenSource


def uncounted_of(
    lines: bytes, log: RequestLog, turns: TurnLog
) -> UncountedDocument | None:
    """Gather what is to be counted of a document; None for nothing.

    Args:
        lines: Its samples, as they were recorded.
        log: Its requests.
        turns: What was seen of its turns.
    """
    asked_by = {
        id(uncounted): turn
        for turn, note in turns.notes.items()
        if note.response is not None
        for uncounted in _uncounted_in(note.response)
    }
    found = [
        (uncounted, _request(place, uncounted, usage, asked_by.get(id(uncounted))))
        for place, (uncounted, usage) in enumerate(log.uncounted)
        if uncounted is not None
    ]
    if not found:
        return None
    is_told = all(None not in request["told"].values() for _, request in found)
    return UncountedDocument(
        samples=b"" if is_told else lines,
        requests=[request for _, request in found],
        payloads=[uncounted.payload for uncounted, _ in found],
    )


def counted_samples(
    document: UncountedDocument, counter: Counter, tally: CountingTally
) -> bytes:
    """Count what a document left behind.

    Args:
        document: It.
        counter: What counts.
        tally: Takes in what it comes to.

    Returns:
        The document's samples with their counts; empty where they lack none that can be
        counted.
    """
    found = [
        each
        for request, payload in zip(document.requests, document.payloads, strict=True)
        if (each := _count(request, payload, counter, tally)) is not None
    ]
    if not found:
        return b""
    samples = [decode(line) for line in document.samples.split(b"\n") if line]
    for sample in samples:
        _fill(sample, found)
    return encode_lines(samples)


def _uncounted_in(response: Response) -> Iterable[Uncounted | None]:
    if response.exchanges:
        return [one.uncounted for one in response.exchanges]
    return (response.uncounted,)


def _request(
    place: int, uncounted: Uncounted, usage: Usage | None, turn: int | None
) -> _RequestDict:
    request: _RequestDict = {
        "place": place,
        "choice": uncounted.choice,
        "told": {
            "input_tokens": None if usage is None else usage.input_tokens,
            "output_tokens": None if usage is None else usage.output_tokens,
        },
    }
    if turn is not None:
        request["turn"] = turn
    return request


def _count(
    request: _RequestDict,
    payload: bytes | None,
    counter: Counter,
    tally: CountingTally,
) -> _Found | None:
    """Count one request; tell what its server did not, or None where it told all."""
    counted = counter.count(Uncounted(payload=payload, choice=request["choice"]))
    told = request["told"]
    if counted.problem is not None:
        tally.without_template += 1
        tally.problem = tally.problem or counted.problem
    here = {
        "input_tokens": counted.input_tokens,
        "output_tokens": counted.output_tokens,
    }
    missing: dict[str, int | None] = dict.fromkeys(_KINDS)
    for kind, count in here.items():
        server = told[kind]
        if server is None:
            missing[kind] = count
        elif count is not None:
            tally.compare(kind, server, count)
    if not any(count is not None for count in missing.values()):
        return None
    tally.requests += 1
    return _Found(request["place"], request.get("turn"), missing, counted.source)


def _fill(sample: dict[str, Any], found: Sequence[_Found]) -> None:
    """Put counts into a sample: of its requests, of its turns, and of the whole."""
    _fill_timing(sample["timing"], found)
    turns = {turn["turn"]: turn for turn in sample.get("turns", ())}
    for one in found:
        if one.turn in turns:
            _fill_turn(turns[one.turn], one)
    # What was not scored tells no counts of its answers, unless it tells of its turns.
    if sample["status"] in {"scored", "answered"} or turns:
        counts = sample.get("token_counts")
        for one in found:
            counts = _added(counts, one)
        sample["token_counts"] = counts


def _fill_turn(turn: dict[str, Any], found: _Found) -> None:
    turn["token_counts"] = _added(turn["token_counts"], found)
    # Of several requests of a turn, what is known least surely says how.
    known = turn.get("token_source")
    turn["token_source"] = "text" if known == "text" else found.source


def _fill_timing(timing: dict[str, Any], found: Sequence[_Found]) -> None:
    """Put counts beside the times of requests: in their places, where there are many."""
    if not isinstance(timing["request_status"], list):
        (one,) = found
        timing["token_source"] = one.source
        for kind, count in one.counts.items():
            if kind in timing and count is not None:
                timing[kind] = count
        _time_tokens(timing, None, one)
        return
    told = zip(*(timing[kind] for kind in _KINDS), strict=True)
    sources = [
        None if all(count is None for count in each) else "server" for each in told
    ]
    for one in found:
        sources[one.place] = one.source
        for kind, count in one.counts.items():
            if count is not None:
                timing[kind][one.place] = count
        _time_tokens(timing, one.place, one)
    timing["token_source"] = sources


def _time_tokens(timing: dict[str, Any], place: int | None, found: _Found) -> None:
    """Tell the time between tokens, which waited for their number."""
    tokens = found.counts["output_tokens"]
    if "inter_token_s" not in timing or tokens is None:
        return
    gaps = timing["gaps_sum_s"]
    if place is None:
        timing["inter_token_s"] = rounded(per_token_s(gaps, tokens))
    else:
        timing["inter_token_s"][place] = rounded(per_token_s(gaps[place], tokens))


def _added(counts: TokenCounts | None, found: _Found) -> TokenCounts:
    """Add what was counted to what was told of several requests together."""
    told: dict[str, Any] = {**(counts or _UNTOLD)}
    for kind, count in found.counts.items():
        if count is not None:
            told[kind] = count + (told[kind] or 0)
    return cast("TokenCounts", told)
