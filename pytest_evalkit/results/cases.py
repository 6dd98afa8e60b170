"""Cases written in Python, as results know them: the tests of a module are a task."""

from __future__ import annotations

from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.journal import read_journals
from pytest_evalkit.results.task_record import TaskFacts
from pytest_evalkit.scoring.aggregations import AGGREGATIONS
from pytest_evalkit.scoring.plan import FilterPipeline, MetricSpec, ScoringPlan

PASSED_METRIC = "passed"
"""Whether the plain asserts of a case held: 1 or 0."""


def case_facts(folder: RunFolder, task: str) -> TaskFacts:
    """Say how the cases of one module score: the mean of whatever they recorded.

    Raises:
        ResultsError: A journal is damaged.
    """
    names = {PASSED_METRIC: None}
    for line in read_journals(folder.journal_dir):
        if line.value.get("task") == task:
            names.update(dict.fromkeys(line.value.get("metrics", ())))
    metrics = tuple(
        MetricSpec(
            name=name,
            function=None,
            aggregation=AGGREGATIONS["mean"],
            aggregation_name="mean",
            higher_is_better=True,
        )
        for name in names
    )
    pipeline = FilterPipeline(name="none", steps=())
    return TaskFacts(
        alias=task,
        config={},
        version=None,
        num_fewshot=0,
        plan=ScoringPlan(pipelines=(pipeline,), metrics=metrics),
    )
