from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports import PageRun
from pytest_evalkit.reports import render_html as pieces_of_html
from pytest_evalkit.results.schema import ResultsDict
from tests.unit.reports.conftest import sample

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
        if self.open[-1:] not in (["script"], ["style"]):
            self.text.append(data)

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for _, attributes in self.elements
            if name in (attributes.get("class") or "").split()
        ]


def render_html(results: ResultsDict, samples: list[SampleDict]) -> str:
    return b"".join(pieces_of_html(PageRun(results=results, samples=samples))).decode()


def test_the_page_asks_the_network_for_nothing(results: ResultsDict) -> None:
    page = Page(render_html(results, [sample()]))

    links = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "action", "srcset", "data")
    ]
    assert links[0] == "data:,"
    assert all(link is not None and link.startswith("#") for link in links[1:])
    text = render_html(results, [])
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_only_the_scripts_of_the_package_may_run(results: ResultsDict) -> None:
    text = render_html(results, [sample()])

    (allowed,) = re.findall(r"script-src ([^;]+);", text)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in scripts
    ]
    assert allowed == " ".join(f"'sha256-{one}'" for one in hashes)
    assert len(scripts) == 2


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

    assert "<script>alert" not in text
    kinds = [
        attributes.get("class", "script")
        for tag, attributes in Page(text).elements
        if tag == "script"
    ]
    assert kinds == ["index", "block", "script", "script"]


def test_the_headline_says_whether_the_run_is_whole(results: ResultsDict) -> None:
    assert "Complete" in Page(render_html(results, [])).text

    results["complete"] = False

    assert "Not complete" in Page(render_html(results, [])).text


def test_gates_are_chips(results: ResultsDict) -> None:
    page = Page(render_html(results, []))

    assert "Passed: sums: exact_match >= 0.7" in page.text
    assert "Failed: pictures: total >= 1000" in page.text


def test_a_share_is_drawn_and_its_interval_stays_on_the_axis(
    results: ResultsDict,
) -> None:
    page = Page(render_html(results, []))

    assert [dot["d"] for dot in page.with_class("dot")] == ["M75.0 8h0", "M50.0 8h0"]
    assert page.with_class("whisker")[0]["d"] == "M26.0 8H100.0"
    assert "0.260 to 1.240" in page.text


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


def test_budget_and_cache_are_told_where_there_are_any(results: ResultsDict) -> None:
    quiet = "".join(Page(render_html(results, [])).text)
    keys = ("max_cost_usd", "total_tokens", "cost_usd", "spent")
    budget = {**dict.fromkeys(keys), "max_total_tokens": 90, "total_tokens": 12}
    results["usage"]["budget"] = budget
    results["cache"] = {"hits": 9998, "misses": 2, "stores": 2, "sampled": 0}

    told = "".join(Page(render_html(results, [])).text)

    assert "12 tokens of 90" in told
    assert "9,998 hits, 2 misses, 2 stores" in told
    assert "Response cache" not in quiet
    assert "Budget" not in quiet


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
