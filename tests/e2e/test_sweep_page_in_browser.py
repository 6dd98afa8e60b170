"""The page of a load sweep, as a browser draws it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_evalkit.reports.sweep_page import render_sweep
from tests.e2e.chromium import ABSENT, CHROMIUM, Browser, started
from tests.e2e.test_load_on_the_page import DRAWN
from tests.unit.reports.swept import swept

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=ABSENT)

CHARTS = (
    *("chart-e2el_ms", "chart-request_throughput", "chart-output_throughput"),
    *("chart-score-0", "chart-quality-0"),
)


@pytest.fixture(scope="module")
def sweep_tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.mark.parametrize("levels", [(1, 4, 16), (5,)])
def test_every_chart_of_a_sweep_is_drawn_on_a_desk_and_a_phone(
    sweep_tab: Browser, tmp_path: Path, levels: tuple[int, ...]
) -> None:
    rates = {level: min(40, 10 * level) for level in levels}
    sweep = swept(rates, levels=levels, latencies={16: 0.5})
    page = tmp_path / "report.html"
    page.write_bytes(b"".join(render_sweep(sweep, {})))

    for width in (1280, 390):
        sweep_tab.open(page, width=width)

        assert sweep_tab.run(DRAWN) == [[name, True] for name in CHARTS]
        assert sweep_tab.run("document.documentElement.scrollWidth") == width
    named = sweep_tab.run(
        "[...document.querySelectorAll('.uplot')].map(chart => chart.ariaLabel)"
    )
    assert "End-to-end latency green: p50" in named[0]
    assert (sweep_tab.complaints, sweep_tab.requests) == ([], [])
