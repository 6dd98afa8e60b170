from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from random import Random
from typing import Any

import pytest

from pytest_evalkit.codec import encode
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports import PageRun, render_html
from pytest_evalkit.reports.page_load import load_index, page_load
from pytest_evalkit.results.load import pattern_dict
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.stats.request_times import RequestTimes
from tests.unit.reports.conftest import sample
from tests.unit.reports.test_html import EVIL, Page


def answered(
    sent_at: float, took_s: float, *, ttft_s: float | None = None, **changes: Any
) -> RequestTimes:
    return RequestTimes(
        status="successful",
        sent_at=sent_at,
        ended_at=sent_at + took_s,
        ttft_s=ttft_s,
        **changes,
    )


def measured(results: ResultsDict, *requests: RequestTimes) -> ResultsDict:
    results["load"] = {
        **load_figures(requests),
        "load_pattern": pattern_dict({"concurrency": 4}),
        "client": None,
        "warmup": None,
        "ended": None,
    }
    return results


def page_of(results: ResultsDict, *samples: SampleDict) -> str:
    return b"".join(render_html(PageRun(results=results, samples=samples))).decode()


def test_without_timed_requests_there_is_no_section(results: ResultsDict) -> None:
    bare = page_of(results)
    one = page_of(measured(results, answered(0, 1)))

    assert 'id="load"' not in bare + one
    assert 'href="#load"' not in bare + one
    assert load_index(results) is None


def test_only_what_was_measured_is_told_and_drawn(results: ResultsDict) -> None:
    told = page_load(measured(results, answered(0, 0.02), answered(1, 2)))

    assert told is not None
    assert list(told.drawn) == ["e2el_ms"]
    assert list(told.courses) == ["in_flight", "requests_per_s"]
    # The median is the lower of two, by the nearest rank.
    assert told.times.rows == [
        ("End to end", "1,010", "20.0", "2,000", "2,000", "2,000", "2"),
    ]
    assert told.turns is None
    assert told.words[0].startswith("0 of 2 requests failed")


def test_streamed_answers_have_their_first_token_and_the_time_between_tokens(
    results: ResultsDict,
) -> None:
    requests = [
        answered(n, 0.5, ttft_s=0.1, gaps_sum_s=0.4, output_tokens=5) for n in range(4)
    ]

    told = page_load(measured(results, *requests))

    assert told is not None
    assert list(told.drawn) == ["e2el_ms", "ttft_ms", "itl_ms"]
    assert "output_tokens_per_s" in told.courses
    between = next(row for row in told.times.rows if row[0] == "Between tokens")
    assert between[1:] == (*["100.0"] * 5, "4")


def test_figures_over_time_are_told_in_a_dozen_rows(results: ResultsDict) -> None:
    # Two thousand of a second each, ten a second: sixty spans of some 3.35 s.
    told = page_load(measured(results, *(answered(n / 10, 1) for n in range(2000))))

    assert told is not None
    assert told.over_time is not None
    assert len(told.over_time.rows) == 12
    assert told.over_time.head == (
        "Since the first request", "Requests in flight", "Requests per second",
    )  # fmt: skip
    assert told.over_time.rows[5] == ("84 to 100 s", "10.0", "10.0")


def test_turns_are_told_one_by_one_or_every_so_many(results: ResultsDict) -> None:
    few = [
        answered(n, 0.1 * n, ttft_s=0.01, conversation="a", turn=n) for n in (1, 2, 3)
    ]

    told = page_load(measured(results, *few))

    assert told is not None
    assert told.turns is not None
    assert told.turns.rows[1] == ("2", "10.0", "10.0", "200.0", "200.0", "1")

    many = [answered(n, 1, conversation="a", turn=n) for n in range(1, 301)]
    told, index = page_load(measured(results, *many)), load_index(results)

    assert told is not None
    assert told.turns is not None
    assert told.is_cut
    assert [row[0] for row in told.turns.rows][:3] == ["1", "26", "51"]
    assert told.turns.head == ("Turn", "End to end, p50", "End to end, p95", "n")
    assert index is not None
    assert len(index["turns"]["turn"]) == 100


def test_a_turn_without_a_first_token_stands_in_its_place(results: ResultsDict) -> None:
    first = answered(0, 1, conversation="a", turn=1)
    second = answered(2, 1, ttft_s=0.25, conversation="a", turn=2)

    index = load_index(measured(results, first, second))

    assert index is not None
    assert index["turns"]["turn"] == [1, 2]
    assert index["turns"]["ttft_ms_p50"] == [None, 250]
    assert index["turns"]["e2el_ms_p50"] == [1000, 1000]


def hostile_requests(count: int) -> Iterator[RequestTimes]:
    """Requests of all lengths, in turns of conversations, all that is measured of each."""
    random = Random(5)
    for n in range(count):
        first, rest = random.lognormvariate(-2, 2), random.lognormvariate(0, 2)
        yield answered(
            n * 0.0123, first + rest, ttft_s=first, ttfo_s=first, gaps_sum_s=rest,
            planned_at=n * 0.0123, input_tokens=10, output_tokens=1000,
            conversation=str(n // 400), turn=n % 400 + 1,
        )  # fmt: skip


def test_the_section_stays_small_however_much_there_is(results: ResultsDict) -> None:
    samples = [
        sample(task=f"task_{n % 9}", doc_id=n, request_latency_s=0.001 * n)
        for n in range(900)
    ]
    text = page_of(measured(results, *hostile_requests(8000)), *samples)

    begin = text.index('<section id="load"')
    section = text[begin : text.index("</section>", begin)]
    assert section.count("Scores by latency") == 1
    data = encode(load_index(results))
    script = resources.files("pytest_evalkit.reports").joinpath("page", "load.js")
    assert len(section) + len(data) + len(script.read_bytes()) < 30_000


def test_scores_stand_by_latency_from_the_quickest_part_on(
    results: ResultsDict,
) -> None:
    # The slower half of thirty documents is wrong, but for the last one.
    samples = [
        sample(
            doc_id=n,
            item_id=str(n),
            exact_match=float(n < 15 or n == 29),
            request_latency_s=0.01 * (n + 1),
        )
        for n in reversed(range(30))
    ]

    page = Page(page_of(measured(results, answered(0, 1), answered(0, 2)), *samples))

    text = " ".join(" ".join(page.text).split())
    assert "10 to 60 ms 1.000 6 70 to 120 ms 1.000 6 130 to 180 ms 0.500 6" in text
    assert "190 to 240 ms 0.000 6 250 to 300 ms 0.167 6" in text


@pytest.mark.parametrize(
    ("count", "latency"), [(9, lambda n: 0.1 * n), (40, lambda _: 0.1)]
)
def test_few_documents_or_equal_latencies_say_nothing_of_scores(
    results: ResultsDict, count: int, latency: Any
) -> None:
    samples = [sample(doc_id=n, request_latency_s=latency(n)) for n in range(count)]

    page = page_of(measured(results, answered(0, 1), answered(0, 2)), *samples)

    assert "Scores by latency" not in page


def test_no_name_or_reason_is_markup(results: ResultsDict) -> None:
    measured(results, answered(0, 1), answered(0, 2))
    results["load"]["load_pattern"] |= {"name": EVIL, "goodput": EVIL}
    results["load"]["ended"] = EVIL
    results["load"]["good_request_fraction"] = 0.5
    samples = [
        sample(
            doc_id=n, task=EVIL, filter=EVIL, metrics=[EVIL], request_latency_s=n, **{EVIL: 1.0}
        )
        for n in range(20)
    ]  # fmt: skip

    text = page_of(results, *samples)

    assert "Scores by latency" in text
    assert "<script>alert" not in text
    assert "".join(Page(text).text).count(EVIL) >= 4
