"""The benchmark of sums that runs are broken on, and what its endpoint answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_TASK = """\
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["Question:"], temperature: 0.0, max_gen_toks: 64}
metric_list: [{metric: exact_match}]
"""
# Which answers are wrong, so that scores have something to say.
_WRONG_EVERY = 3


def write_sums(folder: Path, count: int) -> None:
    """Write ``sums.yaml`` with a number of documents, and ``answers.jsonl`` to them."""
    (folder / "sums.yaml").write_text(_TASK)
    rows, answers = [], []
    for n in range(count):
        question, answer = f"{n} + {n} =", str(2 * n)
        said = "no idea" if n % _WRONG_EVERY == 0 else answer
        rows.append({"id": f"q{n}", "question": question, "answer": answer})
        answers.append({"prompt": question, "answer": said})
    answers.append({"prompt": "ping", "answer": "pong"})
    _write_lines(folder / "test.jsonl", rows)
    _write_lines(folder / "answers.jsonl", answers)


def _write_lines(path: Path, values: Iterable[Any]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
