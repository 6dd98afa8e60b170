"""The recorded turns of a conversation in place of a model's, to be scored again."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_evalkit.conversations import ExecuteTools, TurnFailure
from pytest_evalkit.errors import RecordingError, RequestRejectedError
from pytest_evalkit.evaluate.recorded import require_answer, require_prompt
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.evaluate.turn_records import TurnDict
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.tasks import Prepared
from pytest_evalkit.values import AnyResponse, Request, Response


class RecordedTurns:
    """Answers the turns of one conversation by what was recorded of it.

    Args:
        label: What messages call the run that it was recorded in.
        sample: What was recorded.
        prepared: The conversation as it is asked today.

    Raises:
        RecordingError: There is no answer, or it is one to something else.
    """

    def __init__(self, label: str, sample: SampleDict, prepared: Prepared) -> None:
        self._place = f"{require_answer(label, sample)} in {label}"
        require_prompt(label, sample, prepared)
        plan = prepared.conversation
        assert plan is not None, "only conversations have turns"
        self._numbers = [turn.number for turn in plan.conversation.client_turns]
        self._turns = {turn["turn"]: turn for turn in sample.get("turns", ())}

    async def answer(self, request: Request) -> AnyResponse:
        """Answer a turn.

        Raises:
            RecordingError: It was not asked.
            RequestRejectedError: It had no answer; says why.
        """
        assert request.origin is not None
        assert request.origin.turn is not None
        turn = self._turn(self._numbers[request.origin.turn])
        if turn["status"] != "successful":
            raise RequestRejectedError(str(turn["cause"]))
        return answer_of(turn)

    async def execute(self, asked: ExecuteTools) -> Sequence[str] | TurnFailure:
        """Tell what tools returned.

        Raises:
            RecordingError: They were not called.
        """
        turn = self._turn(asked.turn)
        if "tool_results" not in turn:
            return TurnFailure(cause=str(turn["cause"]))
        return [result["content"] for result in turn["tool_results"]]

    def _turn(self, number: int) -> TurnDict:
        turn = self._turns.get(number)
        if turn is None or turn["status"] == "skipped":
            raise RecordingError(
                f"{self._place} was led otherwise: turn {number} was not asked; ask it "
                "anew"
            )
        return turn


def answer_of(turn: TurnDict) -> Response:
    """Read the answer of a turn that has one."""
    calls = turn.get("tool_calls", ())
    return Response(
        text=turn["text"] or "",
        reasoning=turn.get("reasoning"),
        tool_calls=tuple(
            ToolCallPart(call["id"], call["name"], call["arguments"]) for call in calls
        ),
        finish_reason=turn["finish_reason"],
        attempts=0,
    )
