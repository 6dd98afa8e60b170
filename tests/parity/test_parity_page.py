"""That docs/reference/parity.md lists what the suite compares."""

from __future__ import annotations

import pytest

from tests.parity import page


def test_the_page_of_parity_is_not_stale() -> None:
    text = page.PAGE.read_text("utf-8")

    assert text == page.rendered(text), "run python -m tests.parity.page"


def test_an_unknown_table_is_an_error() -> None:
    with pytest.raises(KeyError, match="ownn"):
        page.rendered("<!-- parity: ownn --><!-- end -->")
