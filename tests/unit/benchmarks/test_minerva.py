from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.benchmarks.scored_answers import judge, prompt_of

LoadModule = Callable[[str], ModuleType]

FILM = {"video_id": "x1"}


@pytest.fixture
def utils(load_module: LoadModule, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name in ("VIDEO_DIR", "LANCE_VIDEO_URI", "LANCE_CACHE_DIR"):
        monkeypatch.delenv(f"MINERVA_{name}", raising=False)
    return load_module("minerva/utils.py")


# "Where does the disc go?" To the right, which is B.
@pytest.mark.parametrize(
    ("answer", "score", "status"),
    [
        ("B", 1.0, "found"),
        ("b)", 1.0, "found"),
        ("B. To the right", 1.0, "found"),
        ("To the right.", 1.0, "found"),
        ("The answer is B because A is wrong", 1.0, "found"),
        ("I choose B over E", 1.0, "found"),
        ("A", 0.0, "found"),
        ("CAN NOT BE TOLD", 0.0, "none"),
        ("A disc goes by", 0.0, "none"),
        ("F", 0.0, "none"),
        ("B or C", 0.0, "ambiguous"),
        ("", 0.0, "none"),
    ],
)
def test_the_letter_of_an_answer_decides_about_a_film(
    answer: str, score: float, status: str
) -> None:
    judged = judge("minerva/minerva.yaml", "sample-disc:0", answer)

    assert judged.metrics == {"exact_match": score}
    assert judged.statuses == (status,)


def test_a_film_is_asked_about_with_five_answers() -> None:
    assert prompt_of("minerva/minerva.yaml", "sample-disc:1") == (
        "How many discs are there in all?\nA. 1\nB. 2\nC. 3\nD. 4\nE. 5\n"
        "Answer with the option's letter from the given choices directly."
    )


def test_without_a_folder_the_film_is_its_address(utils: ModuleType) -> None:
    assert utils.video(FILM) == [
        {"type": "video", "url": "https://www.youtube.com/watch?v=x1"}
    ]


@pytest.mark.parametrize("suffix", ["mp4", "webm", "mkv", "mov"])
def test_a_film_in_the_folder_may_have_any_of_four_forms(
    utils: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str
) -> None:
    monkeypatch.setenv("MINERVA_VIDEO_DIR", str(tmp_path))
    path = tmp_path / f"x1.{suffix}"
    path.touch()

    assert utils.video(FILM) == [{"type": "video", "path": str(path)}]


def test_a_film_that_the_named_folder_lacks_is_an_error(
    utils: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MINERVA_VIDEO_DIR", str(tmp_path))

    with pytest.raises(FileNotFoundError, match="no film 'x1' in"):
        utils.video(FILM)


def test_a_table_is_refused_without_the_package_that_reads_it(
    utils: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MINERVA_LANCE_VIDEO_URI", str(tmp_path / "films.lance"))
    monkeypatch.setenv("MINERVA_LANCE_CACHE_DIR", str(tmp_path / "copies"))
    monkeypatch.setitem(sys.modules, "lance", None)

    with pytest.raises(ImportError, match=r"pytest-evalkit\[lance\]"):
        utils.video(FILM)


def test_a_film_is_copied_out_of_a_table_once(
    utils: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lance = pytest.importorskip("lance", reason="needs pylance to write a table")
    import pyarrow as pa

    blob = pa.field(
        "video_blob", pa.large_binary(), metadata={"lance-encoding:blob": "true"}
    )
    texts = [pa.field(name, pa.string()) for name in ("video_id", "video_ext")]
    schema = pa.schema([*texts, blob])
    rows = {
        "video_id": ["x0", "x1"],
        "video_ext": ["mp4", ".webm"],
        "video_blob": [b"zero", b"one"],
    }
    uri = str(tmp_path / "films.lance")
    lance.write_dataset(pa.table(rows, schema=schema), uri)
    monkeypatch.setenv("MINERVA_LANCE_VIDEO_URI", uri)
    monkeypatch.setenv("MINERVA_LANCE_CACHE_DIR", str(tmp_path / "copies"))

    (first,), (again,) = utils.video(FILM), utils.video(FILM)

    path = Path(first["path"])
    assert (path.name, path.read_bytes()) == ("x1.webm", b"one")
    assert again == first
    assert [entry.name for entry in path.parent.iterdir()] == ["x1.webm"]
    with pytest.raises(FileNotFoundError, match="no film 'x2' in"):
        utils.video({"video_id": "x2"})
