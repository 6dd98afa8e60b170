from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.errors import TaskError
from pytest_evalkit.tasks.source import FunctionReference, read_source

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder


def test_own_keys_replace_included_ones_whole(folder: TaskFolder) -> None:
    folder.write("base", "task: base\ngeneration_kwargs:\n  a: 1\n  b: 2\n")
    path = folder.write("a.yaml", "include: base\ngeneration_kwargs:\n  a: 3\n")

    source = read_source(path)

    assert source.values == {"task": "base", "generation_kwargs": {"a": 3}}


@pytest.mark.parametrize(("dialect", "expected"), [("lm", "second"), ("lmms", "first")])
def test_dialects_differ_in_which_of_several_includes_wins(
    folder: TaskFolder, dialect: str, expected: str
) -> None:
    folder.write("one", "task_alias: first\n")
    folder.write("two", "task_alias: second\n")

    source = read_source(
        folder.write("a.yaml", f"include: [one, two]\ndialect: {dialect}\n")
    )

    assert source.values["task_alias"] == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("doc_to_visual: image", "lmms"),
        ("lmms_eval_specific_kwargs: {default: {}}", "lmms"),
        ("generation_kwargs: {max_new_tokens: 16}", "lmms"),
        ("generation_kwargs: {max_gen_toks: 16}", "lm"),
        ("doc_to_text: '{{q}}'", "lm"),
    ],
)
def test_keys_decide_the_dialect(folder: TaskFolder, line: str, expected: str) -> None:
    assert read_source(folder.write("a.yaml", line)).dialect == expected


def test_includes_chain_relative_to_the_file_that_names_them(
    folder: TaskFolder,
) -> None:
    folder.write("shared/base.txt", "include: deeper/root\ntag: x\n")
    folder.write("shared/deeper/root", "task: t\n")

    source = read_source(folder.write("a/a.yaml", "include: ../shared/base.txt\n"))

    assert source.values == {"task": "t", "tag": "x"}


def test_two_includes_may_share_one(folder: TaskFolder) -> None:
    folder.write("root", "task: t\n")
    folder.write("left", "include: root\n")
    folder.write("right", "include: root\n")

    source = read_source(folder.write("a.yaml", "include: [left, right]\n"))

    assert source.values == {"task": "t"}


def test_a_key_is_placed_in_the_file_that_says_it(folder: TaskFolder) -> None:
    base = folder.write("base", "\nrepeats: 2\nmetric_list:\n  - metric: a\n")
    path = folder.write("a.yaml", "task: t\ninclude: base\n")

    source = read_source(path)

    assert source.place("repeats") == (base, 2)
    assert source.place("metric_list", 0, "metric") == (base, 4)
    assert source.place("task") == (path, 1)
    assert source.place("absent") == (path, None)


def test_a_function_remembers_the_file_that_names_it(folder: TaskFolder) -> None:
    base = folder.write("sub/base", "process_docs: !function utils.process\n")

    source = read_source(folder.write("a.yaml", "include: sub/base\n"))

    expected = FunctionReference("utils.process", (base, 1))  # type: ignore[arg-type]  # a place is a tuple
    assert source.values["process_docs"] == expected


def test_a_task_list_is_not_included(folder: TaskFolder) -> None:
    folder.write("base", "task: t\ntask_list: [a]\n")

    source = read_source(folder.write("a.yaml", "include: base\n"))

    assert source.values == {"task": "t"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("task: a\ninclude: nowhere\n", 2, "include: nowhere does not exist"),
        ("task: a\ninclude: {a: b}\n", 2, "include takes a file or a list of files"),
        ("task: a\n\ninclude: a.yaml\n", 3, "include: a.yaml includes itself"),
        ("task: [a\n", 2, "is not YAML"),
        ("task: a\nx: !other b\n", 2, "!other"),
        ("task: a\nx: !function\n", 2, "!function takes one name"),
        ("task: a\nx: &x [*x]\n", 2, "an alias contains itself"),
        ("task: a\nx: 2024-13-45\n", None, "holds an impossible value"),
        ("- a\n", None, "a task file is a mapping"),
        ("", None, "a task file is a mapping"),
        ("1: a\n", None, "the key 1 is not text"),
    ],
)
def test_a_wrong_file_is_one_line_with_its_place(
    folder: TaskFolder, text: str, line: int | None, message: str
) -> None:
    path = folder.write("a.yaml", text)

    with pytest.raises(TaskError) as caught:
        read_source(path)

    assert message in caught.value.message
    assert "\n" not in str(caught.value)
    assert (caught.value.path, caught.value.line) == (path, line)


def test_a_misspelt_include_names_the_nearest_file(folder: TaskFolder) -> None:
    folder.write("_template_yaml", "task: a\n")
    path = folder.write("a.yaml", "include: _templte_yaml\n")

    with pytest.raises(TaskError, match="did you mean '_template_yaml'"):
        read_source(path)


def test_a_longer_cycle_is_told_where_it_closes(folder: TaskFolder) -> None:
    path = folder.write("a.yaml", "include: b.yaml\n")
    other = folder.write("b.yaml", "task: t\ninclude: a.yaml\n")

    with pytest.raises(TaskError, match="includes itself") as caught:
        read_source(path)

    assert (caught.value.path, caught.value.line) == (other, 2)


def test_aliases_that_explode_are_refused(folder: TaskFolder) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{aliases}]")

    with pytest.raises(TaskError, match="aliases expand to more than"):
        read_source(folder.write("a.yaml", "\n".join(lines)))


def test_a_file_that_is_no_text_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"task: \xff\xfe")

    with pytest.raises(TaskError, match="is not UTF-8"):
        read_source(path)


def test_a_missing_file_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="cannot be read: No such file"):
        read_source(tmp_path / "a.yaml")


def test_of_a_key_given_twice_the_last_counts_and_both_lines_are_known(
    folder: TaskFolder,
) -> None:
    path = folder.write(
        "a.yaml", "task: a\ntag: b\ntask: c\nmetadata:\n  v: 1\n  v: 2\n"
    )

    source = read_source(path)

    assert source.values == {"task": "c", "tag": "b", "metadata": {"v": 2}}
    assert [(note.key, note.first, note.place.line) for note in source.repetitions] == [
        ("task", 1, 3),
        ("v", 5, 6),
    ]
    assert source.place("task").line == 3


def test_includes_may_share_a_file(folder: TaskFolder) -> None:
    folder.write("base", "tag: x\n")
    folder.write("left", "include: base\nrepeats: 1\n")
    folder.write("right", "include: base\nrepeats: 2\n")

    source = read_source(folder.write("a.yaml", "task: a\ninclude: [left, right]\n"))

    assert source.values == {"task": "a", "tag": "x", "repeats": 2}


def test_includes_that_double_at_each_step_are_read_once(folder: TaskFolder) -> None:
    folder.write("a0", "task: a\n")
    for level in range(1, 60):
        folder.write(f"a{level}", f"include: [a{level - 1}, a{level - 1}]\n")

    assert read_source(folder.root / "a59").values == {"task": "a"}
