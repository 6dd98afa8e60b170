from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

Script = Callable[[str], ModuleType]


def test_a_line_is_parted_where_its_look_changes(script: Script) -> None:
    picture = script("picture")

    runs = list(picture.runs("ab\x1b[32m\x1b[1mcd\x1b[0me"))

    assert [(run.column, run.text, run.is_bold) for run in runs] == [
        (0, "ab", False),
        (2, "cd", True),
        (4, "e", False),
    ]
    assert runs[0].colour == runs[2].colour != runs[1].colour


def test_text_is_escaped(script: Script) -> None:
    drawn = ET.fromstring(script("picture").svg(["a < b & c", "", "   d"]))

    texts = [element for element in drawn if element.tag.endswith("text")]
    assert [element.text for element in texts] == ["a < b & c", "   d"]


def test_the_committed_picture_shows_table_gate_and_report(root: Path) -> None:
    picture = ET.parse(root / "docs" / "_static" / "terminal.svg")

    lines = [element.text or "" for element in picture.iter()]
    for part in ("pytest --tasks shapes", "exact_match", "gate pass", "report.html"):
        assert any(part in line for line in lines)
