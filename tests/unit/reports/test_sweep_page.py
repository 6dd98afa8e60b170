from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from typing import Any

from pytest_evalkit.reports.sweep_page import MOST_SCORES, render_sweep
from pytest_evalkit.results.load_sweep import SweepDict
from tests.unit.reports.swept import swept
from tests.unit.reports.test_html import EVIL, Page


def page_of(sweep: SweepDict, pages: dict[int, str] | None = None) -> str:
    return b"".join(render_sweep(sweep, pages or {})).decode()


def index_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" class="index">(.*?)</', text)
    assert found is not None
    index: dict[str, Any] = json.loads(found[1])
    return index


def told(text: str) -> str:
    return " ".join(" ".join(Page(text).text).split())


def test_every_level_has_its_figures_and_leads_to_the_page_of_its_run() -> None:
    sweep = swept({1: 10, 4: 20}, levels=(1, 4))

    text = page_of(sweep, {4: "concurrency-4/m/b/report.html"})

    # A hundred requests, the last sent 99 spans after the first and 250 ms long.
    assert "1 100 0.0% 9.9 19.7 3 4 page 100 0.0% 19.2 38.5 5" in told(text)
    links = Page(text).with_class("link")
    assert [one["href"] for one in links] == ["concurrency-4/m/b/report.html"]
    assert links[0]["aria-label"] == "Page of the run at concurrency 4"


def test_what_is_drawn_is_what_the_levels_measured() -> None:
    index = index_of(page_of(swept({1: 10, 4: 20}, levels=(1, 4))))

    assert index["levels"] == [1, 4]
    assert index["times"] == {
        "e2el_ms": {line: [250.0, 250.0] for line in ("p50", "p90", "p95", "p99")}
    }
    assert index["latency"] == [250.0, 250.0]
    assert list(index["rates"]) == ["request_throughput", "output_throughput"]
    assert index["scores"] == [
        {
            "by_load": "chart-score-0",
            "by_latency": "chart-quality-0",
            "values": [0.5, 0.5],
            "intervals": [[0.4, 0.6], [0.4, 0.6]],
        }
    ]


def test_figures_stand_in_tables_that_need_no_script() -> None:
    text = page_of(swept({1: 10, 4: 20}, levels=(1, 4)))

    assert "4 0.5000 0.400 to 0.600 250.0" in told(text)
    assert "4 250.0 250.0 250.0 250.0 250.0 100" in told(text)
    assert "<noscript><style>.charts, .drawn { display: none; }</style>" in text


def test_where_the_server_gives_way_is_said_with_its_reason() -> None:
    held = swept({1: 10, 4: 20}, levels=(1, 4))
    gave = swept({1: 10, 4: 10}, levels=(1, 4), latencies={4: 0.5})

    assert "Held at every level" in told(page_of(held))
    assert index_of(page_of(held))["gives_way"] is None
    assert "Gives way at concurrency 4: -2.4% requests per second" in told(
        page_of(gave)
    )
    assert index_of(page_of(gave))["gives_way"] == 4


def test_what_the_figures_lack_stands_before_them() -> None:
    sweep = swept({1: 10}, levels=(1, 4, 16), complete=False)
    sweep["load_sweep"][0]["figures"]["client"] = {
        "saturated": True,
        "reason": "the event loop was late by 40 ms (p99)",
    }

    text = told(page_of(sweep))

    assert "Not complete" in text
    assert "not run: concurrency 4, 16" in text
    assert "concurrency 1: the run is not complete" in text
    assert "concurrency 1: the client was the limit: the event loop was late" in text


def test_of_many_tasks_the_first_are_drawn_and_all_told() -> None:
    tasks = [f"task{number}" for number in range(MOST_SCORES + 1)]

    text = page_of(swept({1: 10}, levels=(1,), tasks=tasks))

    assert len(index_of(text)["scores"]) == MOST_SCORES
    assert all(f"{task}, in figures" in told(text) for task in tasks)


def test_a_score_that_is_not_known_is_neither_drawn_nor_zero() -> None:
    sweep = swept({1: 10}, levels=(1,))
    sweep["load_sweep"][0]["scores"]["t"]["acc,none"] = None

    text = page_of(sweep)

    assert index_of(text)["scores"] == []
    assert "1 n/a" in told(text)


def test_names_of_others_are_text_and_no_script_but_ours_may_run() -> None:
    sweep = swept({1: 10}, levels=(1,), tasks=[EVIL])
    sweep["model_name"] = EVIL

    text = page_of(sweep)

    page = Page(text)
    policy = next(
        attributes["content"] or ""
        for tag, attributes in page.elements
        if tag == "meta" and "http-equiv" in attributes
    )
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert EVIL in "".join(page.text)
