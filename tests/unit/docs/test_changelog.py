from __future__ import annotations

import re
from pathlib import Path

SECTIONS = ["Scores", "Breaking", "Added", "Fixed", "Security"]


def versions(root: Path) -> list[str]:
    text = (root / "CHANGELOG.md").read_text("utf-8")
    return re.split(r"^## ", text, flags=re.MULTILINE)[1:]


def test_the_sections_of_a_version_are_known_and_in_order(root: Path) -> None:
    for version in versions(root):
        named = re.findall(r"^### (.*)$", version, re.MULTILINE)

        assert named == [name for name in SECTIONS if name in named]


def test_an_entry_is_a_sentence(root: Path) -> None:
    for version in versions(root):
        entries = re.findall(r"^- (.*(?:\n  .*)*)", version, re.MULTILINE)

        assert entries
        assert [entry for entry in entries if not entry.endswith(".")] == []
