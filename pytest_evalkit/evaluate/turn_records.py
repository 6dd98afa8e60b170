"""What became of the turns of a conversation, as its sample tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from msgspec import Struct, field

from pytest_evalkit.conversations import Conversation, TurnOutcome, call_dict
from pytest_evalkit.evaluate.timing import rounded
from pytest_evalkit.evaluate.token_counts import TokenCounts, token_counts
from pytest_evalkit.values import Response, Timing, TokenSource

TurnStatus = Literal["successful", "errored", "skipped", "incomplete"]


class ToolResultDict(TypedDict):
    """What a tool returned to one call, where it was called in the run."""

    tool_call_id: str
    content: str


class TurnDict(TypedDict):
    """One client turn of a conversation: a row of ``turns_<task>.jsonl``.

    A turn that was never asked is ``skipped``, with the cause; one that was cut off by
    the end of the run is ``incomplete``. What is not defined is None, never 0: only a
    successful turn has an answer, tokens and times of it. ``turn`` is its number in the
    data, and times are seconds of the run's clock or durations in seconds.
    ``token_source`` says who counted the tokens, where it was not the server.
    """

    turn: int
    status: TurnStatus
    cause: str | None
    text: str | None
    reasoning: NotRequired[str]
    tool_calls: NotRequired[list[dict[str, str]]]
    tool_results: NotRequired[list[ToolResultDict]]
    finish_reason: str | None
    token_counts: TokenCounts | None
    token_source: NotRequired[TokenSource]
    planned_at_s: float | None
    sent_at_s: float | None
    latency_s: float | None
    ttft_s: float | None
    ttfo_s: float | None
    gaps_sum_s: float | None
    n_chunks: int | None
    bad_frames: int | None
    attempts: int | None
    recalled: NotRequired[bool]


@dataclass(slots=True)
class TurnNote:
    """What was seen of one turn while it was under way.

    Attributes:
        planned_at_s: When a load pattern wanted it sent, in seconds of the run's clock;
            None where none did.
        sent_at_s: When it was sent; None where nothing was.
        response: The answer, or None.
        cause: Why there is none; None where there is one, or nothing was asked.
        attempts: How often it was asked; None where that is not known.
        results: What its tools returned, where they were called.
        is_cut: Whether it was asked when the run's load had to end.
    """

    planned_at_s: float | None = None
    sent_at_s: float | None = None
    response: Response | None = None
    cause: str | None = None
    attempts: int | None = None
    results: tuple[ToolResultDict, ...] = ()
    is_cut: bool = False


class TurnLog(Struct):
    """What was seen of the turns of one conversation, by their numbers.

    Attributes:
        notes: Of each turn that anything was done for.
        outcomes: How each ended, once the conversation has ended by itself.
    """

    notes: dict[int, TurnNote] = field(default_factory=dict)
    outcomes: Sequence[TurnOutcome] | None = None

    def note(self, turn: int) -> TurnNote:
        """Get the note of a turn, made where there is none."""
        return self.notes.setdefault(turn, TurnNote())

    @property
    def responses(self) -> list[Response]:
        """The answers, in the order of turns."""
        return [
            note.response
            for _, note in sorted(self.notes.items())
            if note.response is not None
        ]


def turn_dicts(
    conversation: Conversation, log: TurnLog, cause: str | None
) -> list[TurnDict]:
    """Write what became of each client turn, in order.

    Args:
        conversation: As far as it was to be led.
        log: What was seen.
        cause: Why the conversation did not come to its end; None where it did.
    """
    turns = [turn.number for turn in conversation.client_turns]
    ends: list[tuple[TurnStatus, str | None]]
    if log.outcomes is not None:
        ends = [(one.status, one.cause) for one in log.outcomes]
    else:
        ends = [_broken_off(log.notes.get(turn), cause) for turn in turns]
    return [
        _turn(turn, status, why, log.notes.get(turn, TurnNote()))
        for turn, (status, why) in zip(turns, ends, strict=True)
    ]


def _broken_off(
    note: TurnNote | None, cause: str | None
) -> tuple[TurnStatus, str | None]:
    """Tell how a turn ended of a conversation that did not come to its end."""
    if note is not None and note.is_cut:
        return "incomplete", cause
    if note is None or (note.response is None and note.cause is None):
        return "skipped", cause
    return ("successful", None) if note.cause is None else ("errored", note.cause)


def _turn(turn: int, status: TurnStatus, cause: str | None, note: TurnNote) -> TurnDict:
    response = note.response
    timing = None if response is None else response.timing
    told: TurnDict = {
        "turn": turn,
        "status": status,
        "cause": cause,
        "text": None if response is None else response.text,
        "finish_reason": None if response is None else response.finish_reason,
        "token_counts": None if response is None else token_counts(response.usage),
        "planned_at_s": rounded(note.planned_at_s),
        "sent_at_s": None if status == "skipped" else rounded(note.sent_at_s),
        "latency_s": None,
        "ttft_s": None,
        "ttfo_s": None,
        "gaps_sum_s": None,
        "n_chunks": None,
        "bad_frames": None,
        "attempts": note.attempts,
    }
    if timing is not None:
        told.update(_times(timing))
    if note.results:
        told["tool_results"] = list(note.results)
    if response is not None:
        _tell(told, response)
    return told


def _tell(told: TurnDict, response: Response) -> None:
    """Say what came with an answer; only what there is to say."""
    if response.reasoning is not None:
        told["reasoning"] = response.reasoning
    if response.tool_calls:
        told["tool_calls"] = [call_dict(call) for call in response.tool_calls]
    if response.recalled is not None:
        told["recalled"] = True


def _times(timing: Timing) -> Any:
    return {
        "latency_s": rounded(timing.latency_s),
        "ttft_s": rounded(timing.ttft_s),
        "ttfo_s": rounded(timing.ttfo_s),
        "gaps_sum_s": rounded(sum(timing.gaps_s)) if timing.gaps_s else None,
        "n_chunks": timing.n_chunks,
        "bad_frames": timing.bad_frames,
    }
