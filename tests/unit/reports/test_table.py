from __future__ import annotations

from typing import Any

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.table import Column, columns_of, table_rows
from tests.unit.reports.conftest import sample


def rows_of(*samples: SampleDict) -> list[dict[str, Any]]:
    return list(table_rows(samples, columns_of(samples)))


def test_a_row_has_what_the_sample_says() -> None:
    (row,) = rows_of(
        sample(
            resps="It is 4.",
            categories={"level": "easy"},
            timing={"started_s": 0.5, "latency_s": 2.0},
            token_counts={"input_tokens": 7, "output_tokens": None},
        )
    )

    told = {name: value for name, value in row.items() if value is not None}
    assert told == {
        "task": "sums",
        "item_id": "7",
        "doc_hash": "d7",
        "filter": "none",
        "status": "scored",
        "prompt": "2+2?",
        "target": "4",
        "response": "It is 4.",
        "answer": "4",
        "doc_id": 7,
        "attempts": 1,
        "input_tokens": 7,
        "started_s": 0.5,
        "latency_s": 2.0,
        "category.level": "easy",
        "metric.exact_match": 1.0,
    }


def test_samples_of_several_tasks_share_their_columns() -> None:
    one, other = rows_of(
        sample(categories={"level": "easy"}),
        sample(metrics=["distance"], distance=3),
    )

    assert list(one) == list(other)
    assert (one["metric.exact_match"], one["metric.distance"]) == (1.0, None)
    assert (other["category.level"], other["metric.distance"]) == (None, 3.0)


def test_a_metric_that_is_not_always_a_number_is_text() -> None:
    samples = [sample(), sample(exact_match={"score": 1})]

    assert columns_of(samples)[-1] == Column("metric.exact_match", "text")
    assert [row["metric.exact_match"] for row in rows_of(*samples)] == [
        "1.0",
        '{"score":1}',
    ]


def test_a_metric_named_as_a_key_has_a_column_of_its_own() -> None:
    (row,) = rows_of(sample(metrics=["answer"], answer=0.5))

    assert (row["answer"], row["metric.answer"]) == ("4", 0.5)


def test_a_prompt_of_several_messages_is_json() -> None:
    said = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "?"},
    ]

    (asked,) = rows_of(sample(input=said))
    (weighed,) = rows_of(sample(input=[], arguments=[["2+2=", " 4"]]))

    assert asked["prompt"].startswith('[{"role":"system","content":"Be brief."}')
    assert weighed["prompt"] == '[["2+2="," 4"]]'


def test_half_a_character_is_replaced() -> None:
    (row,) = rows_of(sample(filtered_resps="a\ud800b"))

    assert row["answer"] == "a?b"
