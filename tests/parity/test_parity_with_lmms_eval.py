"""That tasks of lmms-eval ask as they say, and score as worked out by hand."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from pytest_evalkit.codec import decode
from pytest_evalkit.evaluate import Evaluation, evaluate_document
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.models.backend import respond
from pytest_evalkit.results.aggregate import aggregate_task
from pytest_evalkit.tasks import DataSources, TaskSettings, load_task
from pytest_evalkit.values import AnyResponse, Request
from tests.parity import lmms_suite
from tests.parity.lmms_cases import CASES


@pytest.fixture(scope="session")
def lmms_tasks() -> Path:
    """Give the folder of lmms-eval's task files, or skip."""
    folder = os.environ.get("EVALKIT_LMMS_TASKS")
    if not folder:
        pytest.skip(
            "needs the task files of lmms-eval: set EVALKIT_LMMS_TASKS to the folder "
            "lmms_eval/tasks of an installation or a checkout"
        )
    return Path(folder)


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work where the tasks may write the files that they hand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# The adapters of lmms-eval know it, and servers do not: it is said that it is left out.
@pytest.mark.filterwarnings("ignore:.*generation_kwargs.image_aspect_ratio ")
@pytest.mark.parametrize("name", CASES)
def test_a_task_of_lmms_eval_comes_to_the_score_by_hand(
    name: str, working_folder: Path, lmms_tasks: Path
) -> None:
    case = CASES[name]
    path = lmms_suite.write(working_folder, name, case, lmms_tasks)
    model = lmms_suite.Reciting([doc["said"] for doc in case.docs])
    opened = load_task(path, TaskSettings()).open(DataSources())
    lines: list[SampleDict] = []

    async def ask(request: Request) -> AnyResponse:
        return await respond(model, request)

    async def evaluate() -> list[str | None]:
        evaluation = Evaluation(
            opened=opened,
            ask=ask,
            record=lambda text: lines.extend(map(decode, text.splitlines())),
            reasoning_tags=(),
            started_at=0.0,
        )
        outcomes = [
            await evaluate_document(evaluation, at) for at in range(len(case.docs))
        ]
        return [outcome.message for outcome in outcomes]

    messages = asyncio.run(evaluate())

    rows = aggregate_task(opened.task.scoring, lines)
    figures = {row["metric"]: row["value"] for row in rows}
    (question,) = model.asked[0].messages
    assert messages == [None] * len(case.docs)
    assert question.text == case.prompt
    assert {key: figures.get(key) for key in case.figures} == pytest.approx(
        case.figures, rel=1e-9
    )
