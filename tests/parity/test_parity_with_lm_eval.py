"""That tasks ask and score as in lm-eval, document by document."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.tasks import TaskSettings, load_task
from tests.parity import ours, suite
from tests.parity.deviations import DEVIATIONS, MODES, deviation
from tests.parity.outcome import (
    ASPECTS,
    Outcome,
    differences,
    of_reference,
    told_by_both,
)
from tests.parity.suite import Suite

TASKS = [
    *(name for name in suite.own_names() if name not in suite.own_groups()),
    *suite.real_names(),
]
_CASES = [(task, mode) for mode in MODES for task in TASKS]

Run = Callable[[str, TaskSettings], Outcome]


@pytest.fixture
def run(parity_suite: Suite) -> Run:
    """Run a task of the suite by this package."""

    def run_task(task: str, settings: TaskSettings) -> Outcome:
        order = parity_suite.folder / "order.json"
        return ours.run(parity_suite.file(task), settings, order)

    return run_task


def _different(ours: Outcome, theirs: Outcome, mode: str) -> dict[str, list[str]]:
    """Tell in which aspects two outcomes differ, and where."""
    if mode != "strict":
        ours = replace(ours, figures=told_by_both(ours.figures, theirs.figures))
    found = {
        aspect: differences(getattr(ours, aspect), getattr(theirs, aspect), aspect)
        for aspect in ASPECTS
    }
    return {aspect: places for aspect, places in found.items() if places}


@pytest.mark.parametrize(
    ("task", "mode"), [case for case in _CASES if deviation(*case) is None]
)
def test_a_task_asks_and_scores_as_the_reference(
    task: str, mode: str, run: Run, reference: dict[str, Any]
) -> None:
    settings = TaskSettings(compat=mode)
    if "error" in reference[task]:
        with pytest.raises(EvalkitError):
            run(task, settings)
        return

    outcome = run(task, settings)

    assert _different(outcome, of_reference(task, reference[task], mode), mode) == {}


@pytest.mark.parametrize(
    ("task", "mode"), [case for case in _CASES if deviation(*case) is not None]
)
def test_a_deviation_is_still_one(
    task: str, mode: str, run: Run, reference: dict[str, Any]
) -> None:
    found = deviation(task, mode)
    assert found is not None
    if found == "refused":
        with pytest.raises(EvalkitError, match=task):
            run(task, TaskSettings(compat=mode))
        return

    outcome = run(task, TaskSettings(compat=mode))

    if found == "failed":
        assert "error" in reference[task]
        return
    different = _different(outcome, of_reference(task, reference[task], mode), mode)
    assert next(iter(different), None) == found


@pytest.mark.parametrize("task", suite.CHATS)
def test_a_conversation_has_the_turns_of_the_reference(
    task: str, run: Run, reference: dict[str, Any]
) -> None:
    theirs = reference[f"chat {task}"]
    assert "error" not in theirs, theirs["error"]
    settings = TaskSettings(system_instruction=suite.SYSTEM, fewshot_as_multiturn=True)

    outcome = run(task, settings)

    assert _different(outcome, of_reference(task, theirs, "fixed"), "fixed") == {}


@pytest.mark.parametrize("task", suite.SYSTEMS)
def test_likelihoods_are_asked_after_the_system_instruction_of_the_reference(
    task: str, run: Run, reference: dict[str, Any]
) -> None:
    theirs = reference[f"system {task}"]
    assert "error" not in theirs, theirs["error"]

    outcome = run(task, TaskSettings(system_instruction=suite.SYSTEM))

    assert _different(outcome, of_reference(task, theirs, "fixed"), "fixed") == {}


@pytest.mark.parametrize("mode", MODES)
def test_the_system_instruction_of_a_generated_text_is_a_message_of_its_own(
    mode: str, run: Run, reference: dict[str, Any]
) -> None:
    task = "own_exam_written"
    settings = TaskSettings(system_instruction=suite.SYSTEM, compat=mode)

    outcome = run(task, settings)

    theirs = of_reference(task, reference[f"system {task}"], mode)
    ((prompt,),) = outcome.prompts[0]
    system, user = json.loads(prompt)
    assert (system["role"], user["role"]) == ("system", "user")
    assert system["content"] + user["content"] == theirs.prompts[0][0][0]


def test_only_strict_runs_limit_the_tokens_of_a_task_that_does_not(run: Run) -> None:
    fixed = run("own_defaults", TaskSettings(compat="fixed"))
    strict = run("own_defaults", TaskSettings(compat="strict"))

    assert {each["max_tokens"] for each in fixed.generation} == {None}
    assert {each["max_tokens"] for each in strict.generation} == {256}


def test_the_suite_uses_every_name_of_the_reference(
    parity_suite: Suite, names_of_reference: dict[str, list[str]]
) -> None:
    tasks = [load_task(parity_suite.file(name), TaskSettings()) for name in TASKS]
    metrics = [metric for task in tasks for metric in task.scoring.metrics]
    pipelines = [
        pipeline for task in tasks for pipeline in task.config.get("filter_list") or ()
    ]

    used = {
        "output types": {task.output_type for task in tasks},
        "metrics": {metric.name for metric in metrics},
        "aggregations": {metric.aggregation_name for metric in metrics},
        "filters": {
            step["function"] for pipeline in pipelines for step in pipeline["filter"]
        },
    }
    unused = {
        kind: set(names) - used[kind] for kind, names in names_of_reference.items()
    }
    assert unused == {kind: set() for kind in names_of_reference}


def test_every_task_that_shows_a_deviation_is_in_the_suite() -> None:
    named = {task for each in DEVIATIONS for task in each.shown_by}

    assert named <= set(TASKS)
