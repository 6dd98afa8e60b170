from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_LOOKS_AT_THE_END = """
import gc
import pytest

@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    with open("left_out", "w") as file:
        file.write(str(gc.get_freeze_count()))
"""
_OTHER_TEST = """
def test_of_somebody_else():
    pass
"""


@pytest.mark.parametrize("has_others", [False, True])
def test_only_where_all_are_documents_pytest_does_not_look_among_them_at_the_end(
    arith_suite: ArithSuite, has_others: bool
) -> None:
    arith_suite.task()
    arith_suite.write("conftest.py", _LOOKS_AT_THE_END)
    paths = ["arith"]
    if has_others:
        arith_suite.write("test_other.py", _OTHER_TEST)
        paths.append("test_other.py")

    result = arith_suite.run(*paths, "--model=oracle")

    result.assert_outcomes(passed=6 + has_others)
    left_out = int((arith_suite.root / "left_out").read_text())
    assert (left_out > 0) is not has_others
    assert gc.get_freeze_count() == 0
