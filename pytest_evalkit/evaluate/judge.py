"""The judge: a second model, asked by scorers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.engine.drive import Ask
from pytest_evalkit.errors import JudgeError, ModelError
from pytest_evalkit.messages import Message
from pytest_evalkit.scoring import (
    DEFAULT_REASONING_TAGS,
    JudgeQuestion,
    ScoreFlow,
    strip_reasoning,
)
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    GenerationParameters,
    Request,
    Response,
)

_QUOTED_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judge said to one question.

    Attributes:
        judge: Its name.
        question: What it was asked.
        prompt: The words that it was asked in; None where it was told the text alone.
        response: What it answered.
        value: The verdict.
    """

    judge: str
    question: JudgeQuestion
    prompt: str | None
    response: Response
    value: float

    def record(self) -> dict[str, Any]:
        """Write it for the sample of its document."""
        record: dict[str, Any] = {"judge": self.judge}
        if self.prompt is not None:
            record["prompt"] = self.prompt
        return {
            **record,
            "response": self.response.text,
            "value": self.value,
            "attempts": self.response.attempts,
        }


# What the flow of a document asks, and what it is told.
Asked = Request | JudgeQuestion
Told = AnyResponse | Verdict


class Judge:
    """A model whose answers are verdicts.

    Args:
        name: What records call it.
        ask: Gets its answer to one request.
        rates_texts: Whether it is told a text alone and answers a number from 0 to 1.
    """

    def __init__(self, name: str, ask: Ask, *, rates_texts: bool) -> None:
        self.name = name
        self._ask = ask
        self._rates_texts = rates_texts

    async def verdict(self, question: JudgeQuestion) -> Verdict:
        """Put a question to it.

        Raises:
            JudgeError: There is no verdict.
            BudgetSpentError: It was not asked, since nothing is left to spend.
        """
        prompt = None if self._rates_texts else question.prompt
        said = question.text if prompt is None else prompt
        request = Generate(
            messages=(Message.of_text("user", said),),
            parameters=GenerationParameters(temperature=0.0),
        )
        try:
            response = await self._ask(request)
        except ModelError as error:
            failure = JudgeError(f"no verdict of judge {self.name!r}: {error}")
            failure.attempts = error.attempts
            raise failure from error
        assert isinstance(response, Response)
        return Verdict(
            judge=self.name,
            question=question,
            prompt=prompt,
            response=response,
            value=self._value(question, response.text),
        )

    def _value(self, question: JudgeQuestion, text: str) -> float:
        if self._rates_texts:
            value = _rating(text)
        else:
            value = question.read(strip_reasoning(text, DEFAULT_REASONING_TAGS).text)
        if value is None:
            raise JudgeError(
                f"the verdict of judge {self.name!r} cannot be read: "
                f"{text[:_QUOTED_CHARACTERS]!r}"
            )
        return value


def _rating(text: str) -> float | None:
    """Read a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def asking_judge(ask: Ask, judge: Judge | None) -> Callable[[Asked], Awaitable[Told]]:
    """Put requests to the model, and questions to the judge.

    Args:
        ask: Gets the model's answer to one request.
        judge: Who judges, or None where nobody does.
    """

    def ask_either(asked: Asked) -> Awaitable[Told]:
        return verdict(asked) if isinstance(asked, JudgeQuestion) else ask(asked)

    async def verdict(question: JudgeQuestion) -> Verdict:
        if judge is None:
            raise JudgeError(
                "the scorer asks a judge, and there is none; say needs: [judge] in the "
                "task, and name one with --judge"
            )
        return await judge.verdict(question)

    return ask_either


def judged(
    flow: ScoreFlow[Any], verdicts: list[Verdict]
) -> Generator[Sequence[Asked], Sequence[Any], Any]:
    """Score by a flow, which is told numbers alone, and keep the verdicts.

    Args:
        flow: How the task scores.
        verdicts: Where they are kept, in the order of asking.
    """
    try:
        questions = next(flow)
        while True:
            told = yield questions
            verdicts.extend(told)
            questions = flow.send([each.value for each in told])
    except StopIteration as ended:
        return ended.value


def verdict_records(verdicts: Sequence[Verdict]) -> Sequence[Mapping[str, Any]]:
    """Write the verdicts for the sample of their document."""
    return [verdict.record() for verdict in verdicts]
