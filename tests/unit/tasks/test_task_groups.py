from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.errors import OptionError, TaskError
from pytest_evalkit.tasks import (
    Catalogue,
    GroupMetric,
    Selection,
    TaskSettings,
    load_task,
)

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_TASK = (
    "dataset_path: json\ntest_split: test\n"
    "doc_to_text: '{{question}}'\ndoc_to_target: '{{answer}}'\n"
)


@pytest.fixture
def tasks(folder: TaskFolder) -> TaskFolder:
    folder.write("_base", _TASK)
    for name in ("a", "b", "c"):
        folder.write(f"{name}.yaml", f"task: {name}\ninclude: _base\ntag: letters\n")
    return folder


def select(folder: TaskFolder, *patterns: str) -> Selection:
    return Catalogue.of([folder.root]).select(patterns)


def test_a_group_is_its_tasks_in_order(tasks: TaskFolder) -> None:
    path = tasks.write(
        "g.yaml",
        "group: g\ngroup_alias: The G\ntask: [b, a]\n"
        "aggregate_metric_list:\n  metric: acc\n  weight_by_size: false\n"
        "metadata: {version: 1.5}\n",
    )

    selection = select(tasks, "g")

    (group,) = selection.groups
    assert (group.name, group.alias, group.path) == ("g", "The G", path)
    assert group.members == group.tasks == ("b", "a")
    assert group.version == 1.5
    assert group.metrics == (
        GroupMetric(metric="acc", filters=None, weight_by_size=False),
    )
    assert [task.name for task in selection.tasks] == ["b", "a"]


def test_groups_nest_and_share_tasks(tasks: TaskFolder) -> None:
    tasks.write("g.yaml", "group: g\ntask: [h, a]\n")
    tasks.write("h.yaml", "group: h\ntask: [a, b]\n")

    selection = select(tasks, "g", "b")

    assert [(group.name, group.members) for group in selection.groups] == [
        ("g", ("h", "a")),
        ("h", ("a", "b")),
    ]
    assert selection.groups[0].tasks == ("a", "b")
    assert [task.name for task in selection.tasks] == ["a", "b"]


def test_a_group_tells_where_its_gates_stand(tasks: TaskFolder) -> None:
    path = tasks.write(
        "g.yaml",
        "group: g\ntask:\n- a\n- group: h\n  task: [b]\n  gate:\n"
        "  - {metric: acc, min: 0.2}\n"
        "gate:\n- {metric: acc, min: 0.5}\n- metric: f1\n  max: 1\n",
    )

    places = {group.name: group.gate_places for group in select(tasks, "g").groups}

    assert places == {"g": ((path, 9), (path, 10)), "g::h": ((path, 7),)}


def test_a_tag_is_its_tasks_by_name(tasks: TaskFolder) -> None:
    tasks.write("g.yaml", "group: g\ntask: [letters]\n")

    assert select(tasks, "g").groups[0].members == ("a", "b", "c")


def test_overrides_of_a_member_win_over_those_of_its_groups(tasks: TaskFolder) -> None:
    tasks.write(
        "g.yaml",
        "group: g\nnum_fewshot: 1\nrepeats: 1\ntask:\n"
        "- {task: a, num_fewshot: 3}\n- {group: h, repeats: 2}\n",
    )
    tasks.write("h.yaml", "group: h\nnum_fewshot: 9\ndescription: d\ntask: [b]\n")

    first, second = select(tasks, "g").tasks

    assert first.overrides == {"num_fewshot": 3, "repeats": 1}
    assert second.overrides == {"num_fewshot": 1, "repeats": 2, "description": "d"}


def test_a_member_that_is_a_group_or_tag_may_be_called_task(tasks: TaskFolder) -> None:
    tasks.write(
        "g.yaml",
        "group: g\ntask:\n- {task: h, num_fewshot: 5}\n- {task: letters, num_fewshot: 5}\n",
    )
    tasks.write("h.yaml", "group: h\ntask: [b]\n")

    selection = select(tasks, "g")

    assert [(task.name, task.overrides) for task in selection.tasks] == [
        ("b", {"num_fewshot": 5}),
        ("a", {"num_fewshot": 5}),
        ("c", {"num_fewshot": 5}),
    ]


def test_overrides_reach_the_task_and_not_its_name(tasks: TaskFolder) -> None:
    tasks.write(
        "g.yaml", "group: g\ntask:\n- {task: a, task_alias: first, repeats: 4}\n"
    )

    (reference,) = select(tasks, "g").tasks
    task = load_task(
        reference.path, TaskSettings(), reference.overrides, reference.name
    )

    assert (task.name, task.alias, task.repeats) == ("a", "first", 4)


def test_an_inline_group_is_named_after_the_outer_one(tasks: TaskFolder) -> None:
    tasks.write(
        "g.yaml",
        "group: g\nrepeats: 2\ntask:\n- group: h\n  group_alias: H\n  repeats: 3\n"
        "  task: [a]\n  aggregate_metric_list: [{metric: acc}]\n",
    )

    selection = select(tasks, "g")

    assert [(group.name, group.alias) for group in selection.groups] == [
        ("g", "g"),
        ("g::h", "H"),
    ]
    assert selection.groups[0].members == ("g::h",)
    # What is laid over from further out wins, for an inline group as for any.
    assert selection.tasks[0].overrides == {"repeats": 2}


def test_an_inline_group_may_have_the_name_of_a_task(tasks: TaskFolder) -> None:
    tasks.write("g.yaml", "group: g\ntask:\n- group: a\n  task: [b]\n")

    assert [group.name for group in select(tasks, "g").groups] == ["g", "g::a"]


def test_an_inline_task_may_include(tasks: TaskFolder) -> None:
    path = tasks.write(
        "g.yaml",
        "group: g\ntask:\n- {task: new, include: _base, doc_to_text: 'Q: {{question}}'}\n",
    )

    (reference,) = select(tasks, "g").tasks
    task = load_task(
        reference.path, TaskSettings(), reference.overrides, reference.name
    )

    assert (reference.name, reference.path) == ("g::new", path)
    assert task.name == "g::new"
    assert task.config["doc_to_text"] == "Q: {{question}}"
    assert task.config["doc_to_target"] == "{{answer}}"


def test_members_that_differ_under_one_name_are_numbered(tasks: TaskFolder) -> None:
    tasks.write(
        "g.yaml",
        "group: g\ntask:\n- {task: a, num_fewshot: 0}\n- {task: a, num_fewshot: 5}\n- a\n",
    )

    selection = select(tasks, "g")

    assert selection.groups[0].members == ("a", "a-1", "a-2")
    assert [task.overrides for task in selection.tasks] == [
        {"num_fewshot": 0},
        {"num_fewshot": 5},
        {},
    ]


def test_a_task_with_two_settings_is_refused(tasks: TaskFolder) -> None:
    tasks.write("g.yaml", "group: g\ntask:\n- {task: a, num_fewshot: 5}\n")

    with pytest.raises(OptionError, match="by group 'g' and by the command line"):
        select(tasks, "g", "a")


@pytest.mark.parametrize(
    ("metric", "filters", "weight"),
    [
        ("{metric: m}", None, True),
        ("{metric: m, filter_list: none}", ("none",), True),
        ("{metric: m, filter_list: [x, y], weight_by_size: truez}", ("x", "y"), True),
        ("{metric: !function u.m, aggregation: mean}", None, True),
        ("{metric: m, aggregation: !function u.f, weight_by_size: no}", None, False),
    ],
)
def test_a_metric_of_a_group(
    tasks: TaskFolder, metric: str, filters: tuple[str, ...] | None, weight: bool
) -> None:
    tasks.write("g.yaml", f"group: g\ntask: [a]\naggregate_metric_list: [{metric}]\n")

    assert select(tasks, "g").groups[0].metrics == (
        GroupMetric(metric="m", filters=filters, weight_by_size=weight),
    )


def test_tasks_of_the_lmms_dialect_count_alike_by_default(tasks: TaskFolder) -> None:
    tasks.write("v.yaml", "task: v\ninclude: _base\ndoc_to_visual: image\n")
    tasks.write("g.yaml", "group: g\ntask: [v]\naggregate_metric_list: {metric: m}\n")

    assert not select(tasks, "g").groups[0].metrics[0].weight_by_size


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("group: g\ntask:\n- a\n- lettrs\n", 4, "did you mean 'letters'?"),
        (
            "group: g\ntask:\n- {group: aa, repeats: 2}\n",
            3,
            "no task, group or tag 'aa'",
        ),
        ("group: g\ntask:\n- dataset_path: x\n", 3, "a member is the name of a task"),
        ("group: g\ntask:\n- 3\n", 3, "a member is the name of a task"),
        ("group: g\ntask: []\n", 2, "has no members"),
        ("group: g\ntask: [g]\n", 2, "contains itself: g > g"),
        ("group: g\ntask: [a]\nnum_fewshots: 1\n", 3, "did you mean 'num_fewshot'?"),
        ("group: g\ntask: [a]\nnum_fewshot: x\n", 3, "must be a whole number"),
        ("group: g\ntask: [a]\naggregate_metric_list: [acc]\n", 3, "names no metric"),
        (
            "group: g\ntask: [a]\naggregate_metric_list:\n- {metric: m, weigth: 1}\n",
            4,
            "unknown key 'aggregate_metric_list.0.weigth'",
        ),
        (
            "group: g\ntask: [a]\naggregate_metric_list:\n- {metric: m, aggregation: max}\n",
            4,
            "aggregation is 'max'; valid: mean",
        ),
    ],
)
def test_a_wrong_group_is_one_line_with_its_place(
    tasks: TaskFolder, text: str, line: int, message: str
) -> None:
    path = tasks.write("g.yaml", text)

    with pytest.raises(TaskError) as caught:
        select(tasks, "g")

    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == (path, line)
