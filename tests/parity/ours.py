"""The same tasks run by this package, and described in the same terms."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import decode
from pytest_evalkit.evaluate import Evaluation, evaluate_document
from pytest_evalkit.messages import Message
from pytest_evalkit.models.backend import respond
from pytest_evalkit.results.aggregate import Tally
from pytest_evalkit.scoring import DEFAULT_REASONING_TAGS
from pytest_evalkit.tasks import (
    DataSources,
    OpenedTask,
    Prepared,
    TaskSettings,
    load_task,
)
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    Loglikelihood,
    LoglikelihoodResponse,
    Request,
    Response,
    RollingLoglikelihood,
)
from tests.parity import answers
from tests.parity.outcome import Outcome
from tests.parity.suite import BOOTSTRAP_ITERS


class Scripted:
    """The model: a backend, as a user would write one.

    Args:
        order: The file that has the scripts, under ``scripts``.
    """

    def __init__(self, order: Path) -> None:
        self.scripts = json.loads(order.read_text("utf-8"))["scripts"]

    @property
    def model_name(self) -> str:
        return "scripted"

    def describe(self) -> dict[str, Any]:
        return {}

    async def generate(self, request: Generate) -> Response:
        origin = request.origin
        assert origin is not None
        prompt, script = prompt_text(request.messages), self.scripts[origin.task]
        return Response(text=answers.answer(prompt, script, origin.repeat))

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        logprob, is_greedy = answers.likelihood(request.context, request.continuation)
        return LoglikelihoodResponse(logprob=logprob, is_greedy=is_greedy)

    async def rolling_loglikelihood(
        self, request: RollingLoglikelihood
    ) -> LoglikelihoodResponse:
        return LoglikelihoodResponse(
            logprob=answers.rolling(request.text), is_greedy=False
        )

    async def aclose(self) -> None:
        return


def prompt_text(messages: Sequence[Message]) -> str:
    """Write a prompt: as it is, or, of a conversation, as JSON."""
    if len(messages) == 1:
        return messages[0].text
    turns = [{"role": message.role, "content": message.text} for message in messages]
    return json.dumps(turns)


def run(path: Path, settings: TaskSettings, order: Path) -> Outcome:
    """Run one task without pytest.

    Args:
        path: The task file.
        settings: What the command line would say.
        order: The file that has the scripts.
    """
    opened = load_task(path, settings).open(DataSources())
    prepared = [opened.prepare(at) for at in range(len(opened.documents))]
    lines = asyncio.run(_evaluated(opened, Scripted(order)))
    return _outcome(opened, prepared, lines)


async def _evaluated(opened: OpenedTask, model: Scripted) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []

    async def ask(request: Request) -> AnyResponse:
        return await respond(model, request)

    evaluation = Evaluation(
        opened=opened,
        ask=ask,
        record=lambda text: lines.extend(map(decode, text.splitlines())),
        reasoning_tags=DEFAULT_REASONING_TAGS,
        started_at=0.0,
    )
    for at in range(len(opened.documents)):
        outcome = await evaluate_document(evaluation, at)
        assert outcome.status == "scored", outcome.message
    return lines


def _outcome(
    opened: OpenedTask, prepared: Sequence[Prepared], lines: Sequence[Mapping[str, Any]]
) -> Outcome:
    tally = Tally(opened.task.scoring)
    values: dict[str, list[Any]] = {}
    for line in lines:
        tally.add(line)  # type: ignore[arg-type]  # it has the keys of a sample
        for metric in line["metrics"]:
            values.setdefault(f"{metric},{line['filter']}", []).append(line[metric])
    figures: dict[str, float | None] = {}
    directions: dict[str, bool | None] = {}
    for row in tally.aggregates(bootstrap_iters=BOOTSTRAP_ITERS):
        assert "error" not in row, row["error"]
        directions[row["metric"]] = row["higher_is_better"]
        figures[f"{row['metric']},{row['filter']}"] = row["value"]
        figures[f"{row['metric']}_stderr,{row['filter']}"] = row["stderr"]
    requests = [document.requests for document in prepared]
    return Outcome(
        prompts=[[_texts(request) for request in each] for each in requests],
        generation=[
            _generation(request)
            for each in requests
            for request in each[:1]
            if isinstance(request, Generate)
        ],
        values=values,
        figures=figures,
        directions=directions,
    )


def _texts(request: Request) -> list[str]:
    if isinstance(request, Generate):
        return [prompt_text(request.messages)]
    if isinstance(request, Loglikelihood):
        return [request.context, request.continuation]
    return [request.text]


def _generation(request: Generate) -> dict[str, Any]:
    parameters = request.parameters
    return {
        "stop": list(parameters.stop),
        "max_tokens": parameters.max_tokens,
        "temperature": parameters.temperature,
    }
