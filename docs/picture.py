"""Draw the end of a real run: python docs/picture.py writes _static/terminal.svg.

The run's output is captured with its colours and set in a grid of characters, so that
tables stand straight in whatever font a reader has.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

TARGET = Path(__file__).parent / "_static" / "terminal.svg"
_COMMAND = ("pytest", "--tasks", "shapes", "--model", "demo")
_COLUMNS = 112

_ADVANCE, _LINE, _MARGIN, _SIZE = 8.4, 19, 16, 14
_INK, _PAPER, _BOLD_INK = "#d0d7de", "#0d1117", "#ffffff"
_COLOURS = {"31": "#ff7b72", "32": "#56d364", "33": "#e3b341", "36": "#76e3ea"}
_SGR = re.compile(r"\x1b\[([\d;]*)m")


class Run(NamedTuple):
    """Text of one look, at a column of its line."""

    column: int
    text: str
    colour: str
    is_bold: bool


def capture() -> list[str]:
    """Run the demonstration, and take the end of its output."""
    environment = {**os.environ, "COLUMNS": str(_COLUMNS), "PYTHONWARNINGS": "ignore"}
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run(  # noqa: S603 (the command is the one above)
            [*_COMMAND, "--color=yes"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    lines = told.stdout.rstrip("\n").split("\n")
    begin = next(at for at, line in enumerate(lines) if " evaluation " in line)
    return [f"$ {' '.join(_COMMAND)}", *lines[begin:]]


def svg(lines: Sequence[str]) -> str:
    """Draw lines of terminal output, escape codes of colours included."""
    widest = max(len(_SGR.sub("", line)) for line in lines)
    width = round(widest * _ADVANCE + 2 * _MARGIN)
    height = len(lines) * _LINE + 2 * _MARGIN
    drawn = "".join(
        _text(run, _MARGIN + at * _LINE + _SIZE)
        for at, line in enumerate(lines)
        for run in runs(line)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="ui-monospace, Menlo, Consolas, '
        f'DejaVu Sans Mono, monospace" font-size="{_SIZE}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="{_PAPER}"/>\n{drawn}</svg>\n'
    )


def runs(line: str) -> Iterator[Run]:
    """Part a line where its look changes."""
    column, colour, is_bold = 0, _INK, False
    pieces = _SGR.split(line)
    for at, piece in enumerate(pieces):
        if at % 2:
            colour, is_bold = _look(piece.split(";"), colour, is_bold)
        elif piece:
            yield Run(column, piece, colour, is_bold)
            column += len(piece)


def _look(codes: Sequence[str], colour: str, is_bold: bool) -> tuple[str, bool]:
    for code in codes:
        if code in {"", "0"}:
            colour, is_bold = _INK, False
        elif code == "1":
            is_bold = True
        else:
            colour = _COLOURS.get(code, colour)
    return colour, is_bold


def _text(run: Run, y: int) -> str:
    text = run.text.rstrip(" ")
    if not text.strip():
        return ""
    x = round(_MARGIN + run.column * _ADVANCE, 1)
    length = round(len(text) * _ADVANCE, 1)
    colour = _BOLD_INK if run.is_bold and run.colour == _INK else run.colour
    weight = ' font-weight="bold"' if run.is_bold else ""
    return (
        f'<text x="{x}" y="{y}" textLength="{length}" lengthAdjust="spacingAndGlyphs" '
        f'fill="{colour}"{weight} xml:space="preserve">{escape(text)}</text>\n'
    )


def main() -> int:
    """Write the picture."""
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(svg(capture()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
