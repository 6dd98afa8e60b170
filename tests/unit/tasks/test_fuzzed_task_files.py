"""Whatever a task file says, it is a task that asks, or refused in words."""

from __future__ import annotations

import json
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_evalkit.codec import CodecError
from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.tasks import Catalogue, DataSources, Task, TaskSettings, load_task
from tests.unit.fuzzing import altered, damaged, fuzz, odd_texts

ROWS = [
    {"question": "2+2", "answer": "4", "choices": ["3", "4"], "n": 1, "id": "a"},
    {"question": "", "answer": None, "choices": [], "n": 10**400, "id": "b"},
]
SOUND: dict[str, Any] = {
    "task": "sums",
    "task_alias": "Sums",
    "tag": ["maths"],
    "dataset_path": "json",
    "dataset_name": None,
    "dataset_kwargs": {"data_files": {"test": "test.jsonl", "train": "test.jsonl"}},
    "test_split": "test",
    "fewshot_split": "train",
    "fewshot_config": {"sampler": "first_n"},
    "num_fewshot": 1,
    "output_type": "generate_until",
    "description": "Solve.",
    "doc_to_text": "Q: {{question}}{% for c in choices %} {{c}}{% endfor %}\nA:",
    "doc_to_target": "{{answer}}",
    "target_delimiter": " ",
    "fewshot_delimiter": "\n\n",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 16, "temperature": 0.0},
    "filter_list": [
        {"name": "strict", "filter": [
            {"function": "regex", "regex_pattern": "(-?[0-9]+)", "group_select": -1},
            {"function": "take_first"}]},
    ],
    "metric_list": [
        {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True,
         "ignore_case": True, "regexes_to_ignore": [","]},
    ],
    "repeats": 1,
    "should_decontaminate": False,
    "reasoning_tags": [["<think>", "</think>"]],
    "lmms_eval_specific_kwargs": {"default": {"pre_prompt": "", "post_prompt": ""}},
    "gate": [{"metric": "exact_match", "min": 0.5}],
    "needs": [],
    "metadata": {"version": 1.0, "keywords": ["question"], "id_column": "id"},
}  # fmt: skip
TEMPLATES = st.lists(
    st.sampled_from(
        ["{{", "}}", "{%", "%}", "question", "answer", "choices", "|", "[0]", "(", ")",
         "for c in ", "if", "endfor", "endif", "set x =", "~", "**", "*", "9999999",
         "'a'", "join", "replace('a', 'b')", "default(1)", "is defined", " ", "-", "n",
         "{#", "macro f()", "f()", "loop.index", ".upper()", "%", "range(", "\n", "else"]
    ),
    max_size=9,
).map(" ".join)  # fmt: skip
FIELDS = ("doc_to_text", "doc_to_target", "doc_to_choice", "description", "gen_prefix")


def run(task: Task) -> None:
    """Ask of every row what the task asks, as far as it can be opened here."""
    values = task.recipe.source.values
    files = (values.get("dataset_kwargs") or {}).get("data_files")
    if (
        values["dataset_path"] != "json"
        or files != SOUND["dataset_kwargs"]["data_files"]
    ):
        # Whatever else it is, the library of data sets is to find it.
        return
    opened = task.open(DataSources())
    for index in range(len(opened.documents)):
        with suppress(EvalkitError):
            assert opened.prepare(index).requests
        opened.keywords(index)
    assert opened.bundles is None or len(opened.bundles) == len(ROWS)


def try_file(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as root, warnings.catch_warnings():
        # Keys given twice, and others that have no effect, are told by warnings.
        warnings.simplefilter("ignore")
        folder = Path(root)
        rows = "".join(json.dumps(row) + "\n" for row in ROWS)
        (folder / "test.jsonl").write_text(rows)
        path = folder / "sums.yaml"
        path.write_bytes(content)
        with suppress(EvalkitError):
            assert Catalogue.of([folder]).entries is not None
        try:
            run(load_task(path, TaskSettings()))
        except EvalkitError as error:
            told = str(error)
        else:
            return
        assert told.strip()


def dumped(value: Any) -> bytes:
    with suppress(ValueError):
        return yaml.safe_dump(value, sort_keys=False).encode(errors="replace")
    return json.dumps(value).encode()


def test_the_sound_file_asks() -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        (folder / "test.jsonl").write_text(json.dumps(ROWS[0]) + "\n")
        (folder / "sums.yaml").write_bytes(dumped(SOUND))

        opened = load_task(folder / "sums.yaml", TaskSettings()).open(DataSources())

        assert len(opened.prepare(0).requests) == 1


@fuzz(120)
@given(altered(SOUND), st.data())
def test_a_file_with_any_values_is_a_task_or_refused(
    value: Any, data: st.DataObject
) -> None:
    if isinstance(value, dict):
        # Anything else would be looked for on the hub.
        value |= {key: SOUND[key] for key in ("dataset_path", "dataset_kwargs")}
        kinds = ["generate_until", "multiple_choice", "loglikelihood", "x"]
        value["output_type"] = data.draw(st.sampled_from(kinds))

    try_file(dumped(value))


@fuzz(120)
@given(damaged(dumped(SOUND)))
@example(b"\xff\xfe")
@example(b"task: a\n? [x, y]\n: z\n")
@example(b"task: 2001-99-99\n")
@example(b"task: !!binary x\n")
@example(b"task: 1_000e99999\nmetric_list: .inf\n")
@example(b"task: !!timestamp x\n")
@example(b"<<: *x\n")
@example(b"<<: 3\ntask: a\n")
def test_a_file_that_is_damaged_is_a_task_or_refused(content: bytes) -> None:
    try_file(content)


@fuzz(200)
@given(st.sampled_from(FIELDS), TEMPLATES | odd_texts)
def test_any_template_is_rendered_or_refused(key: str, text: str) -> None:
    try_file(dumped({**SOUND, key: text}))


@fuzz(60)
@given(damaged("".join(json.dumps(row) + "\n" for row in ROWS).encode()))
def test_rows_that_are_damaged_are_asked_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        (folder / "test.jsonl").write_bytes(content)
        (folder / "sums.yaml").write_bytes(dumped({**SOUND, "num_fewshot": 0}))
        task = load_task(folder / "sums.yaml", TaskSettings())

        with suppress(EvalkitError):
            opened = task.open(DataSources())
            for index in range(len(opened.documents)):
                with suppress(EvalkitError, CodecError):
                    assert opened.prepare(index).requests
