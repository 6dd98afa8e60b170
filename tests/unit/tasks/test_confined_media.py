"""A row of a data set names files of the data set, and no others."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.tasks import DataSources, TaskSettings, load_task
from pytest_evalkit.tasks.media_folders import MediaFolders
from pytest_evalkit.tasks.table import Table

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

_VISUAL = """
def column(doc):
    return [doc["image"]]

def mapping(doc):
    return [{"type": "image", "url": doc["image"]}]

def messages(doc):
    part = {"type": "image_url", "image_url": {"url": doc["image"]}}
    return [{"role": "user", "content": [part]}]
"""


def png() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture that is none of the data set's business."""
    path = tmp_path_factory.mktemp("private") / "me.png"
    path.write_bytes(png())
    return path


def asked(
    folder: TaskFolder, named: Any, media_dir: Path | None = None, **keys: Any
) -> Any:
    (folder.root / "own").mkdir(exist_ok=True)
    (folder.root / "own" / "a.png").write_bytes(png())
    folder.write("utils.py", _VISUAL)
    folder.rows("test.jsonl", [{"question": "q", "answer": "a", "image": named}])
    keys = keys or {"doc_to_image": "image"}
    path = folder.task_file(**{key: value for key, value in keys.items() if key})
    # The function that writes YAML knows no tags of ours.
    plain = re.sub("'(!function [^']*)'", r"\1", path.read_text())
    path.write_text(plain)
    sources = DataSources(media_dirs=() if media_dir is None else (media_dir,))
    return load_task(path, TaskSettings()).open(sources).prepare(0).requests[0]


def test_a_file_of_the_data_set_is_sent(folder: TaskFolder) -> None:
    for named in ("own/a.png", str(folder.root / "own" / "a.png"), "own/../own/a.png"):
        request = asked(folder, named)

        assert len(request.messages[-1].media) == 1


def test_a_file_elsewhere_is_not(folder: TaskFolder, elsewhere: Path) -> None:
    around = os.path.relpath(elsewhere, folder.root)

    for named in (str(elsewhere), around, {"path": str(elsewhere), "bytes": None}):
        with pytest.raises(
            DatasetError, match=r"lies outside of .* --media-dir "
        ) as told:
            asked(folder, named)

        assert "column 'image': " in str(told.value)


@pytest.mark.parametrize("name", ["link.png", "linked/me.png"])
def test_a_link_leads_nowhere_else(
    folder: TaskFolder, elsewhere: Path, name: str
) -> None:
    (folder.root / "link.png").symlink_to(elsewhere)
    (folder.root / "linked").symlink_to(elsewhere.parent)

    with pytest.raises(DatasetError, match="lies outside of"):
        asked(folder, name)


def test_a_folder_that_the_user_names_is_allowed(
    folder: TaskFolder, elsewhere: Path
) -> None:
    (folder.root / "linked").symlink_to(elsewhere.parent)

    for named in (str(elsewhere), "linked/me.png"):
        assert asked(folder, named, elsewhere.parent).messages[-1].media


def test_the_cache_of_the_hub_is_allowed_with_its_links(
    folder: TaskFolder, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "hub"
    home.mkdir()
    (home / "films").symlink_to(elsewhere.parent)
    monkeypatch.setenv("HF_HOME", str(home))

    assert asked(folder, str(home / "films" / "me.png")).messages[-1].media


@pytest.mark.parametrize(
    "keys",
    [
        {"doc_to_visual": "!function utils.column"},
        {"doc_to_visual": "!function utils.mapping"},
        {"doc_to_messages": "!function utils.messages", "doc_to_text": "question"},
    ],
    ids=["column", "mapping", "messages"],
)
def test_what_a_function_takes_from_a_row_is_confined_too(
    folder: TaskFolder, elsewhere: Path, keys: dict[str, Any]
) -> None:
    with pytest.raises(DatasetError, match="lies outside of"):
        asked(folder, str(elsewhere), **keys)

    assert asked(folder, "own/a.png", **keys).messages[-1].media


@pytest.mark.parametrize(
    "place", ["file:///etc/passwd", "ftp://host/a.png", "//host/a.png", "a\x00b", "~/x"]
)
def test_nothing_but_paths_and_the_web_is_a_place(
    folder: TaskFolder, place: str
) -> None:
    with pytest.raises(DatasetError, match=r"cannot read|lies outside of"):
        asked(folder, place)


def test_an_address_is_left_to_the_endpoint(folder: TaskFolder) -> None:
    request = asked(folder, "https://host.org/a.png")

    (part,) = request.messages[-1].media
    assert part.source.url == "https://host.org/a.png"
    with pytest.raises(DatasetError, match="for the endpoint to fetch"):
        _ = part.source.content


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "0", "10.1.2.3",
        "192.168.0.7:8080", "172.16.5.5", "169.254.169.254", "100.64.0.1", "224.0.0.1",
        "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[fe80::1%25eth0]",
        "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "localhost", "LOCALHOST.",
        "a.localhost", "redis", "metadata.google.internal", "printer.local",
        "me:pw@127.0.0.1", "good.org@127.0.0.1", "good.org\\\\@127.0.0.1",
        "\uff11\uff12\uff17.0.0.1", "127.0.0.1%0a", "",
    ],
)  # fmt: skip
def test_an_address_of_a_private_network_is_refused(
    folder: TaskFolder, host: str
) -> None:
    with pytest.raises(DatasetError, match=r"public web|not an address|no image"):
        asked(folder, f"http://{host}/a.png")


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700::1111]", "a.example.org:81"])
def test_an_address_of_the_public_web_is_not_refused(
    folder: TaskFolder, host: str
) -> None:
    assert asked(folder, f"https://{host}/a.png").messages[-1].media


def test_private_addresses_are_for_the_user_to_allow() -> None:
    allowed = MediaFolders((), has_private=True)

    allowed.require_address("http://127.0.0.1:8000/a.png")
    with pytest.raises(DatasetError, match="--allow-private-media"):
        MediaFolders(()).require_address("http://127.0.0.1:8000/a.png")


def test_an_image_of_a_table_is_confined_before_it_is_decoded(
    elsewhere: Path, tmp_path: Path
) -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"image": [str(elsewhere)]})
    rows = rows.cast_column("image", datasets.Image())

    assert Table(rows, allowed=MediaFolders((elsewhere.parent,)))[0]["image"].size
    with pytest.raises(DatasetError, match="lies outside of"):
        Table(rows, allowed=MediaFolders((tmp_path,)))[0]
