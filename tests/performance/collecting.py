"""How long it takes to list the documents of a group among thousands of tasks.

Writes a folder of 5,000 task files, and among them a group of 57 tasks in four groups,
with a template that they include and 200 documents each as JSON Lines. Then it times
``pytest --collect-only -q`` on the group by name with a cold index and with a warm one,
on the group's file, and on one task; beside ``pytest --version`` for scale. Seconds of
the processor are those of the process, and say more on a busy machine. What Hypothesis
does at the end of a session is left out.

    python tests/performance/collecting.py [--runs 5] [--others 5000]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

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
    exam = folder / "tasks"
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


class Taken(NamedTuple):
    """Seconds that a run took: of the clock, and of the processor."""

    wall_s: float
    cpu_s: float


def timed(folder: Path, *arguments: str, documents: int | None = None) -> Taken:
    """Time one run of pytest.

    Args:
        folder: Where it runs.
        arguments: Its command line.
        documents: How many documents it is to list, or None where it lists none.

    Raises:
        ValueError: It listed another number.
    """
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    started, used = time.perf_counter(), _used_s()
    told = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    taken = Taken(time.perf_counter() - started, _used_s() - used)
    listed = told.stdout.count(".yaml::")
    if documents is not None and listed != documents:
        raise ValueError(f"{listed} documents were listed instead of {documents}")
    return taken


def _used_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def report(label: str, taken: Sequence[Taken]) -> None:
    """Print the medians of some runs, and the range of the clock's."""
    walls = [each.wall_s for each in taken]
    cpu_s = statistics.median(each.cpu_s for each in taken)
    print(
        f"{label:<26} {statistics.median(walls):5.2f} s "
        f"({min(walls):.2f} to {max(walls):.2f}), processor {cpu_s:.2f} s"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--others", type=int, default=5000)
    options = parser.parse_args()
    listing = ("-p", "no:hypothesispytest", "--collect-only", "-q")
    by_name = (*listing, "--include-path", "tasks", "--tasks", "exam")
    total, runs = SUBJECTS * DOCUMENTS, options.runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tree(folder, options.others)
        report("pytest --version", [timed(folder, "--version") for _ in range(runs)])
        report("group by name, cold index", [timed(folder, *by_name, documents=total)])
        for label, arguments, count in (
            ("group by name, warm index", by_name, total),
            ("group by its file", (*listing, "tasks/_exam.yaml"), total),
            ("one task by its file", (*listing, _ONE), DOCUMENTS),
            ("one task by its name", (*by_name[:-1], "exam_subject_07"), DOCUMENTS),
        ):
            taken = [timed(folder, *arguments, documents=count) for _ in range(runs)]
            report(label, taken)


_ONE = "tasks/exam_subject_07.yaml"


if __name__ == "__main__":
    main()
