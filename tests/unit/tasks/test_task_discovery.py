from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.tasks import find_tasks, is_group_file, is_task_file

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_TASK = "dataset_path: org/name\n"


@pytest.mark.parametrize(
    "text",
    [
        "task: a\ndataset_path: org/name\n",
        "dataset_path: org/name\ntask: a\n",
        "task: a\ndoc_to_text: !function utils.f\n",
        "task: a\ndoc_to_txet: [broken\ndataset_path: x\n",
        "'task': a\n\"dataset_path\": org/name\n",
        '"include": "base"\n',
        "include: base\ntask: a\n",
        "include: base\n",
        "include: [base]\n",
        "include:\n- base\n",
        "class: !function utils.C\ntask: a\n",
    ],
)
def test_tasks_are_found_by_walking(folder: TaskFolder, text: str) -> None:
    folder.write("base", f"task: base\n{_TASK}")

    assert is_task_file(folder.write("a.yaml", text), explicit=False)


@pytest.mark.parametrize(
    "text",
    [
        "include:\n  - local: /ci/build.yml\nstages: [test]\n",
        "include: /ci/build.yml\n",
        "include: https://example.org/ci.yml\n",
        "include: template\ntag: x\n",
        "include:\n  - local: a\ntask:\n  script: make\ntag: x\n",
        "services:\n  web:\n    image: x\n",
        "task: deploy\n",
        "task: deploy\nsteps: [x]\n",
        "on:\n  push:\njobs:\n  task:\n    runs-on: x\n",
        "task: {{ .Values.task }}\ntag: {{ .Values.tag }}\n",
        "group: admins\nmembers: [a]\n",
        "- task: a\n  tag: b\n",
        "include: {{ template }}\n",
        "include: [\n",
        "dataset_path: org/name\ndoc_to_text: x\n",
        "",
    ],
)
def test_the_yaml_of_others_is_left_alone(folder: TaskFolder, text: str) -> None:
    folder.write("template", _TASK)

    assert not is_task_file(folder.write("a.yaml", text), explicit=False)


@pytest.mark.parametrize(
    "text",
    [
        "group: g\ntask:\n- a\n- b\n",
        "group: g\ntask:\n- group: h\n  aggregation: !function utils.f\n",
        "group: g\ntask: [a]\ntag: x\n",
    ],
)
def test_groups_are_known_and_not_walked(folder: TaskFolder, text: str) -> None:
    path = folder.write("a.yaml", text)

    assert is_group_file(path)
    assert not is_task_file(path, explicit=False)


def test_a_task_is_no_group(folder: TaskFolder) -> None:
    assert not is_group_file(folder.write("a.yaml", f"group: g\ntask: a\n{_TASK}"))
    assert not is_group_file(folder.write("a.json", "group: g\ntask: [a]\n"))


def test_files_that_are_no_text_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xff\xfe\x00task: a")

    assert not is_task_file(path, explicit=False)
    assert not is_task_file(tmp_path / "absent.yaml", explicit=False)


@pytest.mark.parametrize(
    ("name", "expected"), [("a.yaml", True), ("a.yml", True), ("a.json", False)]
)
def test_a_named_file_is_a_task_by_its_suffix(
    folder: TaskFolder, name: str, expected: bool
) -> None:
    assert is_task_file(folder.write(name, "x: 1\n"), explicit=True) is expected


@pytest.fixture
def tasks(folder: TaskFolder) -> dict[str, Path]:
    folder.write("_template", f"{_TASK}tag: shared\n")
    return {
        "gsm8k": folder.write("a/gsm8k.yaml", f"task: gsm8k\ntag: math\n{_TASK}"),
        "gsm8k_cot": folder.write(
            "a/cot.yaml", f"tag:\n- math\n- cot\ntask: gsm8k_cot\n{_TASK}"
        ),
        "mme": folder.write("b/mme.yaml", "task: 'mme'\ninclude: ../_template\n"),
        "other": folder.write("other.yaml", "stages: [a]\n"),
    }


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["gsm8k"], ["gsm8k"]),
        (["gsm8k*"], ["gsm8k", "gsm8k_cot"]),
        (["math"], ["gsm8k", "gsm8k_cot"]),
        (["cot", "gsm8k*"], ["gsm8k_cot", "gsm8k"]),
        (["shared"], ["mme"]),
        (["mme", "math"], ["mme", "gsm8k", "gsm8k_cot"]),
    ],
)
def test_tasks_are_found_by_name_glob_and_tag(
    folder: TaskFolder, tasks: dict[str, Path], patterns: list[str], names: list[str]
) -> None:
    found = find_tasks(patterns, [folder.root, folder.root / "a"])

    assert found == [tasks[name] for name in names]


@pytest.mark.parametrize(
    ("pattern", "hint"), [("gsm8", "gsm8k"), ("maths", "math"), ("x*y", "gsm8k")]
)
def test_an_unknown_name_names_the_nearest(
    folder: TaskFolder, tasks: dict[str, Path], pattern: str, hint: str
) -> None:
    with pytest.raises(OptionError, match=hint) as caught:
        find_tasks([pattern], [folder.root])

    assert repr(pattern) in str(caught.value)


def test_hidden_folders_are_not_searched(folder: TaskFolder) -> None:
    folder.write(".venv/a.yaml", f"task: a\n{_TASK}")
    folder.write("__pycache__/b.yaml", f"task: b\n{_TASK}")

    with pytest.raises(OptionError, match="unknown task 'a'; there is none"):
        find_tasks(["a"], [folder.root])
