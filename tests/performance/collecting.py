"""How long it takes to list the documents of a group among thousands of tasks.

Writes a tree like that of a large collection: 5,000 task files in a folder, and below
it a group of 57 tasks in four groups, with templates that they include and 200 documents
each as JSON Lines. Then it times ``pytest --collect-only -q`` on the group by name with
a cold index and with a warm one, on the group's file, and on one task's file; beside
``pytest --version`` for scale.

    python tests/performance/collecting.py [--runs 5] [--others 5000]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUBJECTS = 57
DOCUMENTS = 200
AREAS = ("humanities", "other", "social_sciences", "stem")

_TEMPLATE = """\
dataset_path: json
test_split: test
output_type: generate_until
doc_to_text: "{{question}}\\nA. {{choices[0]}}\\nB. {{choices[1]}}\\nAnswer:"
doc_to_target: "{{['A', 'B'][answer]}}"
generation_kwargs:
  until: ["\\n"]
  max_gen_toks: 8
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""
_TASK = """\
include: _exam_template_yaml
task: exam_{name}
task_alias: {name}
tag: exam_{area}_tasks
dataset_kwargs:
  data_files:
    test: data/{name}.jsonl
description: "Questions about {name}."
"""
_AREA = """\
group: exam_{area}
group_alias: {area}
task:
  - exam_{area}_tasks
aggregate_metric_list:
  - metric: exact_match
    weight_by_size: true
metadata:
  version: 2
"""
_GROUP = """\
group: exam
task:
{members}
aggregate_metric_list:
  - metric: exact_match
    weight_by_size: true
metadata:
  version: 2
"""
_OTHER = """\
task: other_{number}
tag: others
dataset_path: json
dataset_kwargs:
  data_files:
    test: nowhere.jsonl
test_split: test
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
metric_list:
  - metric: exact_match
metadata:
  version: 1.0
"""


def write_tree(folder: Path, others: int) -> None:
    """Write the group with all that belongs to it, and the tasks around it."""
    exam = folder / "tasks" / "exam"
    (exam / "data").mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    for number in range(others):
        path = folder / "tasks" / f"other_{number:04}.yaml"
        path.write_text(_OTHER.format(number=number))
    (exam / "_exam_template_yaml").write_text(_TEMPLATE)
    for number in range(SUBJECTS):
        name, area = f"subject_{number:02}", AREAS[number % len(AREAS)]
        (exam / f"exam_{name}.yaml").write_text(_TASK.format(name=name, area=area))
        (exam / "data" / f"{name}.jsonl").write_text(_rows(name))
    for area in AREAS:
        (exam / f"_exam_{area}.yaml").write_text(_AREA.format(area=area))
    members = "\n".join(f"  - exam_{area}" for area in AREAS)
    (exam / "_exam.yaml").write_text(_GROUP.format(members=members))


def _rows(name: str) -> str:
    rows = (
        {
            "question": f"Question {n} about {name}, with some words around it?",
            "choices": [f"the first answer to {n}", f"the second answer to {n}"],
            "answer": n % 2,
            "subject": name,
        }
        for n in range(DOCUMENTS)
    )
    return "".join(json.dumps(row) + "\n" for row in rows)


def seconds(folder: Path, *arguments: str, documents: int | None = None) -> float:
    """Time one run of pytest.

    Args:
        folder: Where it runs.
        arguments: Its command line.
        documents: How many documents it is to list, or None where it lists none.

    Raises:
        ValueError: It listed another number.
    """
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    started = time.perf_counter()
    told = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    elapsed = time.perf_counter() - started
    listed = told.stdout.count(".yaml::")
    if documents is not None and listed != documents:
        raise ValueError(f"{listed} documents were listed instead of {documents}")
    return elapsed


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--others", type=int, default=5000)
    options = parser.parse_args()
    listing = ("--collect-only", "-q")
    by_name = (*listing, "--include-path", "tasks", "--tasks", "exam")
    total = SUBJECTS * DOCUMENTS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tree(folder, options.others)
        least = [seconds(folder, "--version") for _ in range(options.runs)]
        print(f"pytest --version: {statistics.median(least):.2f} s")
        cold = seconds(folder, *by_name, documents=total)
        print(f"group by name, cold index: {cold:.2f} s")
        for label, arguments, count in (
            ("group by name, warm index", by_name, total),
            ("group by its file", (*listing, "tasks/exam/_exam.yaml"), total),
            ("one task by its file", (*listing, _ONE), DOCUMENTS),
            ("one task by its name", (*by_name[:-1], "exam_subject_07"), DOCUMENTS),
        ):
            taken = [
                seconds(folder, *arguments, documents=count)
                for _ in range(options.runs)
            ]
            print(
                f"{label}: {statistics.median(taken):.2f} s "
                f"({min(taken):.2f} to {max(taken):.2f})"
            )


_ONE = "tasks/exam/exam_subject_07.yaml"


if __name__ == "__main__":
    main()
