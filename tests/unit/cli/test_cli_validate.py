from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_evalkit.cli import main
from pytest_evalkit.cli.validation import validate

_SOUND = "dataset_path: org/name\ntest_split: test\ndoc_to_text: q\ndoc_to_target: a\n"
_CODE = {
    "prints.py": "import os, sys\nprint('noise')\nos.write(1, b'noise')\n"
    "os.chdir('/')\nsys.path.insert(0, '/nowhere')\ndef f(docs): return docs\n",
    "leaves.py": "import sys\nsys.exit('goodbye')\n",
    "dies.py": "import os\nos._exit(7)\n",
    "lacks.py": "import package_that_is_not_there\n",
}


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in _CODE.items():
        write(tmp_path, f"code/{name}", text)
        module = Path(name).stem
        write(
            tmp_path,
            f"code/{module}.yaml",
            f"task: {module}\nprocess_docs: !function {module}.f\n{_SOUND}",
        )
    write(tmp_path, "sound/a.yaml", f"task: a\n{_SOUND}")
    write(tmp_path, "sound/b.yaml", f"task: b\nunsafe_code: true\n{_SOUND}")
    write(tmp_path, "wrong/c.yaml", f"task: c\ndoc_to_txt: x\n{_SOUND}")
    write(tmp_path, "template.yaml", _SOUND)
    return tmp_path


def test_each_task_that_does_not_load_is_one_line(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, search = Path.cwd(), list(sys.path)

    status = main(["validate", str(tree)])

    lines = capfd.readouterr().out.splitlines()
    code = tree / "code"
    assert status == 1
    assert (Path.cwd(), sys.path) == (folder, search)
    assert lines[0] == (
        f"{code / 'dies.yaml'}: loading it ended the process, with status 7"
    )
    (left,) = (line for line in lines if line.startswith(f"{code / 'leaves.yaml'}:2: "))
    assert left.endswith("goodbye") or "goodbye (" in left
    assert f"{tree / 'wrong' / 'c.yaml'}:2: unknown key 'doc_to_txt'" in "".join(lines)
    assert "loaded 3 of 7 tasks (42.9%)" in lines
    assert lines[-3:] == [
        "folders: 1 of 3 load wholly; 41.7% of a folder's tasks on average",
        "  code: 1 of 4",
        "  wrong: 0 of 1",
    ]
    assert "noise" not in "".join(lines)


def test_a_missing_package_is_counted_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "m.py", "import package_that_is_not_there\n")
    path = write(tmp_path, "a.yaml", f"task: a\nprocess_docs: !function m.f\n{_SOUND}")
    write(tmp_path, "b.yaml", f"task: b\n{_SOUND}")

    status = main(["validate", str(path), str(tmp_path / "b.yaml")])

    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert lines[0].endswith("(missing package: package_that_is_not_there)")
    assert lines[1:] == [
        "loaded 1 of 2 tasks (50.0%)",
        "  1 of the 1 that lack nothing (100.00%)",
        "  1 lack a package: package_that_is_not_there (1)",
    ]


def test_a_stand_in_does_for_a_credential_since_nothing_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ABSENT_API_KEY", raising=False)
    code = "import os\nKEY = os.environ['ABSENT_API_KEY']\ndef f(docs): return docs\n"
    write(tmp_path, "m.py", code)
    path = write(tmp_path, "a.yaml", f"task: a\nprocess_docs: !function m.f\n{_SOUND}")

    status = main(["validate", str(path)])

    assert status == 0
    assert capsys.readouterr().out.splitlines() == [
        "loaded 1 of 1 tasks (100.0%)",
        "  a stand-in did for credentials that are not set: ABSENT_API_KEY",
    ]
    assert "ABSENT_API_KEY" not in os.environ


def test_a_credential_that_nothing_does_for_is_counted_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "m.py", "raise RuntimeError('Missing credentials.')\n")
    path = write(tmp_path, "a.yaml", f"task: a\nprocess_docs: !function m.f\n{_SOUND}")

    status = main(["validate", str(path)])

    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert lines[0].endswith("needs a credential: Missing credentials.")
    assert lines[1:] == [
        "loaded 0 of 1 tasks (0.0%)",
        "  1 want a credential: unnamed (1)",
    ]


def test_a_task_that_fails_in_what_it_includes_is_named_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = write(tmp_path, "base", f"doc_to_txt: x\n{_SOUND}")
    paths = [
        write(tmp_path, f"{name}.yaml", f"task: {name}\ninclude: base\n")
        for name in ("a", "b")
    ]

    status = main(["validate", str(tmp_path)])

    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    for path, line in zip(paths, lines, strict=False):
        assert line.startswith(f"{path}: {base}:1: unknown key 'doc_to_txt'")


def test_groups_are_resolved_and_their_own_tasks_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "base", _SOUND)
    write(tmp_path, "a.yaml", "task: a\ninclude: base\n")
    write(tmp_path, "g.yaml", "group: g\ntask: [a, {task: own, include: base}]\n")
    bad = write(tmp_path, "h.yaml", "group: h\ntask:\n- aa\n")
    inner = write(tmp_path, "i.yaml", "group: i\ntask:\n- {task: own, repeats: 2}\n")

    status = main(["validate", str(tmp_path)])

    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert lines[0].startswith(f"{bad}:3: group 'h': there is no task, group or tag")
    assert lines[1] == f"{inner}: has no dataset_path: key (task 'i::own')"
    assert lines[2:] == ["loaded 1 of 1 tasks (100.0%)", "resolved 1 of 3 groups"]


def test_warnings_are_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = write(tmp_path, "base", f"repeats: 1\nrepeats: 2\n{_SOUND}")
    for name in ("a", "b"):
        write(tmp_path, f"{name}.yaml", f"task: {name}\ninclude: base\n")

    status = main(["validate", str(tmp_path)])

    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert lines[0].startswith(f"warning: {base}:2: 'repeats' is given again")
    assert lines[1] == "loaded 2 of 2 tasks (100.0%)"


def test_tasks_of_one_name_are_all_loaded(tmp_path: Path) -> None:
    write(tmp_path, "a/a.yaml", f"task: a\n{_SOUND}")
    write(tmp_path, "b/a.yaml", f"task: a\nnum_fewshot: x\n{_SOUND}")

    result = validate([tmp_path])

    assert (result.loaded, len(result.failed)) == (1, 1)
    assert result.shares() == {"a": 1.0, "b": 0.0}


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_a_path_without_tasks_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "empty").mkdir()

    assert main(["validate", str(tmp_path / name)]) == 4

    assert str(tmp_path / name) in capsys.readouterr().err


def test_a_task_sees_the_folder_it_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        tmp_path,
        "m.py",
        f"import os\nassert os.getcwd() == {str(tmp_path)!r}\nos.chdir('/')\n"
        "def f(docs): return docs\n",
    )
    write(
        tmp_path,
        "n.py",
        f"import os\nassert os.getcwd() == {str(tmp_path)!r}\ndef f(docs): return docs\n",
    )
    for name in ("m", "n"):
        write(
            tmp_path,
            f"{name}.yaml",
            f"task: {name}\nprocess_docs: !function {name}.f\n{_SOUND}",
        )
    monkeypatch.chdir(tmp_path)

    assert validate([tmp_path]).failed == ()
    assert os.getcwd() == str(tmp_path)  # noqa: PTH109 (what modules are told)
