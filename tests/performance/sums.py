"""A benchmark of sums whose documents cost as little as they can, for what is measured.

It makes prompts from a template, filters by a regular expression and scores by exact
match.
"""

from __future__ import annotations

import json
from pathlib import Path

QUIET = (
    *("-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:anyio"),
    *("-p", "no:hypothesispytest"),
)
"""Arguments of pytest. Plugins of whoever runs a script are not what is measured."""

_TASK = """\
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["Question:"], temperature: 0.0, max_gen_toks: 64}
filter_list:
  - name: strict-match
    filter:
      - {function: regex, regex_pattern: "#### (\\\\-?[0-9\\\\.\\\\,]+)"}
      - {function: take_first}
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
    ignore_case: true
    regexes_to_ignore: [",", "\\\\$", "(?s).*#### ", "\\\\.$"]
"""


def write_sums(folder: Path, count: int) -> None:
    """Write the benchmark, ``sums.yaml``, of a number of documents."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "sums.yaml").write_text(_TASK)
    with (folder / "test.jsonl").open("w") as file:
        for number in range(count):
            question = (
                f"A train with {number} seats takes on {number % 97} passengers at each "
                f"of {number % 13 + 2} stops. How many passengers does it carry?"
            )
            answer = f"It carries them all.\n#### {(number % 97) * (number % 13 + 2)}"
            file.write(json.dumps({"question": question, "answer": answer}) + "\n")
