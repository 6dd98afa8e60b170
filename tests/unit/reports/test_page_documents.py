from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.page_documents import PageDocuments
from pytest_evalkit.reports.standing import standing_of
from pytest_evalkit.results.schema import ResultsDict
from tests.unit.reports.conftest import sample


def gathered(
    results: ResultsDict, *samples: SampleDict, most: int = 9
) -> PageDocuments:
    documents = PageDocuments(results, most)
    documents.add_all(samples)
    documents.texts.settle()
    return documents


def detail(results: ResultsDict, **changes: Any) -> dict[str, Any]:
    return gathered(results, sample(**changes)).details[0]


@pytest.mark.parametrize(
    ("changes", "outcome", "score"),
    [
        ({}, "right", 1.0),
        ({"exact_match": 0}, "wrong", 0.0),
        ({"exact_match": False}, "wrong", 0.0),
        ({"exact_match": 0.25}, "partly", 0.25),
        ({"exact_match": {"score": 1}}, "right", 1.0),
        ({"exact_match": "high"}, "scored", None),
        ({"metrics": ["distance"], "distance": 0.0}, "right", 0.0),
        ({"metrics": ["distance"], "distance": 1.5}, "wrong", 1.5),
        ({"status": "error", "metrics": [], "filtered_resps": None}, "error", None),
    ],
)
def test_an_outcome_says_how_a_document_did(
    results: ResultsDict, changes: dict[str, Any], outcome: str, score: float | None
) -> None:
    results["higher_is_better"]["sums"] = {"exact_match": True, "distance": False}

    standing = standing_of(sample(**changes), results)

    assert (standing.outcome, standing.score) == (outcome, score)


def test_the_index_has_a_line_per_filter_and_a_document_once(
    results: ResultsDict,
) -> None:
    samples = [
        sample(filter="strict", exact_match=0.0, filtered_resps="5"),
        sample(filter="loose"),
        sample(doc_id=8, item_id="8", filter="strict", task="words"),
    ]

    index = gathered(results, *samples).index()

    assert index["documents"]["id"] == ["7", "8"]
    assert index["tasks"] == ["sums", "words"]
    assert index["filters"] == ["strict", "loose"]
    assert index["rows"]["doc"] == [0, 0, 1]
    assert index["rows"]["filter"] == [0, 1, 0]
    assert index["rows"]["answer"] == ["5", "4", "4"]
    assert index["rows"]["score"] == [0.0, 1.0, 1.0]


def test_documents_beyond_the_bound_count_and_are_not_listed(
    results: ResultsDict,
) -> None:
    # The run selected 4 documents of each of its two tasks.
    samples = [
        sample(task=task, doc_id=n, doc_hash=f"d{n}", item_id=f"{task}-{n}")
        for task in ("sums", "pictures")
        for n in range(4)
    ]

    index = gathered(results, *samples, most=5).index()

    assert (index["shown"], index["count"]) == (4, 8)
    assert index["documents"]["id"] == ["sums-0", "sums-1", "pictures-0", "pictures-1"]


def test_facts_for_lists_and_charts_stand_in_the_index(results: ResultsDict) -> None:
    tokens = {
        "input_tokens": 5,
        "output_tokens": 12,
        "reasoning_tokens": None,
        "cached_tokens": None,
    }
    asked = sample(
        timing={"started_s": 1.5, "latency_s": 2.25},
        request_latency_s=[0.5, 1.5],
        token_counts=tokens,
        categories={"level": "easy"},
        parse_status=["none", "none"],
    )

    index = gathered(results, asked).index()

    columns = {name: values[0] for name, values in index["documents"].items()}
    assert columns["start"] == 1.5
    assert columns["took"] == 2.25
    assert columns["latency"] == 1.0
    assert columns["tokens"] == 12
    assert columns["parse"] == 1
    assert index["kinds"][columns["kinds"][0]] == ("level", "easy")


@pytest.mark.parametrize(
    ("status", "unparsed"), [("none", 1), ("found", 0), (["none", "found"], 0)]
)
def test_a_parse_failure_is_an_answer_that_was_found_nowhere(
    results: ResultsDict, status: Any, unparsed: int
) -> None:
    index = gathered(results, sample(parse_status=status)).index()

    assert index["documents"]["parse"] == [unparsed]


def test_thought_is_taken_out_as_scoring_did(results: ResultsDict) -> None:
    shown = detail(results, resps="<think>2 and 2</think> 4", reasoning="2 and 2")

    assert shown["raw"] == {"t": "<think>2 and 2</think> 4"}
    assert shown["stripped"] == {"t": "4"}
    assert shown["reasoning"] == {"t": "2 and 2"}


def test_thought_stays_where_the_run_was_told_so(results: ResultsDict) -> None:
    results["config"]["resolved_cli_args"] = {"reasoning_tags": "none"}

    assert "stripped" not in detail(results, resps="<think>2 and 2</think> 4")


def test_media_are_numbered_and_named(results: ResultsDict) -> None:
    image = {"type": "image", "mime": "image/png", "sha256": "0123456789abcdef"}
    frames = [{"time_s": n / 2, "sha256": f"f{n}"} for n in range(16)]
    content = [
        image,
        {"type": "video", "frames": frames},
        {"type": "text", "text": "What is it?"},
    ]

    documents = gathered(results, sample(input=[{"role": "user", "content": content}]))

    picture, video, text = documents.details[0]["input"][0]["parts"]
    assert picture == {"media": "image", "label": "image/png 0123456789ab", "m": [0]}
    assert video["label"] == "16 frames"
    assert documents.media.names[1:] == [f"f{n}" for n in range(0, 16, 2)]
    assert text == {"t": "What is it?"}


def test_texts_that_were_weighed_are_shown_a_context_once(results: ResultsDict) -> None:
    arguments = [["2+2=", " 4"], ["2+2=", " 5"], ["4=", " 5"]]

    shown = detail(results, input=[], arguments=arguments)

    assert [(one["role"], one["parts"][0]["t"]) for one in shown["input"]] == [
        ("context", "2+2="), ("continuation", " 4"), ("continuation", " 5"),
        ("context", "4="), ("continuation", " 5"),
    ]  # fmt: skip


def test_a_text_that_was_weighed_as_a_whole_is_shown(results: ResultsDict) -> None:
    shown = detail(results, input=[], arguments=[["Once."]], resps=-7.5)

    assert [(one["role"], one["parts"][0]["t"]) for one in shown["input"]] == [
        ("text", "Once.")
    ]
    assert shown["raw"] == {"t": "-7.5"}


def test_a_document_that_was_never_asked_has_no_input(results: ResultsDict) -> None:
    shown = detail(
        results, status="skipped", input=[], metrics=[], filtered_resps=None, attempts=0
    )

    assert shown["input"] == []
    assert "raw" not in shown or shown["raw"] == {"t": "null"}


def test_wrong_answers_are_the_first_to_have_pictures(results: ResultsDict) -> None:
    samples = [
        sample(doc_id=n, doc_hash=f"d{n}", exact_match=score)
        for n, score in enumerate([1.0, 0.5, 0.0])
    ]

    assert gathered(results, *samples).by_need() == [2, 1, 0]


def test_what_a_judge_said_is_shown(results: ResultsDict) -> None:
    shown = detail(results, judge=[{"model": "gpt", "text": "correct"}])

    assert shown["judge"] == {"t": '[{"model":"gpt","text":"correct"}]'}
