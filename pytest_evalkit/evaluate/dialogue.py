"""Dialogues that the task drives: it says what follows each answer, until it is done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from pytest_evalkit.engine import Flow
from pytest_evalkit.errors import ScoringError
from pytest_evalkit.messages import Message
from pytest_evalkit.scoring import Stripped, strip_reasoning
from pytest_evalkit.tasks import Rounds
from pytest_evalkit.values import Generate, Response

# A task that never ends its dialogue is at fault; no published one has so many rounds.
_MOST_ROUNDS = 100
_COUNTS = ("tool_calls", "valid_tool_calls", "invalid_steps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """A dialogue that has ended.

    Attributes:
        responses: The model's answers in order, as received; the last one tells in its
            transcript what was said before it.
        stripped: The same without thought.
        outcome: What is scored: the list of answers, or an agent's last word.
    """

    responses: tuple[Response, ...]
    stripped: tuple[Stripped, ...]
    outcome: Any


def dialogue(
    request: Generate, rounds: Rounds, tags: Sequence[tuple[str, str]]
) -> Flow[Dialogue]:
    """Ask, and go on asking what the task says, until it says no more.

    Args:
        request: What is asked first.
        rounds: Says what follows.
        tags: Pairs around thought; the task is told the answers without it.

    Raises:
        TaskError: The task's own code fails.
        ScoringError: The task goes on for ever.
    """
    responses: list[Response] = []
    stripped: list[Stripped] = []
    outputs: list[Any] = []
    said: list[Message] = []
    state: Any = None
    most = rounds.most
    while True:
        answers = yield (request,)
        response = answers[0]
        assert isinstance(response, Response)
        responses.append(replace(response, transcript=(*said, *response.transcript)))
        stripped.append(strip_reasoning(response.text, tags))
        outputs.append(stripped[-1].text)
        step = rounds.following(len(responses), outputs, state)
        outputs = outputs if step.outputs is None else list(step.outputs)
        is_over, state = step.messages is None, step.state
        if step.messages is None or len(responses) == most:
            break
        if len(responses) == _MOST_ROUNDS:
            raise ScoringError(f"the task did not end after {_MOST_ROUNDS} rounds")
        answered = Message.of_text("assistant", response.text)
        said += [*response.transcript, answered, *step.messages]
        request = replace(request, messages=step.messages)
    return Dialogue(
        responses=tuple(_with_last_transcript(responses)),
        stripped=tuple(stripped),
        outcome=_last_word(outputs, state, is_over) if rounds.is_agentic else outputs,
    )


def _with_last_transcript(responses: Sequence[Response]) -> list[Response]:
    *earlier, last = responses
    return [*(replace(response, transcript=()) for response in earlier), last]


def _last_word(outputs: Sequence[Any], state: Any, is_over: bool) -> str:
    """Write what an agent is scored by: the task's conclusion, or where it stopped.

    An agent that used up its steps has not reached its goal; the task's scorer reads
    how far it came from the fields that it knows.
    """
    last = str(outputs[-1]) if outputs else ""
    if is_over or not isinstance(state, Mapping):
        return last
    reached = state.get("state")
    reached = dict(reached) if isinstance(reached, Mapping) else {}
    return json.dumps(
        {
            **reached,
            "success": False,
            "error": "max_agentic_steps_reached",
            **{name: float(state.get(name) or 0) for name in _COUNTS},
            "state": reached,
            "last_model_output": last,
            "trace": list(outputs),
        },
        ensure_ascii=False,
    )
