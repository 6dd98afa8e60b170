from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import (
    ModelUnavailableError,
    OptionError,
    RequestRejectedError,
)
from pytest_evalkit.messages import Message, ToolCallPart
from pytest_evalkit.models.replay import Replay
from pytest_evalkit.values import Generate, Origin, Response

GSM8K = Path(__file__).parents[3].parent / "shared" / "data" / "gsm8k"
RECORDED = GSM8K / "recorded_6b_finetuning.jsonl"


def write(path: Path, *rows: Mapping[str, Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def respond(backend: Replay, doc_id: int = 0, **origin: Any) -> Response:
    where = Origin(**{"task": "t", "doc_id": doc_id, "doc": {}, **origin})
    request = Generate(messages=(Message.of_text("user", "Why?"),), origin=where)
    return asyncio.run(backend.generate(request))


def own(doc_id: int, **fields: Any) -> dict[str, Any]:
    row = {"schema_version": 1, "task": "t", "doc_id": doc_id, "filter": "none"}
    return {**row, **fields}


@pytest.mark.parametrize(
    ("row", "texts"),
    [
        (own(3, filtered_resps="a"), ["a"]),
        (own(3, resps="So: a", filtered_resps="a"), ["So: a"]),
        (own(3, resps=["a", "b"], filtered_resps="a"), ["a", "b"]),
        (own(3, filtered_resps=["a", "b"]), ["a", "b"]),
        (own(3, filtered_resps=""), [""]),
        ({"doc_id": 3, "filtered_resps": "a"}, ["a"]),
        ({"doc_id": 3, "filtered_resps": ["a"]}, ["a"]),
        ({"doc_id": 3, "resps": [["So: a"]], "filtered_resps": ["a"]}, ["So: a"]),
        (
            {"doc_id": 3, "doc": {}, "resps": [["a", "b"]], "filtered_resps": ["a"]},
            ["a", "b"],
        ),
    ],
)
def test_samples_of_each_tool_are_read(
    row: dict[str, Any], texts: list[str], tmp_path: Path
) -> None:
    backend = Replay(path=write(tmp_path / "s.jsonl", row))

    found = [
        respond(backend, doc_id=3, repeat=repeat).text for repeat in range(len(texts))
    ]

    assert found == texts
    with pytest.raises(RequestRejectedError, match=f"none for repeat {len(texts)}"):
        respond(backend, doc_id=3, repeat=len(texts))


def test_lines_of_several_filters_are_one_recording(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.jsonl",
        own(0, filter="strict", resps="So: a", filtered_resps="[invalid]"),
        own(0, filter="none", filtered_resps="So: a"),
    )

    assert respond(Replay(path=path)).text == "So: a"


def test_reasoning_and_finish_reason_are_replayed_with_the_text(tmp_path: Path) -> None:
    row = own(0, filtered_resps="a", reasoning="hm", finish_reason="length")
    backend = Replay(path=write(tmp_path / "s.jsonl", row))

    assert respond(backend) == Response(
        text="a", reasoning="hm", finish_reason="length"
    )


def test_samples_of_this_project_answer_their_own_task_only(tmp_path: Path) -> None:
    write(tmp_path / "samples_t.jsonl", own(0, filtered_resps="of t"))
    write(tmp_path / "samples_u.jsonl", {**own(0, filtered_resps="of u"), "task": "u"})

    backend = Replay(path=str(tmp_path))

    assert respond(backend, task="t").text == "of t"
    assert respond(backend, task="u").text == "of u"
    with pytest.raises(RequestRejectedError, match="doc_id='0' of task v"):
        respond(backend, task="v")


def test_a_document_in_error_has_no_recorded_answer(tmp_path: Path) -> None:
    row = own(0, filtered_resps=None, error="timed out")
    backend = Replay(path=write(tmp_path / "s.jsonl", row))

    with pytest.raises(RequestRejectedError, match="no answer for doc_id='0'"):
        respond(backend)


def test_any_file_is_joined_by_the_columns_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "any.jsonl",
        {"question": "How many?", "image": "1.png", "level": 2, "said": "two"},
        {"question": "How many?", "image": "2.png", "level": 2, "said": ["3", "4"]},
    )
    backend = Replay(path=path, response="said", join="question+image+level")
    doc = {"question": "How many?", "image": "2.png", "level": "2"}

    assert respond(backend, doc={**doc, "image": "1.png"}).text == "two"
    assert respond(backend, doc=doc, repeat=1).text == "4"
    with pytest.raises(RequestRejectedError, match=r"image='9\.png'"):
        respond(backend, doc={**doc, "image": "9.png"})


def test_columns_are_found_in_the_document_inside_a_row(tmp_path: Path) -> None:
    row = {"doc_id": 8, "doc": {"question": "Why?"}, "resps": [["a"]]}
    backend = Replay(path=write(tmp_path / "s.jsonl", row), join="question")

    assert respond(backend, doc={"question": "Why?"}).text == "a"


def test_rows_without_doc_id_are_known_by_their_position(tmp_path: Path) -> None:
    path = tmp_path / "any.jsonl"
    path.write_text('{"said": "a"}\n\n{"said": "b"}\n', encoding="utf-8")

    backend = Replay(path=str(path), response="said")

    assert [respond(backend, doc_id=n).text for n in (0, 1)] == ["a", "b"]


def test_a_missing_repeat_among_others_is_no_answer(tmp_path: Path) -> None:
    row = {"said": ["a", None, "c"]}
    backend = Replay(path=write(tmp_path / "any.jsonl", row), response="said")

    assert respond(backend, repeat=2).text == "c"
    with pytest.raises(RequestRejectedError, match="none for repeat 1"):
        respond(backend, repeat=1)


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ('{"a": "x"}\n{"a"', {"response": "a"}, r"s\.jsonl:2: not JSON"),
        ("[1]\n", {}, r"s\.jsonl:1: a row must be a JSON object"),
        ('{"respones": "x"}', {"response": "response"}, "did you mean 'respones'"),
        ('{"said": "x"}', {}, r"s\.jsonl:1: neither resps .* response=.*said"),
        ('{"said": 5}', {"response": "said"}, "'said' holds something of type int"),
        ('{"resps": [[["-1.0", "True"]]]}', {}, "'resps' holds something of type list"),
        (
            '{"a": "x", "qestion": "y"}',
            {"response": "a", "join": "question"},
            "qestion",
        ),
        ('{"a": "x"}', {"response": "a", "join": "question+"}, "join must be"),
        (
            '{"q": "y", "a": "1"}\n{"q": "y", "a": "2"}',
            {"response": "a", "join": "q"},
            r"s\.jsonl:2: another answer for q='y' stands above",
        ),
    ],
)
def test_a_file_that_cannot_serve_is_refused_with_the_line(
    text: str, arguments: dict[str, str], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(OptionError, match=said):
        Replay(path=str(path), **arguments)


def test_equal_answers_of_equal_keys_are_no_conflict(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", {"q": "y", "a": "1"}, {"q": "y", "a": "1"})

    backend = Replay(path=path, response="a", join="q")

    assert respond(backend, doc={"q": "y"}).text == "1"


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"none\.jsonl: No such file"):
        Replay(path=str(tmp_path / "none.jsonl"))
    with pytest.raises(OptionError, match=r"holds no samples_\*\.jsonl"):
        Replay(path=str(tmp_path))


def test_a_document_without_the_column_stops_the_run(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", {"question": "y", "a": "1"})
    backend = Replay(path=path, response="a", join="question")

    with pytest.raises(ModelUnavailableError, match="did you mean 'questions'"):
        respond(backend, doc={"questions": "y"})


def test_a_request_of_no_document_is_rejected(tmp_path: Path) -> None:
    backend = Replay(path=write(tmp_path / "s.jsonl", own(0, filtered_resps="a")))
    request = Generate(messages=(Message.of_text("user", "Why?"),))

    with pytest.raises(RequestRejectedError, match="this request has none"):
        asyncio.run(backend.generate(request))


def test_the_description_changes_with_the_content(tmp_path: Path) -> None:
    first = Replay(path=write(tmp_path / "s.jsonl", own(0, filtered_resps="a")))
    second = Replay(path=write(tmp_path / "s.jsonl", own(0, filtered_resps="b")))

    assert first.describe()["sha256"] != second.describe()["sha256"]
    assert first.describe()["join"] == "doc_id"


@pytest.mark.skipif(not RECORDED.exists(), reason=f"no recorded answers at {RECORDED}")
def test_the_recorded_answers_of_gsm8k_join_on_the_question() -> None:
    backend = Replay(path=str(RECORDED), response="response", join="question")
    lines = (GSM8K / "test.jsonl").read_text(encoding="utf-8").splitlines()
    docs = [json.loads(line) for line in lines]

    answers = [respond(backend, doc_id=n, doc=doc).text for n, doc in enumerate(docs)]

    assert len(answers) == 1319
    assert answers[0].endswith("A: 26")
    assert sum("A: " not in answer for answer in answers) == 4


def turn(number: int, text: str | None, **fields: Any) -> dict[str, Any]:
    status = "skipped" if text is None else "successful"
    return {"turn": number, "status": status, "text": text, **fields}


def test_the_turns_of_a_conversation_are_answered_each_by_its_own(
    tmp_path: Path,
) -> None:
    call = {"id": "1", "name": "f", "arguments": "{}"}
    turns = [turn(1, "a"), turn(3, "", tool_calls=[call]), turn(5, None)]
    row = own(3, filtered_resps=["a", "", None], conversation_id="c", turns=turns)
    backend = Replay(path=write(tmp_path / "samples.jsonl", row))

    first, second = (respond(backend, 3, turn=place) for place in (0, 1))

    assert first.text == "a"
    assert (second.text, second.tool_calls) == ("", (ToolCallPart("1", "f", "{}"),))
    for place, many in ((2, 3), (3, 3)):
        with pytest.raises(
            RequestRejectedError, match=f"{many} answers .* client turn"
        ):
            respond(backend, 3, turn=place)
