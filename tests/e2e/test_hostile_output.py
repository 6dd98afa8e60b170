"""What models, endpoints and data sets say is shown as text, wherever it is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

ORDERS = "\x1b[2J\x1b]0;gone\x07\r\u202e\u2066\x9b"
MARKUP = "<script>alert(7)</script><img src=x>"

_HANDLER = f"""
EVIL = {ORDERS + MARKUP!r}

def answer(request):
    if target_of(request) == "refused":
        raise RequestRejectedError("the endpoint said: " + EVIL)
    if target_of(request) == "half":
        return Response(text="half \\ud83d")
    return Response(text=EVIL, reasoning=EVIL)
"""


class Tags(HTMLParser):
    """Lists the elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one", "n2"])
def test_a_run_shows_hostile_texts_as_texts(
    arith_suite: ArithSuite, workers: Sequence[str]
) -> None:
    rows = [
        {"id": f"{n}{ORDERS}{MARKUP}", "question": ORDERS + MARKUP, "answer": answer}
        for n, answer in enumerate(("right", "refused", "half"))
    ]
    arith_suite.task(rows=rows, metadata={"id_column": "id"})
    arith_suite.model(_HANDLER)

    result = arith_suite.run(
        *("-v", "-rA", "--tb=long", "--fail-wrong", "--junit-xml=junit.xml", *workers)
    )

    result.assert_outcomes(failed=3)
    shown = result.stdout.str() + result.stderr.str()
    assert not set("\x1b\x07\r\x9b\u202e\u2066") & set(shown)
    assert "the endpoint said: \\x1b[2J" in shown
    ET.parse(arith_suite.root / "junit.xml")
    page = (arith_suite.folders[-1] / "report.html").read_text("utf-8")
    tags = Tags(page).tags
    # Two of data, and two that are the page's own.
    assert tags.count("script") == 4
    assert "img" not in tags
    assert "alert(7)</script" not in page
    answers = {one["target"]: one["filtered_resps"] for one in arith_suite.samples()}
    assert answers["right"] == ORDERS + MARKUP
    assert json.dumps(answers["half"]) == json.dumps("half \ud83d")
