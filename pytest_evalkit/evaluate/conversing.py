"""Leading conversations: one turn after another, each within its time.

The flow of a conversation says what is asked, and is told what came of it. Here it is
asked: the next turn goes out in the same step of the event loop in which the answer to
the last one came in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field

from pytest_evalkit.conversations import (
    ExecuteTools,
    TurnFailure,
    TurnOutcome,
    TurnPrompt,
    dialogue,
)
from pytest_evalkit.engine import drive
from pytest_evalkit.engine.deadline import PatientTimeout
from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.errors import ModelError, ModelUnavailableError, RequestCutError
from pytest_evalkit.evaluate.turn_records import TurnLog, TurnNote
from pytest_evalkit.tasks import ConversationPlan
from pytest_evalkit.values import Generate, Response

# Answers calls of tools: a text for each, or why the turn cannot go on.
Executing = Callable[[ExecuteTools], Awaitable[Sequence[str] | TurnFailure]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTurn:
    """Ask for the answer to one client turn.

    Attributes:
        turn: Its number.
        request: What is asked.
        delay_s: Seconds that the client takes before; None for none.
    """

    turn: int
    request: Generate
    delay_s: float | None


Asked = AskTurn | ExecuteTools
Told = Response | TurnFailure | Sequence[str]
TurnFlow = Generator[Sequence[Asked], Sequence[Told], tuple[TurnOutcome, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """What leading a conversation takes.

    Attributes:
        plan: The conversation.
        ask: Gets the answer to one request.
        execute: Answers calls of tools, or None where nobody does.
        started_at: ``time.monotonic()`` at the start of the run.
        log: Where it is noted what becomes of the turns.
    """

    plan: ConversationPlan
    ask: Ask
    execute: Executing | None = None
    started_at: float = 0.0
    log: TurnLog = field(default_factory=TurnLog)

    async def lead(self) -> tuple[TurnOutcome, ...]:
        """Lead the conversation to its end.

        Returns:
            One outcome for each client turn; they are in the log too.

        Raises:
            ModelUnavailableError: No request will be answered.
            WithheldError: Nothing may be asked any more.
            RecordingError: It was to be answered from a record, which has no answer.
        """
        self.log.outcomes = await drive(turn_flow(self.plan), self._told)
        return self.log.outcomes

    async def _told(self, asked: Asked) -> Told:
        if isinstance(asked, ExecuteTools):
            return await self._within(asked.turn, self._executed(asked))
        if asked.delay_s is not None and self.plan.rules.injects_delay:
            await asyncio.sleep(asked.delay_s)
        self.log.note(asked.turn).sent_at_s = time.monotonic() - self.started_at
        return await self._within(asked.turn, self._answered(asked))

    async def _within(self, turn: int, answering: Awaitable[Told]) -> Told:
        """Wait as long as a turn may take; what would come later changes nothing."""
        seconds = self.plan.rules.turn_timeout_s
        try:
            with PatientTimeout(seconds):
                told = await answering
        except TimeoutError:
            told = TurnFailure(cause=f"timed out after {seconds:g} s (turn_timeout_s)")
        if isinstance(told, TurnFailure):
            self.log.note(turn).cause = told.cause
        return told

    async def _answered(self, asked: AskTurn) -> Told:
        note = self.log.note(asked.turn)
        try:
            response = await self.ask(asked.request)
        except ModelUnavailableError:
            raise
        except RequestCutError as error:
            note.is_cut, note.attempts = True, error.attempts
            self._time(note, error.planned_at, error.sent_at)
            raise
        except ModelError as error:
            note.attempts = error.attempts
            self._time(note, error.planned_at, error.sent_at)
            return TurnFailure(cause=" ".join(str(error).split()))
        assert isinstance(response, Response), "a turn is answered by a text"
        note.response, note.attempts = response, response.attempts
        if response.timing is not None:
            self._time(note, response.timing.planned_at, response.timing.started_at)
        elif not response.attempts:
            # It was recalled.
            note.sent_at_s = None
        return response

    def _time(
        self, note: TurnNote, planned_at: float | None, sent_at: float | None
    ) -> None:
        """Note moments of a monotonic clock, as seconds of the run's."""
        if planned_at is not None:
            note.planned_at_s = planned_at - self.started_at
        if sent_at is not None:
            note.sent_at_s = sent_at - self.started_at

    async def _executed(self, asked: ExecuteTools) -> Told:
        assert self.execute is not None, "a flow asks only where somebody calls tools"
        texts = await self.execute(asked)
        if not isinstance(texts, TurnFailure):
            self.log.note(asked.turn).results = tuple(
                {"tool_call_id": call.id, "content": text}
                for call, text in zip(asked.calls, texts, strict=True)
            )
        return texts


def turn_flow(plan: ConversationPlan) -> TurnFlow:
    """Ask the turns of a conversation one after another, as requests.

    Returns:
        One outcome for each client turn.
    """
    flow = dialogue(plan.conversation, plan.rules.dialogue, plan.defaults)
    try:
        asked = next(flow)
        while True:
            if isinstance(asked, TurnPrompt):
                told = yield (_ask(plan, asked),)
            else:
                told = yield (asked,)
            asked = flow.send(told[0])
    except StopIteration as ended:
        outcomes: tuple[TurnOutcome, ...] = ended.value
        return outcomes


def _ask(plan: ConversationPlan, prompt: TurnPrompt) -> AskTurn:
    return AskTurn(
        turn=prompt.turn, request=plan.request(prompt), delay_s=prompt.delay_s
    )
