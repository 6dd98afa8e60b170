from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.tasks import Catalogue
from pytest_evalkit.tasks.catalogue import DuplicateNameWarning
from pytest_evalkit.tasks.catalogue_scan import scan

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_DATA = "dataset_path: org/name\n"
# More than the fewest files for which an index is kept.
_MANY = 210


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    return place


@pytest.fixture
def tree(tmp_path: Path, cache: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "base").write_text("dataset_path: org/base\noutput_type: loglikelihood\n")
    for number in range(_MANY):
        file = root / f"t{number:03}.yaml"
        file.write_text(f"task: t{number:03}\ninclude: base\n")
    return root


def names(root: Path) -> list[str]:
    return [found.definition.name for found in scan(str(root))]


def index_file(cache: Path) -> Path:
    (file,) = (cache / "pytest-evalkit" / "catalogue").iterdir()
    return file


def test_an_entry_tells_what_its_file_and_its_includes_say(folder: TaskFolder) -> None:
    folder.write(
        "base", "tag: [x, y]\ndataset_path: org/a\noutput_type: multiple_choice\n"
    )
    path = folder.write(
        "a.yaml", "task: a\ninclude: base\ndataset_name: 'en'  # comment\ngroup: old\n"
    )

    entry = Catalogue.of([folder.root]).entries.by_name["a"]

    assert (entry.path, entry.kind) == (path, "task")
    assert entry.tags == ("x", "y", "old")
    assert entry.output_type == "multiple_choice"
    assert (entry.dataset_path, entry.dataset_name) == ("org/a", "en")


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        (f"task: a\n{_DATA}", "task", "a"),
        (f"task: a b\n{_DATA}", "task", "a b"),
        (f"task: 'a'\n{_DATA}", "task", "a"),
        (f"task:\n  a\n{_DATA}", "task", "a"),
        (f"task: first\n{_DATA}task: last\n", "task", "last"),
        ("task: a\nclass: !function m.C\n", "python", "a"),
        ("group: g\ntask: [a, b]\n", "group", "g"),
    ],
)
def test_what_a_file_defines_is_told_without_parsing_it(
    folder: TaskFolder, text: str, kind: str, name: str
) -> None:
    folder.write("a.yaml", text)

    (entry,) = Catalogue.of([folder.root]).entries.by_name.values()

    assert (entry.kind, entry.name) == (kind, name)


@pytest.mark.parametrize("text", [f"task: null\n{_DATA}", f"task: 3\n{_DATA}", _DATA])
def test_what_has_no_name_is_in_no_catalogue(folder: TaskFolder, text: str) -> None:
    folder.write("a.yaml", text)

    assert Catalogue.of([folder.root]).entries.by_name == {}


def test_a_group_names_its_direct_members(folder: TaskFolder) -> None:
    folder.write(
        "g.yaml",
        "group: g\ntask:\n- a\n- task: b\n  repeats: 2\n- group: h\n- group: i\n"
        "  task: [c]\n",
    )

    entry = Catalogue.of([folder.root]).entries.by_name["g"]

    assert entry.members == ("a", "b", "h", "g::i")


def test_a_name_means_the_task_before_the_tag(folder: TaskFolder) -> None:
    folder.write("a.yaml", f"task: x\n{_DATA}")
    folder.write("b.yaml", f"task: b\ntag: x\n{_DATA}")

    selection = Catalogue.of([folder.root]).select(["x"])

    assert [task.name for task in selection.tasks] == ["x"]


def test_a_glob_means_names_and_tags(folder: TaskFolder) -> None:
    folder.write("a.yaml", f"task: xa\n{_DATA}")
    folder.write("b.yaml", f"task: b\ntag: xs\n{_DATA}")
    folder.write("g.yaml", "group: xg\ntask: [c]\n")
    folder.write("c.yaml", f"task: c\n{_DATA}")

    selection = Catalogue.of([folder.root]).select(["x*"])

    assert [task.name for task in selection.tasks] == ["xa", "c", "b"]
    assert [group.name for group in selection.groups] == ["xg"]


def test_of_two_folders_the_later_one_counts(folder: TaskFolder) -> None:
    packaged = folder.write("packaged/a.yaml", f"task: a\n{_DATA}")
    own = folder.write("own/a.yaml", f"task: a\n{_DATA}")
    catalogue = Catalogue.of([packaged.parent, own.parent])

    with pytest.warns(DuplicateNameWarning) as caught:
        (task,) = catalogue.select(["a"]).tasks

    assert task.path == own
    assert f"'a' is defined by {own} and by {packaged}" in str(caught[0].message)


def test_within_a_folder_the_first_path_counts(folder: TaskFolder) -> None:
    first = folder.write("a/z.yaml", f"task: same\n{_DATA}")
    folder.write("b/a.yaml", f"task: same\n{_DATA}")
    folder.write("c.yaml", f"task: other\n{_DATA}")
    catalogue = Catalogue.of([folder.root])

    with pytest.warns(DuplicateNameWarning):
        (task,) = catalogue.select(["same"]).tasks

    assert task.path == first
    assert [task.name for task in catalogue.select(["other"]).tasks] == ["other"]


def test_a_file_in_two_folders_is_no_duplicate(folder: TaskFolder) -> None:
    path = folder.write("a/a.yaml", f"task: a\n{_DATA}")

    catalogue = Catalogue.of([folder.root, folder.root / "a", folder.root])

    assert catalogue.entries.duplicates == {}
    assert catalogue.select(["a"]).tasks[0].path == path


def test_a_file_may_be_named_by_its_path(folder: TaskFolder) -> None:
    folder.write("in/a.yaml", f"task: a\n{_DATA}")
    path = folder.write("out/b.yml", f"task: a\n{_DATA}")

    (task,) = Catalogue.of([folder.root / "in"]).select([str(path)]).tasks

    assert task.path == path


def test_a_named_group_finds_its_members_beside_itself(folder: TaskFolder) -> None:
    member = folder.write("out/sub/a.yaml", f"task: a\n{_DATA}")
    path = folder.write("out/g.yaml", "group: g\ntask: [a]\n")

    selection = Catalogue.of([]).select([str(path)])

    assert [task.path for task in selection.tasks] == [member]
    assert [group.name for group in selection.groups] == ["g"]


def test_a_named_file_that_defines_nothing_is_told(folder: TaskFolder) -> None:
    path = folder.write("base.yaml", _DATA)

    with pytest.raises(OptionError, match="defines no task and no group"):
        Catalogue.of([]).select([str(path)])


def test_a_misspelt_name_among_many_names_the_nearest_or_the_command(
    tree: Path,
) -> None:
    catalogue = Catalogue.of([tree])

    with pytest.raises(OptionError, match="did you mean 't"):
        catalogue.select(["tt001"])
    with pytest.raises(OptionError, match="`evalkit tasks` lists them all"):
        catalogue.select(["something else"])


def test_an_index_is_kept_and_says_the_same(tree: Path, cache: Path) -> None:
    before = scan(str(tree))

    kept = index_file(cache).stat().st_mtime_ns
    after = scan(str(tree))

    assert after == before
    assert len(after) == _MANY
    assert index_file(cache).stat().st_mtime_ns == kept


def test_small_folders_keep_no_index(folder: TaskFolder, cache: Path) -> None:
    folder.write("a.yaml", f"task: a\n{_DATA}")

    assert names(folder.root) == ["a"]
    assert not cache.exists()


def test_a_kept_index_is_what_is_read(tree: Path, cache: Path) -> None:
    names(tree)
    file = index_file(cache)
    file.write_bytes(file.read_bytes().replace(b'"t007"', b'"kept"'))

    assert "kept" in names(tree)


def test_a_changed_file_is_read_again(tree: Path) -> None:
    names(tree)

    (tree / "t000.yaml").write_text("task: renamed\ninclude: base\n")
    (tree / "t001.yaml").unlink()
    (tree / "new.yaml").write_text("task: new\ninclude: base\n")

    assert names(tree)[:3] == ["new", "renamed", "t002"]
    assert len(names(tree)) == _MANY


def test_a_changed_include_changes_what_includes_it(tree: Path) -> None:
    scan(str(tree))

    (tree / "base").write_text("dataset_path: org/other\n")

    assert {found.definition.dataset_path for found in scan(str(tree))} == {"org/other"}


def test_an_include_that_appears_later_counts(tree: Path) -> None:
    (tree / "t000.yaml").write_text("task: a\ninclude: late\n")
    assert scan(str(tree))[0].definition.dataset_path is None

    (tree / "late").write_text("dataset_path: org/late\n")

    assert scan(str(tree))[0].definition.dataset_path == "org/late"


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'[1,"/",[],[]]', b'[1,"",[],[["a.yaml",[1,1],[7],null]]]'],
)
def test_a_damaged_index_is_made_anew(tree: Path, cache: Path, damage: bytes) -> None:
    before = names(tree)
    index_file(cache).write_bytes(damage)

    assert names(tree) == before
    assert json.loads(index_file(cache).read_bytes())[1] == str(tree)


def test_an_index_of_another_form_is_made_anew(tree: Path, cache: Path) -> None:
    names(tree)
    content = json.loads(index_file(cache).read_bytes())
    content[0] += 1
    content[3][0][3][0] = "from another version"
    index_file(cache).write_text(json.dumps(content))

    assert "from another version" not in names(tree)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_place_that_cannot_be_written_is_done_without(
    tree: Path, cache: Path
) -> None:
    cache.mkdir(mode=0o500)

    assert len(names(tree)) == _MANY


def test_a_place_that_is_no_folder_is_done_without(tree: Path, cache: Path) -> None:
    cache.write_text("")

    assert len(names(tree)) == _MANY


def test_many_may_write_one_index(tree: Path, cache: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(names, [tree] * 16))

    assert all(result == results[0] for result in results)
    assert json.loads(index_file(cache).read_bytes())[1] == str(tree)
