from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.tasks import item_ids
from pytest_evalkit.tasks.doc_hash import doc_hash
from pytest_evalkit.tasks.documents import JsonLines, Rows


def _lines(tmp_path: Path, content: bytes, name: str = "a.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_rows_have_every_column_that_occurs(tmp_path: Path) -> None:
    rows = JsonLines([_lines(tmp_path, b'{"a": 1}\n{"b": 2}\n')])

    assert rows.columns == ("a", "b")
    assert [rows[0], rows[1]] == [{"a": 1, "b": None}, {"a": None, "b": 2}]


def test_ends_of_lines_and_blank_lines_do_not_matter(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf{"a": 1}\r\n\r\n  \n{"a": 2}\n{"a": 3}'

    rows = JsonLines([_lines(tmp_path, content)])

    assert [rows[index]["a"] for index in range(len(rows))] == [1, 2, 3]


def test_files_follow_one_another(tmp_path: Path) -> None:
    first = _lines(tmp_path, b'{"a": 1}\n', "1.jsonl")
    second = _lines(tmp_path, b'{"a": 2}\n', "2.jsonl")

    rows = JsonLines([first, second])

    assert rows.column("a") == [1, 2]
    assert rows[1] == {"a": 2}


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    rows = JsonLines([_lines(tmp_path, b"")])

    assert (len(rows), rows.columns) == (0, ())


def test_kept_columns_equal_the_read_ones(tmp_path: Path) -> None:
    path = _lines(tmp_path, b'{"a": 1}\n{"b": 2}\n')

    assert JsonLines([path], keep=["a"]).column("a") == JsonLines([path]).column("a")


def test_changing_a_row_changes_no_document(tmp_path: Path) -> None:
    rows = JsonLines([_lines(tmp_path, b'{"a": [1]}\n')])

    rows[0]["a"].append(2)

    assert rows[0] == {"a": [1]}


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b'{"a": 1}\n\n{"a": \n', 3, "not JSON"),
        (b'{"a": 1}\n[1]\n', 2, "a row is an object, not a list"),
    ],
)
def test_a_bad_line_is_told_with_its_number(
    tmp_path: Path, content: bytes, line: int, message: str
) -> None:
    path = _lines(tmp_path, content)

    with pytest.raises(DatasetError, match=message) as caught:
        JsonLines([path])

    assert (caught.value.path, caught.value.line) == (path, line)


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    one = JsonLines([_lines(tmp_path, b'{"a": 1}\n', "1.jsonl")]).fingerprint()
    same = JsonLines([_lines(tmp_path, b'{"a": 1}\n', "2.jsonl")]).fingerprint()
    other = JsonLines([_lines(tmp_path, b'{"a": 2}\n', "3.jsonl")]).fingerprint()

    assert one == same != other


def test_plain_rows_are_documents_too() -> None:
    rows = Rows([{"a": 1}, {"b": 2}])

    assert rows.columns == ("a", "b")
    assert rows[0] == {"a": 1, "b": None}
    assert rows.column("b") == [None, 2]
    assert len(rows) == 2
    assert rows.fingerprint() != Rows([{"a": 1}]).fingerprint()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        ([7, 8], ["7", "8"]),
        (["a", "b", "a"], ["a-0", "b", "a-1"]),
        (["a", "a", "a-0"], ["0", "1", "2"]),
        ([1, "1"], ["1-0", "1-1"]),
    ],
)
def test_every_document_gets_a_name_of_its_own(
    values: list[Any], expected: list[str]
) -> None:
    assert item_ids.unique(values) == expected


@pytest.mark.parametrize("values", [[], ["a", None], [1.5], [True], [["a"]], ["a", ""]])
def test_not_every_column_can_name_documents(values: list[Any]) -> None:
    assert not item_ids.is_naming(values)


def test_the_hash_is_that_of_canonical_json() -> None:
    text = b'{"a":[1,null,true],"b":"\xc3\xa9"}'

    found = doc_hash({"b": "é", "a": [1, None, True]})

    assert found == hashlib.sha256(text).hexdigest()


def test_lone_surrogates_can_be_hashed() -> None:
    text = b'{"a":"\\ud800","b":1}'

    assert doc_hash({"b": 1, "a": "\ud800"}) == hashlib.sha256(text).hexdigest()


def test_media_count_by_their_content_and_not_by_their_place(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(b"content")
    digest = hashlib.sha256(b"content").hexdigest()
    expected = hashlib.sha256(b'{"a":{"sha256":"%s"}}' % digest.encode()).hexdigest()

    cells: list[Any] = [
        b"content",
        {"bytes": b"content", "path": "x.png"},
        {"bytes": None, "path": str(path)},
    ]

    assert {doc_hash({"a": cell}) for cell in cells} == {expected}


def test_decoded_images_count_by_their_pixels() -> None:
    from PIL import Image

    red, again = (Image.new("RGB", (2, 2), "red") for _ in range(2))
    blue = Image.new("RGB", (2, 2), "blue")
    wide = Image.new("RGB", (4, 1), "red")

    hashes = [doc_hash({"a": [image]}) for image in (red, again, blue, wide)]

    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
