from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import DatasetError, TaskError
from pytest_evalkit.messages import ImagePart
from pytest_evalkit.tasks import DataSources, TaskSettings, load_task
from pytest_evalkit.tasks.table import Table, opened_image
from pytest_evalkit.values import Generate

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))


def _png(colour: str) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (3, 2), colour).save(buffer, "PNG")
    return buffer.getvalue()


def _pictures() -> Any:
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "id": datasets.Value("string"),
            "more": datasets.List(datasets.Image()),
            "pair": {"left": datasets.Image(), "side": datasets.Value("string")},
        }
    )
    cell = {"bytes": _png("red"), "path": None}
    row = {"more": [cell], "pair": {"left": cell, "side": "l"}}
    rows = [
        {**row, "image": cell, "id": "a"},
        {**row, "image": None, "id": "b", "more": []},
    ]
    return datasets.Dataset.from_list(rows, features=features)


def test_rows_are_those_of_the_library() -> None:
    dataset = datasets.Dataset.from_dict(
        {"a": list(range(600)), "b": [[str(n)] for n in range(600)]}
    )

    table = Table(dataset)

    assert len(table) == 600
    for index in (0, 255, 256, 599, 3):
        assert table[index] == dataset[index]
    assert table.column("a") == list(range(600))
    assert table.columns == ("a", "b")
    with pytest.raises(IndexError):
        table[600]


def test_images_are_opened_wherever_they_stand() -> None:
    table = Table(_pictures())

    first, second = table[0], table[1]

    assert tuple(first) == table.columns
    assert first["image"].getpixel((0, 0)) == (255, 0, 0)
    assert first["more"][0].size == (3, 2)
    assert first["pair"]["left"].size == (3, 2)
    assert first["pair"]["side"] == "l"
    assert (second["image"], second["more"]) == (None, [])


def test_images_stay_encoded_where_nobody_looks() -> None:
    table = Table(_pictures(), is_decoding=False)

    assert table[0]["image"] == {"bytes": _png("red"), "path": None}
    assert table.column("image")[1] is None


def test_a_broken_image_is_told_with_its_column(tmp_path: Path) -> None:
    features = datasets.Features({"image": datasets.Image()})
    # All before the pixels is whole, so that opening alone would not tell.
    cells = [
        {"image": {"bytes": _png("red")[:50], "path": None}},
        {"image": {"bytes": None, "path": str(tmp_path / "absent.png")}},
    ]
    table = Table(datasets.Dataset.from_list(cells, features=features))

    with pytest.raises(DatasetError, match=r"^column 'image': cannot decode the image"):
        table[0]
    with pytest.raises(DatasetError, match=r"^column 'image': .*absent\.png"):
        table[1]


def test_a_photograph_is_turned_upright() -> None:
    from PIL import Image

    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (4, 2)).save(buffer, "JPEG", exif=exif)

    opened = opened_image({"bytes": buffer.getvalue(), "path": None})

    assert opened.size == (2, 4)


def _saved(folder: TaskFolder, **keys: Any) -> Path:
    dataset = datasets.DatasetDict({"test": _pictures()})
    dataset.save_to_disk(str(folder.root / "saved"))
    return folder.task_file(
        dataset_path="saved",
        dataset_kwargs=None,
        doc_to_text="{{id}}",
        doc_to_target="x",
        **keys,
    )


def test_a_saved_folder_is_read_and_its_images_sent_as_they_are(
    folder: TaskFolder,
) -> None:
    path = _saved(folder, doc_to_visual="image").read_text()
    task = folder.load_text(path.replace("doc_to_target: x", "doc_to_target: 'x.'"))

    opened = task.open(DataSources())
    (request,) = opened.prepare(0).requests

    assert isinstance(request, Generate)
    message = request.messages[0]
    assert opened.item_ids == ["a", "b"]
    assert isinstance(message.parts[0], ImagePart)
    assert message.parts[0].source.content == _png("red")
    assert message.text == "a"


def test_a_saved_folder_without_the_split_names_those_it_has(
    folder: TaskFolder,
) -> None:
    task = load_task(_saved(folder, test_split="dev"), TaskSettings())

    with pytest.raises(DatasetError, match="splits: test; no 'dev'"):
        task.open(DataSources())


def test_process_docs_sees_a_data_set(folder: TaskFolder) -> None:
    folder.write(
        "utils.py",
        "def process(dataset):\n"
        "    return dataset.filter(lambda doc: doc['kind'] != 'add')\n",
    )
    text = folder.task_file().read_text()

    task = folder.load_text(f"{text}process_docs: !function utils.process\n")
    opened = task.open(DataSources())

    kinds = [opened.documents[n]["kind"] for n in range(len(opened.documents))]
    assert kinds == ["multiply", "subtract"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 3", "process_docs returned int"),
        ("return dataset['x']", "process_docs failed: ValueError"),
    ],
)
def test_a_wrong_process_docs_is_one_line(
    folder: TaskFolder, body: str, message: str
) -> None:
    folder.write("utils.py", f"def process(dataset):\n    {body}\n")
    text = folder.task_file().read_text()
    task = folder.load_text(f"{text}process_docs: !function utils.process\n")

    with pytest.raises(TaskError, match=message):
        task.open(DataSources())


def test_process_docs_may_return_a_list(folder: TaskFolder) -> None:
    folder.write(
        "utils.py", "def process(dataset):\n    return [dict(row) for row in dataset]\n"
    )
    text = folder.task_file().read_text()

    task = folder.load_text(f"{text}process_docs: !function utils.process\n")

    assert len(task.open(DataSources()).documents) == 3


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json", "arrow"])
def test_other_formats_are_read_beside_the_file(
    folder: TaskFolder, suffix: str
) -> None:
    dataset = datasets.Dataset.from_dict({"question": ["a", "b"], "answer": ["1", "2"]})
    name = str(folder.root / f"test.{suffix}")
    if suffix == "arrow":
        dataset.save_to_disk(str(folder.root / "saved"))
        (folder.root / "saved" / "data-00000-of-00001.arrow").rename(name)
    else:
        getattr(dataset, f"to_{suffix}")(name)

    opened = folder.open(
        dataset_path=suffix,
        dataset_kwargs={"data_files": {"test": f"test.{suffix}"}},
    )

    assert opened.documents.column("question") == ["a", "b"]
    assert len(opened.fingerprint) == 64


def test_a_slice_of_a_split_is_taken(folder: TaskFolder) -> None:
    opened = folder.open(test_split="test[1:]")

    assert opened.documents.column("question") == ["2*3", "9-4"]


def test_a_file_that_cannot_be_read_is_one_line(folder: TaskFolder) -> None:
    folder.write("test.parquet", "no parquet")

    with pytest.raises(DatasetError) as caught:
        folder.open(
            dataset_path="parquet",
            dataset_kwargs={"data_files": {"test": "test.parquet"}},
        )

    assert "cannot read" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unreachable_hub_is_told_at_once(
    folder: TaskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    # A port that nothing listens on: connections to it are refused at once.
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    task = folder.load(
        dataset_path="nobody/absent", dataset_name="main", dataset_kwargs=None
    )
    before = huggingface_hub.constants.HF_HUB_OFFLINE

    with pytest.raises(DatasetError) as caught:
        task.open(DataSources(data_dir=folder.root / "mirror"))

    text = str(caught.value)
    assert text.startswith(f"{folder.root / 'sums.yaml'}:2: cannot load nobody/absent")
    for part in ("--data-dir", "--sample", "network", "mirror/nobody/absent/main"):
        assert part in text
    assert "\n" not in text
    assert before == huggingface_hub.constants.HF_HUB_OFFLINE


def test_mappings_that_differ_from_row_to_row_are_mappings(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"given": [{"a": 1}, {}]}\n{"given": [{"b": ["x"]}]}\n', "utf-8")
    dataset = datasets.load_dataset("json", data_files=str(file), split="train")

    table = Table(dataset)

    assert [row["given"] for row in (table[0], table[1])] == [
        [{"a": 1}, {}],
        [{"b": ["x"]}],
    ]
