from __future__ import annotations

from pathlib import Path

import pytest

from pytest_evalkit.codec import encode_pretty
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.document import RunFacts, build_results
from pytest_evalkit.results.read import iter_samples, read_results

RUN = RunFacts(
    model_name="m",
    model_description={},
    options={},
    git_hash=None,
    started_at=0.0,
    elapsed_s=1.0,
    complete=True,
    environment={},
)


def test_results_are_read_from_the_folder_or_the_file(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_bytes(encode_pretty(build_results([], RUN, ())))

    assert read_results(tmp_path)["model_name"] == "m"
    assert read_results(file)["model_name"] == "m"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "no schema_version"),
        ('{"results": {}}', "no schema_version"),
        ('{"schema_version": 99}', "schema version 99, newer than 1: upgrade"),
        ('{"schema_version": 1}', "is damaged, or of another program: .*`complete`"),
    ],
)
def test_a_file_that_is_no_results_is_refused_in_one_line(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "results.json").write_text(text)

    with pytest.raises(ResultsError, match=message) as caught:
        read_results(tmp_path)

    assert "\n" not in str(caught.value)
    assert "results.json" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"there is no .*gone"):
        read_results(tmp_path / "gone")


def test_a_torn_last_line_is_left_out_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "samples_sums.jsonl"
    file.write_bytes(b'{"doc_id": 0}\n\n{"doc_id": 1}\n{"doc_id": 2, "tar')

    samples = iter_samples(file)

    assert [sample["doc_id"] for sample in samples] == [0, 1]
    assert samples.torn == 1


def test_a_line_that_went_on_after_a_tear_is_left_out_too(tmp_path: Path) -> None:
    file = tmp_path / "samples_sums.jsonl"
    file.write_bytes(b'{"doc_id": 0, "t{"doc_id": 1}\n{"doc_id": 2}\n[]\n')

    samples = iter_samples(file)

    assert [sample["doc_id"] for sample in samples] == [2]
    assert samples.torn == 2


def test_a_last_line_without_a_newline_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "samples_sums.jsonl"
    file.write_bytes(b'{"doc_id": 0}')

    samples = iter_samples(file)

    assert len(list(samples)) == 1
    assert samples.torn == 0


def test_missing_samples_are_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"cannot read samples .*gone\.jsonl"):
        list(iter_samples(tmp_path / "gone.jsonl"))
