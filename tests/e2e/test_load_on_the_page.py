"""The load of a run on its page, as a browser draws it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pytest_evalkit.results.load import pattern_dict
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.stats.request_times import RequestTimes
from tests.e2e.chromium import ABSENT, CHROMIUM, Browser, started
from tests.e2e.report_runs import write_page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=ABSENT)

CHARTS = (
    *("chart-e2el_ms", "chart-ttft_ms", "chart-itl_ms"),
    *("chart-in_flight", "chart-requests_per_s", "chart-output_tokens_per_s"),
    *("chart-turns", "chart-flight", "chart-course"),
)
DRAWN = (
    "[...document.querySelectorAll('.charts figure:not([hidden])')].map(figure => {"
    "const canvas = figure.querySelector('canvas');"
    "const { data } = canvas.getContext('2d')"
    ".getImageData(0, 0, canvas.width, canvas.height);"
    "return [figure.id, new Set(data).size > 2]; })"
)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def load_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("loaded"), 60, load=load())


def load() -> dict[str, Any]:
    """Six conversations of fifty turns; each seventh request fails."""
    return {
        **load_figures(requests()),
        "load_pattern": pattern_dict({"load_pattern": "conversation"}),
        "client": None,
        "warmup": None,
        "ended": None,
    }


def requests() -> Iterator[RequestTimes]:
    random = Random(4)
    for n in range(300):
        first = random.lognormvariate(-3, 0.5)
        rest = 0.01 * random.randint(10, 60)
        yield RequestTimes(
            status="errored" if n % 7 == 6 else "successful",
            sent_at=0.1 * n,
            ended_at=0.1 * n + first + rest,
            ttft_s=first,
            gaps_sum_s=rest,
            output_tokens=20,
            conversation=str(n // 50),
            turn=n % 50 + 1,
        )


def test_every_part_of_the_load_is_drawn_and_told_in_figures(
    tab: Browser, load_page: Path
) -> None:
    tab.open(load_page)

    assert tab.run(DRAWN) == [[name, True] for name in CHARTS]
    assert tab.texts('nav a[href="#load"]') == ["Load"]
    heads = tab.texts("#load .figures th:first-child")
    assert {"End to end", "First token", "Between tokens", "1", "46"} <= set(heads)
    said = tab.texts("#load figcaption small")
    assert "p50" in said[0]
    assert "above" in said[0]
    assert "red: errors" in said[4]
    assert len(tab.texts("#load .panel tr")) == 5
    assert (tab.complaints, tab.requests) == ([], [])


def test_the_load_fits_a_phone_in_the_dark_and_paper(
    tab: Browser, load_page: Path
) -> None:
    tab.open(load_page, width=390, height=844)
    opened = "document.querySelectorAll('#load details[open]').length"
    before = tab.run(opened)

    tab.call(
        "Emulation.setEmulatedMedia",
        features=[{"name": "prefers-color-scheme", "value": "dark"}],
    )
    tab.run("dispatchEvent(new Event('beforeprint'))")

    assert tab.run("document.documentElement.scrollWidth") == 390
    assert tab.run(DRAWN) == [[name, True] for name in CHARTS]
    # Of the three, scores by latency stood open before.
    assert (before, tab.run(opened)) == (1, 3)
    assert (tab.complaints, tab.requests) == ([], [])
