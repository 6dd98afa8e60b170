"""That tasks ask and score as in lm-eval, document by document."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.tasks import TaskSettings
from tests.parity import ours, suite
from tests.parity.outcome import ASPECTS, Outcome, differences, of_reference
from tests.parity.suite import Suite

TASKS = [
    *(name for name in suite.own_names() if name not in suite.own_groups()),
    *suite.real_names(),
]


@pytest.fixture(scope="session")
def outcomes() -> dict[tuple[str, str], Outcome]:
    """Keep what was run for one aspect for the others."""
    return {}


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("compat", ["fixed"])
@pytest.mark.parametrize("task", TASKS)
def test_a_task_asks_and_scores_as_the_reference(
    task: str,
    compat: str,
    aspect: str,
    parity_suite: Suite,
    reference: dict[str, Any],
    outcomes: dict[tuple[str, str], Outcome],
) -> None:
    found = reference[task]
    assert "error" not in found, found["error"]
    theirs = of_reference(task, found)
    if (task, compat) not in outcomes:
        outcomes[task, compat] = ours.run(
            parity_suite.file(task), TaskSettings(), parity_suite.folder / "order.json"
        )

    assert differences(aspect, outcomes[task, compat], theirs) == []
