"""Measure how long a page of many documents takes to be written and to be usable.

    python tests/performance/report_page.py --documents 10000

The page is opened in Chromium without a screen. It is usable once its list answers to
clicks and keys; a search is timed from the last letter to the list.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

# A script is run from anywhere; the tests are not installed.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.e2e.chromium import ABSENT, CHROMIUM, Browser, started
from tests.e2e.report_runs import write_page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if CHROMIUM is None:
        print(ABSENT)
        return 1
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        begun = time.perf_counter()
        page = write_page(folder, options.documents)
        written_s = time.perf_counter() - begun
        size = page.stat().st_size / 1e6
        print(f"{options.documents:,} documents: {size:.1f} MB in {written_s:.2f} s")
        with started(folder / "profile") as browser:
            opened = sorted(_opened_s(browser, page) for _ in range(options.rounds))
            print(f"usable after {opened[0]:.2f} s (best), {opened[-1]:.2f} s (worst)")
            print(f"first search answered after {_searched_s(browser):.2f} s")
    return 0


def _opened_s(browser: Browser, page: Path) -> float:
    browser.call("Page.navigate", url="about:blank")
    browser.open(page)
    return float(browser.run("Number(document.documentElement.dataset.ready) / 1000"))


def _searched_s(browser: Browser) -> float:
    """Search before anything was read ahead, as the hastiest reader does."""
    browser.run(
        "document.querySelector('#words').value = 'zebra';"
        "document.querySelector('#words').dispatchEvent(new Event('input'))"
    )
    begun = time.perf_counter()
    browser.wait_for("document.querySelector('#shown').textContent === '0'")
    return time.perf_counter() - begun


if __name__ == "__main__":
    raise SystemExit(main())
