"""Shows at the end what was seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.scene import Seen

_SEEN: list[Seen] = []


@pytest.fixture
def tell() -> Callable[[Seen], None]:
    return _SEEN.append


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not _SEEN:
        return
    terminalreporter.write_sep("=", "faults")
    line = "{:<46} {:>6} {:>6} {:>5} {:>8} {:>12}  {}"
    heads = ("fault", "status", "kept", "lost", "doubled", "asked again", "as clean")
    terminalreporter.write_line(line.format(*heads))
    for seen in _SEEN:
        cells = (seen.status, seen.kept, seen.lost, seen.doubled, seen.asked_again)
        equal = "yes" if not seen.differences else f"NO: {', '.join(seen.differences)}"
        terminalreporter.write_line(line.format(seen.fault.strip(), *cells, equal))
