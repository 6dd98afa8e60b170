"""Write the tables of docs/reference/parity.md: python -m tests.parity.page.

What stands between ``<!-- parity: NAME -->`` and ``<!-- end -->`` is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.parity import lmms_cases, own, real
from tests.parity.deviations import DEVIATIONS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "parity.md"
_BLOCK = re.compile(r"(<!-- parity: ([\w-]+) -->).*?(<!-- end -->)", re.DOTALL)
_NOTE = re.compile(r"\A(?:# (.+)\n)+")


def rendered(page: str) -> str:
    """Write the page with its tables renewed.

    Raises:
        KeyError: A table has a name that nothing writes.
    """
    return _BLOCK.sub(lambda match: match[1] + _TABLES[match[2]]() + match[3], page)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _deviations() -> str:
    return _table(
        ("pytest-evalkit", "lm-eval", "reason", "`--compat`", "shown by"),
        (
            (
                each.ours,
                each.theirs,
                each.reason,
                " ".join(f"`{mode}`" for mode in each.modes),
                " ".join(f"`{task}`" for task in each.shown_by),
            )
            for each in DEVIATIONS
        ),
    )


def _own() -> str:
    return _table(
        ("task", "shows"),
        (
            (f"`{name.removesuffix('.yaml')}`", _note(content))
            for name, content in own.files().items()
            if name.endswith(".yaml")
        ),
    )


def _note(content: str) -> str:
    found = _NOTE.match(content)
    if found is None:
        return ""
    return " ".join(line.removeprefix("# ") for line in found[0].splitlines())


def _real() -> str:
    return _table(
        ("file below `lm_eval/tasks`", "examples"),
        ((f"`{task.file}`", str(task.shots)) for task in real.REAL.values()),
    )


def _lmms() -> str:
    return _table(
        ("task", "file below `lmms_eval/tasks`", "metrics"),
        (
            (
                f"`{name}`",
                f"`{case.file}`",
                " ".join(f"`{key}`" for key in case.figures),
            )
            for name, case in lmms_cases.CASES.items()
        ),
    )


_TABLES = {"deviations": _deviations, "own": _own, "real": _real, "lmms": _lmms}

if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text("utf-8")), "utf-8")
