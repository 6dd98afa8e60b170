from __future__ import annotations

from pathlib import Path

from pytest_evalkit.messages.pictures import Picture
from pytest_evalkit.results.media import MediaShelf, MediaWriter


def picture(content: str, label: str = "") -> Picture:
    return Picture(mime="image/jpeg", content=content, label=label)


def test_pictures_are_found_by_the_medium_in_whichever_file(tmp_path: Path) -> None:
    for worker, sha256 in (("gw0", "aa"), ("gw1", "bb")):
        writer = MediaWriter(tmp_path / f"{worker}.jsonl", 1000)
        writer.write(sha256, [picture(f"of {sha256}", "0.0 s"), picture("more")])
        writer.close()

    shelf = MediaShelf(tmp_path)

    assert shelf.pictures("bb") == [picture("of bb", "0.0 s"), picture("more")]
    assert shelf.size("aa") == (tmp_path / "gw0.jsonl").stat().st_size
    assert shelf.pictures("cc") == []
    assert shelf.size("cc") is None
    assert shelf.notes == []


def test_a_medium_is_wanted_once_and_while_there_is_room(tmp_path: Path) -> None:
    writer = MediaWriter(tmp_path / "main.jsonl", 100)
    assert writer.wants("aa")

    writer.write("aa", [picture("x" * 10)])
    assert not writer.wants("aa")
    assert writer.wants("bb")
    writer.write("bb", [picture("x" * 100)])

    assert not writer.wants("cc")
    writer.close()
    (note,) = MediaShelf(tmp_path).notes
    assert "no further pictures" in note


def test_why_there_is_no_picture_is_told(tmp_path: Path) -> None:
    writer = MediaWriter(tmp_path / "main.jsonl", 1000)
    writer.write_problem("aa", "cannot decode the image")
    writer.close()

    shelf = MediaShelf(tmp_path)

    assert not writer.wants("aa")
    assert shelf.pictures("aa") == []
    assert shelf.notes == ["1 media could not be shown: cannot decode the image"]


def test_a_line_that_a_kill_tore_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "main.jsonl"
    writer = MediaWriter(path, 1000)
    writer.write("aa", [picture("x")])
    writer.close()
    path.write_bytes(path.read_bytes() + b'{"sha256":"bb","pict')

    again = MediaWriter(tmp_path / "main-2.jsonl", 1000)
    again.write("cc", [picture("y")])
    again.close()

    shelf = MediaShelf(tmp_path)

    assert shelf.pictures("aa") == [picture("x")]
    assert shelf.size("bb") is None
    assert shelf.pictures("cc") == [picture("y")]


def test_a_run_without_media_makes_no_file(tmp_path: Path) -> None:
    MediaWriter(tmp_path / "media" / "main.jsonl", 1000).close()

    assert not (tmp_path / "media").exists()
    assert MediaShelf(tmp_path / "media").notes == []
