from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import OptionError, TaskError
from pytest_evalkit.scoring import DEFAULT_REASONING_TAGS, THINKING_TAGS
from pytest_evalkit.tasks import TaskSettings, load_task
from pytest_evalkit.tasks.yaml_file import DuplicateKeyWarning

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_SOUND = """\
task: sums
dataset_path: json
test_split: test
doc_to_text: '{{question}}'
doc_to_target: '{{answer}}'
"""


@pytest.mark.parametrize(
    ("extra", "line", "message"),
    [
        ("doc_to_txt: x", 6, "unknown key 'doc_to_txt'; did you mean 'doc_to_text'?"),
        ("num_fewshot: five", 6, "num_fewshot is text ('five'), but must be a whole"),
        ("num_fewshot: true", 6, "num_fewshot is true or false (True)"),
        ("num_fewshot: -1", 6, "num_fewshot is -1, but must be 0 or more"),
        ("repeats: 0", 6, "repeats is 0, but must be 1 or more"),
        ("process_docs: utils.f", 6, "process_docs is text"),
        ("gen_prefix: [so]", 6, "gen_prefix is a list, but must be text"),
        ("doc_to_messages: x", 6, "doc_to_messages is text ('x')"),
        ("use_prompt: 'promptsource:*'", 6, "no longer maintained; write doc_to_text"),
        ("aggregate_metric_list: []", 6, "it belongs into the file of a group"),
        ("unsafe_code: true", 6, "runs code that the model wrote"),
        ("output_type: generate_untl", 6, "did you mean 'generate_until'?"),
        ("dialect: llms", 6, "dialect is 'llms'; valid: lm, lmms"),
        ("metric_list: [acc]", 6, "metric_list holds text ('acc'), but must hold map"),
        ("tag: [a, 1]", 6, "tag holds a whole number (1)"),
        ("fewshot_config:\n  sampler: frist_n", 7, "did you mean 'first_n'?"),
        ("fewshot_config:\n  samplr: first_n", 7, "did you mean 'sampler'?"),
        ("fewshot_config:\n  fewshot_indices: 1", 7, "is a whole number (1)"),
        ("gate:\n- metric: acc\n  mn: 1", 8, "unknown key 'gate.0.mn'"),
        ("gate:\n- metric: acc", 7, "a gate has min, max or max_drop"),
        ("gate:\n- {metric: acc, min: 1, confidence: 95}", 7, "between 0 and 1"),
        ("gate:\n- {metric: acc, max_drop: -1}", 7, "max_drop is 0 or above"),
        ("gate:\n- {metric: acc, coverage: 1}", 7, "write {metric: coverage, min: 1}"),
        ("gate:\n- min: 0.5", 7, "a gate names its metric"),
        ("filter_list:\n- name: a\n  filter:\n  - function: rgex", 9, "regex"),
        ("metric_list:\n- metric: exact_match\n- metric: exact_mach", 8, "exact_match"),
        ("generation_kwargs:\n  temperature: hot", 6, "temperature is 'hot'"),
        ("reasoning_tags: [a]", 6, "reasoning tags are"),
        ("metadata:\n  keywords: 3", 7, "metadata.keywords names columns, not 3"),
        ("metadata:\n  id_column: [a]", 7, "metadata.id_column names a column"),
    ],
)
def test_a_wrong_key_is_one_line_with_its_place(
    folder: TaskFolder, extra: str, line: int, message: str
) -> None:
    with pytest.raises(TaskError) as caught:
        folder.load_text(f"{_SOUND}{extra}\n")

    assert message in caught.value.message
    assert "\n" not in str(caught.value)
    assert caught.value.line == line
    assert caught.value.path == folder.root / "sums.yaml"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("task", "has no task: key"),
        ("dataset_path", "has no dataset_path: key"),
        ("doc_to_text", "has no doc_to_text: key"),
        ("test_split", "names no split to evaluate"),
        ("doc_to_target", "has nothing to score by"),
    ],
)
def test_a_missing_key_is_named(folder: TaskFolder, key: str, message: str) -> None:
    lines = [line for line in _SOUND.splitlines() if not line.startswith(f"{key}:")]

    with pytest.raises(TaskError, match=message):
        folder.load_text("\n".join(lines))


@pytest.mark.parametrize("text", ["group: g\ntask: [a, b]\n", "task: [a]\n"])
def test_a_group_is_no_task(folder: TaskFolder, text: str) -> None:
    with pytest.raises(TaskError, match="is a group of tasks; name it with --tasks"):
        folder.load_text(text)


def test_overrides_replace_whole_values_of_the_merged_file(folder: TaskFolder) -> None:
    folder.write("base", "metadata: {version: 1, note: a}\nnum_fewshot: 3\n")
    path = folder.write("sums.yaml", f"{_SOUND}include: base\n")

    task = load_task(path, TaskSettings(), {"metadata": {"version": 2}}, "renamed")

    assert (task.name, task.num_fewshot, task.version) == ("renamed", 3, 2)
    assert task.config["metadata"] == {"version": 2}


def test_a_task_written_in_a_group_has_none_of_the_groups_keys(
    folder: TaskFolder,
) -> None:
    folder.write("base", "".join(_SOUND.splitlines(keepends=True)[1:]))
    path = folder.write(
        "g.yaml", "group: g\ngroup_alias: G\nnum_fewshot: 9\ntask: []\n"
    )

    task = load_task(path, TaskSettings(), {"include": "base", "repeats": 2}, "g::a")

    assert (task.name, task.repeats, task.num_fewshot) == ("g::a", 2, 0)
    assert task.config["doc_to_text"] == "{{question}}"


def test_unsafe_code_runs_where_it_was_confirmed(folder: TaskFolder) -> None:
    settings = TaskSettings(confirm_unsafe=True)

    assert folder.load(settings, unsafe_code=True).name == "sums"
    assert folder.load(unsafe_code=False).name == "sums"


def test_a_malformed_flag_counts_by_its_truth(folder: TaskFolder) -> None:
    assert folder.load(should_decontaminate="truee", full_docs="yes").name == "sums"


def test_a_key_given_twice_with_two_values_is_warned_of(folder: TaskFolder) -> None:
    with pytest.warns(DuplicateKeyWarning, match="'repeats' is given again") as caught:
        task = folder.load_text(f"{_SOUND}repeats: 2\nrepeats: 3\n")

    assert task.repeats == 3
    assert f"{folder.root / 'sums.yaml'}:7:" in str(caught[0].message)
    assert "first in line 6" in str(caught[0].message)


def test_a_key_given_twice_with_one_value_is_fine(folder: TaskFolder) -> None:
    task = folder.load_text(
        f"{_SOUND}metadata: {{version: 3}}\nmetadata: {{version: 3}}\n"
    )

    assert task.version == 3


def test_a_group_beside_a_name_is_a_tag(folder: TaskFolder) -> None:
    task = folder.load(tag=["b"], group="old")

    assert task.tags == ("b", "old")


def test_null_and_false_leave_an_unsupported_key_unset(folder: TaskFolder) -> None:
    task = folder.load_text(f"{_SOUND}use_prompt: null\naggregate_metric_list: false\n")

    assert task.name == "sums"


def test_a_task_is_what_its_file_says(folder: TaskFolder) -> None:
    task = folder.load(
        task_alias="Sums",
        tag="arithmetic",
        repeats=3,
        needs=["judge"],
        gate=[{"metric": "exact_match", "min": 0.5}],
        metadata={"version": 2.0},
    )

    assert (task.name, task.alias, task.tags) == ("sums", "Sums", ("arithmetic",))
    assert (task.version, task.repeats, task.num_fewshot) == (2.0, 3, 0)
    assert task.needs == ("judge",)
    assert task.gates == ({"metric": "exact_match", "min": 0.5},)
    assert task.reasoning_tags is None
    assert [metric.name for metric in task.scoring.metrics] == ["exact_match"]


def test_a_version_in_a_list_counts(folder: TaskFolder) -> None:
    assert folder.load(metadata=[{"version": 0.0}]).version == 0.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (False, ()),
        ("none", ()),
        (True, DEFAULT_REASONING_TAGS),
        ([["<a>", "</a>"]], (("<a>", "</a>"),)),
    ],
)
def test_a_task_sets_its_reasoning_tags(
    folder: TaskFolder, value: object, expected: tuple[tuple[str, str], ...]
) -> None:
    assert folder.load(reasoning_tags=value).reasoning_tags == expected


@pytest.mark.parametrize(
    ("keys", "given", "expected"),
    [
        ({}, (), THINKING_TAGS),
        ({"reasoning_tags": "none"}, DEFAULT_REASONING_TAGS, THINKING_TAGS),
        ({}, DEFAULT_REASONING_TAGS, DEFAULT_REASONING_TAGS),
        ({"reasoning_tags": [["<a>", "</a>"]]}, (), (("<a>", "</a>"),)),
    ],
)
def test_thinking_is_stripped_where_no_tags_are_left(
    folder: TaskFolder,
    keys: dict[str, Any],
    given: tuple[tuple[str, str], ...],
    expected: tuple[tuple[str, str], ...],
) -> None:
    stripping = folder.load(auto_strip_thinking=True, **keys)
    plain = folder.load(auto_strip_thinking=False, **keys)

    assert stripping.tags_of_thought(given) == expected
    assert plain.tags_of_thought(given) == (
        () if expected == THINKING_TAGS else expected
    )


def test_the_command_line_wins_over_the_file(folder: TaskFolder) -> None:
    settings = TaskSettings(
        num_fewshot=2, repeats=4, generation={"max_tokens": 7, "until": ["!"]}
    )

    task = folder.load(
        settings, num_fewshot=0, repeats=1, generation_kwargs={"max_gen_toks": 99}
    )

    assert (task.num_fewshot, task.repeats) == (2, 4)
    assert task.parameters.max_tokens == 7
    assert task.parameters.stop == ("!",)
    assert task.config["num_fewshot"] == 2


def test_a_wrong_setting_is_not_laid_to_the_file(folder: TaskFolder) -> None:
    with pytest.raises(OptionError, match="top_p is 'x'"):
        folder.load(TaskSettings(generation={"top_p": "x"}))


def test_the_config_is_json_with_functions_by_name(folder: TaskFolder) -> None:
    folder.write("utils.py", "def score(doc, results):\n    return {'acc': 1}\n")
    folder.write("base", "metadata: {version: 1, since: 2024-05-06}\n")

    task = folder.load_text(
        f"{_SOUND}include: base\nprocess_results: !function utils.score\n"
        "metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]\n"
    )

    assert task.config["process_results"] == "utils.score"
    assert task.config["metadata"] == {"version": 1, "since": "2024-05-06"}
    assert "include" not in task.config


def test_functions_in_scoring_lists_are_resolved(folder: TaskFolder) -> None:
    folder.write(
        "utils.py",
        "def score(doc, results):\n    return {'acc': 1}\n"
        "def total(values):\n    return sum(values)\n",
    )

    task = folder.load_text(
        f"{_SOUND}process_results: !function utils.score\n"
        "metric_list:\n  - metric: acc\n    aggregation: !function utils.total\n"
        "    higher_is_better: true\n"
    )

    assert task.scoring.metrics[0].aggregation([1, 2]) == 3
    assert task.scoring.process_results is not None


def test_loading_does_not_look_for_data(folder: TaskFolder, tmp_path: Path) -> None:
    assert folder.load(dataset_path=str(tmp_path / "nowhere")).name == "sums"
