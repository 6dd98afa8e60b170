from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import DatasetError, TaskError
from pytest_evalkit.tasks.locations import (
    DataSources,
    LocalFiles,
    Location,
    Remote,
    SavedFolder,
    locate,
)
from pytest_evalkit.tasks.source import read_source

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder


def _located(
    folder: TaskFolder,
    split: str = "test",
    sources: DataSources | None = None,
    **keys: Any,
) -> Location:
    source = read_source(folder.task_file(**keys))
    return locate(source, split, sources or DataSources())


def _hub(folder: TaskFolder, name: str | None = "main") -> Location:
    return _located(
        folder,
        sources=DataSources(data_dir=folder.root / "mirror"),
        dataset_path="org/name",
        dataset_name=name,
        dataset_kwargs=None,
    )


def _files(location: Location) -> list[Path]:
    assert isinstance(location, LocalFiles)
    return list(location.files)


@pytest.mark.parametrize("place", ["org/name/main", "org/name", "name/main", "name"])
@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "arrow"])
def test_a_mirror_is_found_with_and_without_its_parts(
    folder: TaskFolder, place: str, suffix: str
) -> None:
    path = folder.write(f"mirror/{place}/test.{suffix}", "")

    assert _files(_hub(folder)) == [path]


def test_the_configuration_is_looked_in_first(folder: TaskFolder) -> None:
    folder.write("mirror/org/name/test.jsonl", "")
    path = folder.write("mirror/org/name/main/test.jsonl", "")

    assert _files(_hub(folder)) == [path]


def test_parts_of_a_split_are_taken_in_order(folder: TaskFolder) -> None:
    second = folder.write("mirror/name/test-00001-of-00002.parquet", "")
    first = folder.write("mirror/name/test-00000-of-00002.parquet", "")

    assert _files(_hub(folder)) == [first, second]


def test_a_missing_part_is_not_passed_over(folder: TaskFolder) -> None:
    folder.write("mirror/name/test-00001-of-00002.parquet", "")

    with pytest.raises(DatasetError, match="'test' has 1 of 2 files"):
        _hub(folder)


def test_without_a_mirror_the_hub_is_asked(folder: TaskFolder) -> None:
    location = _hub(folder, name=None)

    assert isinstance(location, Remote)
    assert (location.path, location.name, location.split) == ("org/name", None, "test")
    assert not location.is_local
    mirror = folder.root / "mirror"
    assert location.looked_in == (mirror / "org/name", mirror / "name")


@pytest.mark.parametrize(
    "keys",
    [
        {"dataset_revision": "abc", "dataset_kwargs": None},
        {"dataset_kwargs": {"revision": "abc"}},
    ],
)
def test_a_revision_reaches_the_hub(folder: TaskFolder, keys: dict[str, Any]) -> None:
    location = _located(folder, dataset_path="org/name", **keys)

    assert isinstance(location, Remote)
    assert (location.revision, location.kwargs) == ("abc", {})


@pytest.mark.parametrize("place", ["sums.sample", "sample"])
@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "arrow", "csv"])
def test_a_sample_lies_beside_the_file(
    folder: TaskFolder, place: str, suffix: str
) -> None:
    path = folder.write(f"{place}/test.{suffix}", "")

    location = _located(
        folder, sources=DataSources(use_sample=True), dataset_path="org/name"
    )

    assert _files(location) == [path]


def test_each_configuration_may_have_a_sample(folder: TaskFolder) -> None:
    folder.write("sample/test.jsonl", "")
    path = folder.write("sample/main/test.jsonl", "")

    location = _located(
        folder,
        sources=DataSources(use_sample=True),
        dataset_path="org/name",
        dataset_name="main",
    )

    assert _files(location) == [path]


def test_a_missing_sample_is_not_replaced(folder: TaskFolder) -> None:
    with pytest.raises(DatasetError, match="no sample of split 'test'"):
        _located(folder, sources=DataSources(use_sample=True))


def test_data_files_are_relative_to_the_file_that_names_them(
    folder: TaskFolder,
) -> None:
    path = folder.write("shared/rows.jsonl", "")
    folder.write(
        "shared/base",
        "dataset_path: json\ndataset_kwargs: {data_files: rows.jsonl}\n",
    )
    source = read_source(folder.write("a.yaml", "include: shared/base\ntask: t\n"))

    assert _files(locate(source, "train", DataSources())) == [path]


def test_included_data_files_may_lie_beside_the_task(folder: TaskFolder) -> None:
    path = folder.write("a/rows.jsonl", "")
    folder.write(
        "shared/base",
        "dataset_path: json\ndataset_kwargs: {data_files: {test: [rows.jsonl]}}\n",
    )
    source = read_source(folder.write("a/a.yaml", "include: ../shared/base\ntask: t\n"))

    assert _files(locate(source, "test", DataSources())) == [path]


@pytest.mark.parametrize(
    ("data_files", "split", "message"),
    [
        ({"test": "tset.jsonl"}, "test", "did you mean 'test.jsonl'?"),
        ({"test": "no/test.jsonl"}, "test", "no folder"),
        ({"test": "test.jsonl"}, "tset", "no split 'tset'; did you mean 'test'?"),
        ("test.jsonl", "test", "no split 'test'"),
        ({"test": 3}, "test", "names files as text"),
    ],
)
def test_a_wrong_data_file_is_one_line(
    folder: TaskFolder, data_files: Any, split: str, message: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        _located(folder, split, dataset_kwargs={"data_files": data_files})

    assert message in caught.value.message
    assert caught.value.line == 3


def test_patterns_and_addresses_are_left_to_the_library(folder: TaskFolder) -> None:
    globbed = _located(folder, dataset_kwargs={"data_files": {"test": "*.jsonl"}})
    remote = _located(
        folder, dataset_kwargs={"data_files": {"test": "https://example.org/a.jsonl"}}
    )

    assert isinstance(globbed, Remote)
    assert isinstance(remote, Remote)
    assert globbed.is_local
    assert globbed.kwargs["data_files"] == [str(folder.root / "*.jsonl")]
    assert not remote.is_local
    assert remote.kwargs["data_files"] == ["https://example.org/a.jsonl"]


def test_a_saved_folder_is_told_from_a_folder_of_files(folder: TaskFolder) -> None:
    folder.write("saved/dataset_dict.json", "{}")
    folder.write("plain/test.csv", "")

    saved = _located(folder, dataset_path="saved", dataset_kwargs=None)
    plain = _located(folder, dataset_path="plain", dataset_kwargs=None)

    assert saved == SavedFolder(folder=folder.root / "saved", split="test")
    assert isinstance(plain, Remote)
    assert plain.is_local


def test_a_task_is_not_offered_as_its_own_data(folder: TaskFolder) -> None:
    folder.write("task.yaml", "task: t")
    files = {"data_files": {"test": "absent.jsonl"}}

    with pytest.raises(DatasetError) as alone:
        _located(folder, dataset_path="json", dataset_kwargs=files)
    folder.write("apsent.jsonl", "")
    with pytest.raises(DatasetError, match=r"did you mean 'apsent\.jsonl'"):
        _located(folder, dataset_path="json", dataset_kwargs=files)

    assert "task.yaml;" not in str(alone.value)
    assert "valid:" not in str(alone.value)


def test_a_missing_saved_folder_is_told(folder: TaskFolder) -> None:
    with pytest.raises(DatasetError, match="absent does not exist"):
        _located(folder, dataset_path="absent", dataset_kwargs={"load_from_disk": True})


@pytest.mark.parametrize("key", ["From_YouTube", "builder_script"])
def test_what_cannot_be_fetched_is_told(folder: TaskFolder, key: str) -> None:
    with pytest.raises(TaskError, match=f"dataset_kwargs.{key} is not supported: "):
        _located(folder, dataset_path="org/name", dataset_kwargs={key: True})


def test_films_are_looked_for_where_the_task_opens_them(
    folder: TaskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(folder.root))
    kwargs = {"video": True, "cache_dir": "films", "create_link": True}

    with pytest.raises(DatasetError, match="films, which does not exist; download org"):
        _located(folder, dataset_path="org/name", dataset_kwargs=kwargs)
    (folder.root / "films").mkdir()
    location = _located(folder, dataset_path="org/name", dataset_kwargs=kwargs)

    assert isinstance(location, Remote)
    assert location.kwargs == {}


def test_switches_without_effect_reach_nobody(folder: TaskFolder) -> None:
    kwargs = {
        "trust_remote_code": True,
        "max_retries": 3,
        "video": False,
        "token": True,
    }

    location = _located(folder, dataset_path="org/name", dataset_kwargs=kwargs)

    assert isinstance(location, Remote)
    assert location.kwargs == {"token": True}
