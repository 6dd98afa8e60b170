"""Files that are wrong or hostile: one line each, and nothing of them is run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.errors import EvalkitError, TaskError
from pytest_evalkit.tasks import Catalogue, DataSources, TaskSettings, load_task
from pytest_evalkit.tasks.catalogue import DuplicateNameWarning

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_SOUND = """\
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
doc_to_text: '{{question}}'
doc_to_target: '{{answer}}'
"""
_BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)
)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("include: sums.yaml\n", "include: sums.yaml includes itself"),
        ("include: around\n", "include: sums.yaml includes itself"),
        ("include: nowhere\n", "include: nowhere does not exist"),
        ("include: .\n", "include: . does not exist"),
        (_BOMB, "its aliases expand to more than 200,000 values"),
        ("x: " + "[" * 200_000 + "]" * 200_000 + "\n", "is nested too deeply"),
        ("x: " + "[" * 150 + "]" * 150 + "\n", "is nested too deeply"),
        ("x:\n" + "- " * 600 + "y\n", "is nested too deeply"),
        ("".join(f"{' ' * n}x:\n" for n in range(1200)), "is nested too deeply"),
        ("x: " + "[" * 200_000 + "\n", "is nested too deeply"),
        (
            "x: [&a0 y" + "".join(f", &a{n + 1} [*a{n}]" for n in range(200)) + "]",
            "deeply",
        ),
        ("x: &x {y: *x}\n", "an alias contains itself"),
        ("x: !!python/object/apply:os.system [touch ran]\n", "is not YAML"),
        ("process_docs: !function utils.absent\n", "utils has no 'absent'"),
        ("process_docs: !function nowhere.f\n", "no module nowhere"),
        ("process_docs: !function os\n", "names no module; write module.name"),
        ("description: '{{ question'\n", "the template is wrong: unexpected end"),
    ],
)
def test_a_bad_file_is_one_line(
    folder: TaskFolder, monkeypatch: pytest.MonkeyPatch, extra: str, message: str
) -> None:
    monkeypatch.chdir(folder.root)
    folder.write("utils.py", "def present(docs):\n    return docs\n")
    folder.write("around", "include: back\n")
    folder.write("back", "include: sums.yaml\n")
    started = time.monotonic()

    with pytest.raises(EvalkitError) as caught:
        folder.load_text(_SOUND + extra).open(DataSources())

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (folder.root / "ran").exists()
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ 1 // 0 }}", "integer division or modulo by zero"),
        ("{{ question.split()[9] }}", "has no element 9"),
        ("{{ question.absent() }}", "has no attribute 'absent'"),
        ("{{ question | regex_replace('(', '') }}", "unterminated subpattern"),
        ("{% for x in range(10 ** 9) %}{{ x }}{% endfor %}", "Range too big"),
    ],
)
def test_a_template_that_raises_is_one_line_with_its_place(
    folder: TaskFolder, template: str, message: str
) -> None:
    task = folder.load(doc_to_text=template)

    with pytest.raises(TaskError, match="the template failed: ") as caught:
        task.open(DataSources()).prepare(0)

    assert message in str(caught.value)
    assert caught.value.line is not None
    assert "\n" not in str(caught.value)


def test_the_second_file_of_a_name_is_told_and_left_out(folder: TaskFolder) -> None:
    first = folder.write("a/sums.yaml", _SOUND)
    second = folder.write("b/sums.yaml", _SOUND)

    with pytest.warns(DuplicateNameWarning) as caught:
        selection = Catalogue.of([folder.root]).select(["sums"])

    (warning,) = caught
    assert str(first) in str(warning.message)
    assert str(second) in str(warning.message)
    assert [task.path for task in selection.tasks] == [first]


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ question.__init__.__globals__ }}",
        "{{ self.__init__.__globals__ }}",
        "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    ],
)
def test_a_template_reaches_no_internals_of_python(
    folder: TaskFolder, template: str
) -> None:
    task = folder.load(doc_to_text=template)

    with pytest.raises(TaskError) as caught:
        task.open(DataSources()).prepare(0)

    assert "\n" not in str(caught.value)


def test_indexing_imports_nothing_and_bears_anything(folder: TaskFolder) -> None:
    folder.write("utils.py", "raise SystemExit('ran')\n")
    folder.write("a.yaml", _SOUND + "process_docs: !function utils.f\n")
    folder.write("bomb.yaml", _BOMB + "task: bomb\n")
    folder.write("deep.yaml", "task: " + "[" * 200_000 + "\ntag: x\n")
    folder.write("loop.yaml", "task: loop\ninclude: [loop.yaml, other]\n")
    folder.write("other", "include: loop.yaml\n")
    folder.write("tag.yaml", "task: t\ntag: !!python/name:os.system ''\n")

    entries = Catalogue.of([folder.root]).entries

    assert {"sums", "loop", "t"} <= entries.by_name.keys()


def test_a_group_that_includes_itself_is_one_line(folder: TaskFolder) -> None:
    path = folder.write("g.yaml", "group: g\ntask: [a]\ninclude: g.yaml\n")

    with pytest.raises(TaskError, match="includes itself"):
        Catalogue.of([folder.root]).select(["g"])
    with pytest.raises(TaskError, match="includes itself"):
        load_task(path, TaskSettings())
