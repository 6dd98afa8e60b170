from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.codec import decode
from pytest_evalkit.errors import TaskError
from pytest_evalkit.evaluate import Evaluation, evaluate_document
from pytest_evalkit.models.oracle import Oracle
from pytest_evalkit.scoring import DEFAULT_REASONING_TAGS
from pytest_evalkit.tasks import OpenedTask, TaskSettings
from pytest_evalkit.values import Generate, Request, Response

if TYPE_CHECKING:
    from tests.unit.evaluate.conftest import OpenTask

BOUNDS = {"max_gen_toks": 16, "until": ["\n"], "temperature": 0.7}


def evaluate(opened: OpenedTask, text: str | None = None) -> dict[str, Any]:
    """Evaluate the first document, with an answer or else that of the oracle."""
    lines: list[bytes] = []

    async def ask(request: Request) -> Response:
        assert isinstance(request, Generate)
        return Response(text=text) if text else await Oracle().generate(request)

    evaluation = Evaluation(
        opened=opened,
        ask=ask,
        record=lines.append,
        reasoning_tags=DEFAULT_REASONING_TAGS,
        started_at=time.monotonic(),
    )
    asyncio.run(evaluate_document(evaluation, 0))
    sample: dict[str, Any] = decode(lines[0])
    return sample


def test_the_oracle_gets_all_of_a_variant(open_task: OpenTask) -> None:
    sample = evaluate(open_task(reasoning=True))

    assert sample["metrics"] == ["acc_score", "format_score"]
    assert (sample["acc_score"], sample["format_score"]) == (1.0, 1.0)
    assert sample["filtered_resps"] == "2"
    assert sample["resps"].startswith("<analysis>")


def test_form_and_answer_are_told_apart(open_task: OpenTask) -> None:
    opened = open_task(reasoning=True)

    wrong = evaluate(opened, "<analysis>1 + 1</analysis><answer>3</answer>")
    bare = evaluate(opened, "2")
    lost = evaluate(opened, "<analysis>It goes on and on")

    assert [(s["acc_score"], s["format_score"]) for s in (wrong, bare, lost)] == [
        *((0.0, 1.0), (1.0, 0.0)),
        (0.0, 0.0),
    ]
    assert [s["parse_status"] for s in (wrong, bare, lost)] == [
        *("found", "found"),
        "none",
    ]


def test_the_analysis_is_asked_for_and_has_room(open_task: OpenTask) -> None:
    opened = open_task(generation_kwargs=BOUNDS, reasoning=True)

    (request,) = opened.prepare(0).requests

    assert isinstance(request, Generate)
    system, user = request.messages
    assert system.role == "system"
    assert "<analysis>" in system.text
    assert "<answer>" in system.text
    assert user.text == "1+1="
    assert request.parameters.max_tokens == 16_384
    assert request.parameters.stop == ()
    assert request.parameters.temperature == 0.7


def test_wording_and_bound_can_be_said(open_task: OpenTask) -> None:
    settings = TaskSettings(
        system_instruction="Be brief.", generation={"max_tokens": 99}
    )
    words = {"system_prompt": "Think in <analysis>.", "max_new_tokens": 50}

    opened = open_task(reasoning=words)
    (request,) = opened.prepare(0).requests
    (given,) = open_task(settings=settings, reasoning=words).prepare(0).requests

    assert isinstance(request, Generate)
    assert isinstance(given, Generate)
    assert request.messages[0].text == "Think in <analysis>."
    assert request.parameters.max_tokens == 50
    assert given.messages[0].text == "Be brief.\n\nThink in <analysis>."
    assert given.parameters.max_tokens == 99


def test_results_tell_what_was_asked(open_task: OpenTask) -> None:
    config = open_task(generation_kwargs=BOUNDS, reasoning=True).task.config

    assert config["reasoning"]["max_new_tokens"] == 16_384
    assert "<analysis>" in config["reasoning"]["system_prompt"]
    assert config["generation_kwargs"] == {"temperature": 0.7, "max_new_tokens": 16_384}


def test_a_variant_includes_its_task(open_task: OpenTask) -> None:
    opened = open_task()
    path = opened.task.path.with_name("sums_reasoning.yaml")
    path.write_text("include: sums.yaml\ntask: sums_reasoning\nreasoning: true\n")

    variant = load_variant(path)

    assert variant.task.name == "sums_reasoning"
    assert [m.name for m in variant.task.scoring.metrics] == [
        *("acc_score", "format_score")
    ]
    assert [m.name for m in opened.task.scoring.metrics] == ["exact_match"]


def load_variant(path: Any) -> OpenedTask:
    from pytest_evalkit.tasks import DataSources, load_task

    return load_task(path, TaskSettings()).open(DataSources())


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"reasoning": {"promt": "x"}}, "unknown key 'reasoning.promt'"),
        ({"reasoning": {"max_new_tokens": 0}}, "must be 1 or more"),
        ({"reasoning": {"metric": "exact"}}, "did you mean 'exact_match'"),
        ({"reasoning": "yes"}, "true or false"),
        (
            {
                "reasoning": True,
                "output_type": "multiple_choice",
                "doc_to_choice": ["2", "4"],
                "metric_list": None,
            },
            "use generate_until",
        ),
    ],
)
def test_a_variant_that_cannot_be_is_refused(
    open_task: OpenTask, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(TaskError, match=message):
        open_task(**keys)


def test_no_variant_is_asked_for_unless_said(open_task: OpenTask) -> None:
    opened = open_task(reasoning=False)

    (request,) = opened.prepare(0).requests

    assert isinstance(request, Generate)
    assert [message.role for message in request.messages] == ["user"]
    assert opened.task.config["reasoning"] is False
