from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.unit.benchmarks.scored_answers import judge

LoadModule = Callable[[str], ModuleType]


# The first document of the sample has the options Helium, Oxygen, Carbon dioxide and
# Neon, and is one of biology.
@pytest.mark.parametrize(
    ("answer", "score", "status"),
    [
        ("C", 1.0, "found"),
        (" C", 1.0, "found"),
        ("(C)", 1.0, "found"),
        ("C. Carbon dioxide", 1.0, "found"),
        ("Carbon dioxide", 1.0, "found"),
        ("The answer is C because A is wrong.", 1.0, "found"),
        ("I choose C over A", 1.0, "found"),
        ("Plants breathe.\n\nAnswer: **C**", 1.0, "found"),
        (r"\boxed{C}", 1.0, "found"),
        ("A", 0.0, "found"),
        ("The answer is not C, it is B.", 0.0, "found"),
        ("E", 0.0, "none"),
        ("", 0.0, "none"),
        ("A plant takes in a gas", 0.0, "none"),
        ("B or C", 0.0, "ambiguous"),
    ],
)
def test_a_generated_answer_is_right_where_it_names_the_letter(
    answer: str, score: float, status: str
) -> None:
    judged = judge("mmlu/mmlu_generative.yaml", "0", answer)

    assert judged.metrics == {"exact_match": score, "stem": score}
    assert judged.statuses == (status,)


def test_every_subject_has_a_task_and_a_field(
    load_module: LoadModule, benchmarks: Path
) -> None:
    fields = load_module("mmlu/utils.py").FIELDS
    tasks = [
        yaml.safe_load(file.read_text("utf-8"))
        for file in (benchmarks / "mmlu").glob("mmlu_*.yaml")
        if file.stem != "mmlu_generative"
    ]

    by_file = {
        task["dataset_name"]: task["tag"]
        for task in tasks
        if task.get("include") == "_mmlu_template"
    }

    assert len(by_file) == 57
    assert by_file == {
        subject: f"mmlu_{field}_tasks"
        for field, subjects in fields.items()
        for subject in subjects
    }
    assert Counter(by_file.values()) == {
        "mmlu_stem_tasks": 19,
        "mmlu_humanities_tasks": 13,
        "mmlu_social_sciences_tasks": 12,
        "mmlu_other_tasks": 13,
    }
