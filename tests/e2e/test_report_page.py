"""The report page as its reader uses it, in a browser without a screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.reports.page_documents import MOST_DOCUMENTS
from tests.e2e.chromium import ABSENT, CHROMIUM, Browser, started
from tests.e2e.report_runs import write_page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=ABSENT)

COUNT = 300


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def run_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("run"), COUNT)


@pytest.fixture(scope="module")
def compared_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("compared"), COUNT, other=0.5)


@pytest.fixture
def page(tab: Browser, run_page: Path) -> Iterator[Browser]:
    """The page of a run; whatever a test does, it neither complains nor calls out."""
    tab.open(run_page)
    yield tab
    assert tab.complaints == []
    assert tab.requests == []


@pytest.fixture
def comparison(tab: Browser, compared_page: Path) -> Iterator[Browser]:
    tab.open(compared_page)
    yield tab
    assert tab.complaints == []
    assert tab.requests == []


def shown(page: Browser) -> int:
    return int(page.texts("#shown")[0].replace(",", ""))


def names(page: Browser) -> list[str]:
    return page.texts(".list .row .name")


def search(page: Browser, words: str) -> None:
    page.click("#words")
    before = page.run("document.querySelector('#shown').textContent")
    page.write(words)
    page.wait_for(f"document.querySelector('#shown').textContent !== '{before}'")


def detail(page: Browser, selector: str = "") -> Any:
    return "\n".join(page.texts(f".detail {selector}"))


def test_the_page_shows_scores_gates_breakdown_and_charts(page: Browser) -> None:
    text = page.run("document.body.innerText")

    for part in ("first/model", "0.7500", "0.710 to 0.790", "exact_match >= 0.7"):
        assert part in text
    assert page.texts(".panel th") == ["even", "odd"]
    assert page.run("document.querySelectorAll('.uplot canvas').length") == 3
    # Something is drawn: the middle of a chart is not all of one colour.
    assert page.run(
        "[...document.querySelectorAll('.uplot canvas')].every(canvas => new Set("
        "canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data"
        ").size > 2)"
    )


def test_a_list_of_many_has_few_lines_in_the_page(page: Browser) -> None:
    assert shown(page) == COUNT
    assert 5 < len(names(page)) < 60

    page.run("document.querySelector('.list').scrollTop = 1e6")
    page.wait_for(
        "[...document.querySelectorAll('.row .name')]"
        f".some(node => node.textContent === 'q{COUNT - 1}')"
    )

    assert len(names(page)) < 60


def test_a_search_finds_words_in_prompts_and_answers(page: Browser) -> None:
    search(page, "123+123")

    assert shown(page) == 1
    assert names(page) == ["q123"]


def test_a_search_for_nothing_that_is_there_says_so(page: Browser) -> None:
    search(page, "zebra")

    assert shown(page) == 0
    assert names(page) == []


@pytest.mark.parametrize(
    ("outcome", "mark"), [("wrong", "wrong"), ("error", "error"), ("right", "right")]
)
def test_documents_are_listed_by_their_outcome(
    page: Browser, outcome: str, mark: str
) -> None:
    said = page.texts(f'[data-outcome="{outcome}"] small')[0]

    page.click(f'[data-outcome="{outcome}"]')

    assert shown(page) == int(said)
    marks = page.run(
        "[...document.querySelectorAll('.list .mark')].map(node => node.className)"
    )
    assert set(marks) == {f"mark {mark}"}


def test_a_name_in_the_breakdown_lists_its_documents(page: Browser) -> None:
    page.click(".link[data-value='odd']")

    assert shown(page) == COUNT // 2
    assert names(page)[:3] == ["q1", "q3", "q5"]


def test_the_slowest_come_first_where_that_is_chosen(page: Browser) -> None:
    page.run(
        "document.querySelector('#sort').value = '-latency';"
        "document.querySelector('#sort').dispatchEvent(new Event('change'))"
    )

    times = [float(text.removesuffix(" s")) for text in page.texts(".list .time")]
    assert times == sorted(times, reverse=True)
    assert len(times) > 5


def test_a_click_on_a_heading_sorts_and_another_turns_it_around(page: Browser) -> None:
    page.click(".head .score")
    lowest = page.texts(".list .score")
    page.click(".head .score")
    highest = page.texts(".list .score")

    # The document in error has no score, and comes last either way.
    assert (set(lowest), set(highest)) == ({"0"}, {"1"})


def test_an_open_document_shows_all_forms_of_its_answer(page: Browser) -> None:
    search(page, "123+123")
    page.click(".list .row")

    text = detail(page)
    assert "<think>Add 123 to 123.</think>" in text
    assert "Without thought" in text
    assert "Q: What is 1+1?" in text
    assert "123+123?" in text
    assert page.texts(".detail .field pre")[0] == "246"


def test_an_open_document_shows_its_picture(page: Browser) -> None:
    page.press("j")
    page.press("j")
    page.press("Enter")

    page.wait_for("document.querySelector('.detail img')?.complete")

    size = page.run("document.querySelector('.detail img').naturalWidth")
    assert (size, detail(page, "h3 code")) == (160, "q1")


def test_a_medium_without_a_picture_is_named(page: Browser) -> None:
    page.click(".list .row")

    assert detail(page, ".medium") == f"image/png {'0' * 12}"
    assert page.run("document.querySelector('.detail img')") is None


def test_the_keyboard_is_enough(page: Browser) -> None:
    page.press("j")
    page.press("j")
    page.press("j")
    page.press("k")
    page.press("Enter")
    assert detail(page, "h3 code") == "q1"

    page.press("j")
    assert detail(page, "h3 code") == "q2"

    page.press("Escape")
    assert page.texts(".detail header") == []

    page.press("/")
    assert page.run("document.activeElement.id") == "words"
    page.write("j")
    page.press("Escape")
    assert page.run("document.activeElement.className") == "list"


def test_what_a_hostile_model_says_is_shown_as_text(page: Browser) -> None:
    search(page, "owned")
    page.click(".list .row")

    assert "owned" not in page.run("document.title")
    assert "<script>document.title = 'owned'</script><img src=x" in detail(page)
    assert page.texts(".detail .hidden-sign") == [
        "U+202E", "U+0000", "U+001B", "U+D800",
    ]  # fmt: skip
    assert "characters left out" in detail(page, ".cut")
    assert detail(page, "pre:has(.cut)").endswith("the end")
    assert len(detail(page)) < 30_000


def test_the_address_names_the_open_document(page: Browser, run_page: Path) -> None:
    page.click(".list .row:nth-child(3)")

    assert page.run("location.hash") == "#document/sums/q2"
    page.run("location.hash = '#document/sums/q200'")
    page.wait_for("document.querySelector('.detail h3 code')?.textContent === 'q200'")


def test_on_a_phone_nothing_is_wider_than_the_screen(
    tab: Browser, run_page: Path
) -> None:
    tab.open(run_page, width=390, height=844)

    assert tab.run("document.documentElement.scrollWidth") == 390
    tab.click(".list .row")
    box = tab.run(
        "(() => { const box = document.querySelector('.detail').getBoundingClientRect();"
        "return [box.x, box.y, box.width, box.height]; })()"
    )
    assert box == [0, 0, 390, 844]


def test_on_paper_the_first_documents_are_listed(page: Browser) -> None:
    page.run("dispatchEvent(new Event('beforeprint'))")

    assert len(page.texts(".printed tr")) == 101
    assert page.texts(".printed tr:nth-child(2) td")[1] == "q0"


def test_a_comparison_lists_flips_first_and_shows_both_answers(
    comparison: Browser,
) -> None:
    assert "second/model" in "".join(comparison.texts("h1"))
    scores = comparison.texts(".list .score")
    assert set(scores[:10]) == {"1 → 0"}

    comparison.click(".list .row")

    assert comparison.texts(".detail .outcome") == ["right", "wrong"]
    assert comparison.texts(".detail .run h3") == ["A", "B"]
    first, second = comparison.texts(".detail .run .field pre")
    assert int(second) == int(first) + 1


def test_a_comparison_counts_what_got_better_and_worse(comparison: Browser) -> None:
    better, worse = (
        int(comparison.texts(f'[data-outcome="{way}"] small')[0])
        for way in ("better", "worse")
    )

    row = comparison.texts("#comparison td.gained, #comparison td.lost")

    assert row == [str(better), str(worse)]
    comparison.click('[data-outcome="better"]')
    assert set(comparison.texts(".list .score")) == {"0 → 1"}


def test_one_switches_from_the_comparison_to_the_run(comparison: Browser) -> None:
    visible = "getComputedStyle(document.querySelector('#scores')).display !== 'none'"
    assert not comparison.run(visible)

    comparison.click('.views [data-to="run"]')

    assert comparison.run(visible)
    assert comparison.texts(".outcomes button")[1].startswith("Wrong")
    assert comparison.run("document.querySelectorAll('.uplot canvas').length") == 3


def test_ten_thousand_documents_can_be_searched_and_opened(
    tab: Browser, tmp_path: Path
) -> None:
    assert MOST_DOCUMENTS >= 10_000
    tab.open(write_page(tmp_path, 10_000))

    assert shown(tab) == 10_000
    assert len(names(tab)) < 60
    search(tab, "9876+9876")
    tab.click(".list .row")

    assert detail(tab, "h3 code") == "q9876"
    assert (tab.complaints, tab.requests) == ([], [])
