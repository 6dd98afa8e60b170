from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, cast

import pytest

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports import render_html
from pytest_evalkit.results.schema import ResultsDict

EVIL = "<script>alert('x')</script>&\"'"
_VOID = {"meta", "link", "input"}


class Page(HTMLParser):
    """Reads a page strictly: every element is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for _, attributes in self.elements
            if name in (attributes.get("class") or "").split()
        ]


def sample(**changes: Any) -> SampleDict:
    facts = {
        "task": "sums",
        "item_id": "7",
        "status": "scored",
        "input": [{"role": "user", "content": "2+2?"}],
        "target": "4",
        "filter": "none",
        "filtered_resps": "4",
        "metrics": ["exact_match"],
        "exact_match": 1.0,
    }
    return cast("SampleDict", {**facts, **changes})


def test_the_page_asks_the_network_for_nothing(results: ResultsDict) -> None:
    page = Page(render_html(results, [sample()]))

    links = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "action", "srcset", "data")
    ]
    assert links == ["data:,"]
    text = render_html(results, [])
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_nothing_that_a_model_or_a_task_says_is_markup(results: ResultsDict) -> None:
    results["model_name"] = EVIL
    results["gates"][0]["message"] = EVIL
    results["aggregates"]["sums"][0]["metric"] = EVIL
    evil = sample(
        task=EVIL,
        item_id=EVIL,
        input=[{"role": EVIL, "content": EVIL}],
        target=EVIL,
        filter=EVIL,
        filtered_resps=EVIL,
        resps=EVIL,
        reasoning=EVIL,
        error=EVIL,
        metrics=[EVIL],
        **{EVIL: EVIL},
    )

    text = render_html(results, [evil, sample()])

    assert "alert('x')" not in text
    assert [tag for tag, _ in Page(text).elements].count("script") == 1


def test_the_headline_says_whether_the_run_is_whole(results: ResultsDict) -> None:
    assert "Complete" in Page(render_html(results, [])).text

    results["complete"] = False

    assert "Not complete" in Page(render_html(results, [])).text


def test_gates_are_chips(results: ResultsDict) -> None:
    page = Page(render_html(results, []))

    assert "Passed: sums: exact_match >= 0.7" in page.text
    assert "Failed: pictures: total >= 1000" in page.text


def test_a_share_has_a_bar_and_its_interval_stays_on_it(results: ResultsDict) -> None:
    page = Page(render_html(results, []))

    assert [bar["width"] for bar in page.with_class("fill")] == ["75.0", "50.0"]
    assert page.with_class("whisker")[0]["d"] == "M26.0 6H100.0M26.0 3V9M100.0 3V9"


def test_facts_of_the_run_are_told_and_unmeasured_ones_left_out(
    results: ResultsDict,
) -> None:
    text = "".join(Page(render_html(results, [])).text)

    for fact in (
        "2025-11-20 23:00 UTC",
        "1 h 2 min",
        "7 of 8",
        "1,234,567",
        "4.38",
        "1.71 / 3.20 / 7.72 s",
        "f3c9d1e0a2b4",
        "3.11.7",
        "api_key=***",
        "no answer (1)",
        "KeyError: 'q'",
    ):
        assert fact in text
    assert "Output tokens" not in text


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "nonzero"),
        ({"exact_match": 0}, "zero"),
        ({"exact_match": False}, "zero"),
        ({"exact_match": {"score": 1}}, "scored"),
        ({"status": "error", "metrics": [], "filtered_resps": None}, "error"),
    ],
)
def test_a_document_can_be_found_by_how_it_did(
    results: ResultsDict, changes: dict[str, Any], outcome: str
) -> None:
    page = Page(render_html(results, [sample(**changes)]))

    (card,) = page.with_class("card")
    assert card["data-outcome"] == outcome
    assert card["data-task"] == "sums"


def test_media_are_shown_by_their_hash(results: ResultsDict) -> None:
    image = {"type": "image", "mime": "image/png", "sha256": "0123456789abcdef"}
    content = [image, {"type": "text", "text": "What is it?"}]

    page = Page(
        render_html(results, [sample(input=[{"role": "user", "content": content}])])
    )

    assert "image/png 0123456789ab" in page.text
    assert "What is it?" in page.text


def test_a_page_without_documents_has_no_list_of_them(results: ResultsDict) -> None:
    assert 'id="documents"' not in render_html(results, [])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7.25, "7.2 s"), (59.99, "60.0 s"), (912.4, "15 min 12 s"), (7260, "2 h 1 min")],
)
def test_how_long_it_took_is_told_in_fitting_units(
    results: ResultsDict, seconds: float, text: str
) -> None:
    results["total_evaluation_time_seconds"] = seconds

    assert text in Page(render_html(results, [])).text


def test_a_run_that_measured_nothing_tells_nothing(results: ResultsDict) -> None:
    results["usage"], results["throughput"], results["latency"] = {}, {}, {}

    text = "".join(Page(render_html(results, [])).text)

    assert "tokens" not in text
    assert "latency" not in text
    assert "per second" not in text


def test_speeds_are_told_to_three_or_four_figures(results: ResultsDict) -> None:
    results["throughput"] = {"documents_per_s": 12.345, "output_tokens_per_s": 4406.7}

    page = Page(render_html(results, []))

    assert "12.3" in page.text
    assert "4,407" in page.text


def test_several_tasks_can_be_chosen_from(results: ResultsDict) -> None:
    samples = [sample(task="sums"), sample(task="words"), sample(task="sums")]

    page = Page(render_html(results, samples))

    choices = [
        attributes.get("id") for tag, attributes in page.elements if tag == "select"
    ]
    assert choices == ["outcome", "task"]
    assert [tag for tag, _ in page.elements].count("option") == 4 + 3


def test_texts_that_were_weighed_are_shown_with_their_likelihoods(
    results: ResultsDict,
) -> None:
    arguments = [["2+2=", " 4"], ["2+2=", " 5"], ["4=", " 5"]]
    pairs = [[-0.5, True], [-2.25, False], [-3.0, False]]
    weighed = sample(input=[], arguments=arguments, target=0, filtered_resps=pairs)

    text = render_html(results, [weighed])

    said = [part for part in Page(text).text if part.strip()]
    first = said.index("context")
    assert said[first : first + 10] == [
        "context", "2+2=", "continuation", " 4", "continuation", " 5",
        "context", "4=", "continuation", " 5",
    ]  # fmt: skip
    assert "[[-0.5,true],[-2.25,false],[-3.0,false]]" in said


def test_a_text_that_was_weighed_as_a_whole_is_shown(results: ResultsDict) -> None:
    page = Page(
        render_html(results, [sample(input=[], arguments=[["Once."]], resps=-7.5)])
    )

    assert "Once." in page.text
    assert "-7.5" in page.text


def test_a_document_that_was_never_asked_has_no_input(results: ResultsDict) -> None:
    skipped = sample(status="skipped", input=[], metrics=[], filtered_resps=None)

    assert Page(render_html(results, [skipped])).with_class("said") == []
