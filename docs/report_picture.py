"""Take the picture of the report again: python docs/report_picture.py RUN."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
# The helper that drives the browser is the tests'.
sys.path.insert(0, str(DOCS.parent))

from tests.e2e.chromium import started  # noqa: E402

_WIDTH, _HEIGHT = 1180, 2300
_SHOWN = 885
_COLOURS = 200


def main() -> None:
    """Open the page of a run, open a document in it, and keep what is seen."""
    from PIL import Image

    page = Path(sys.argv[1], "report.html").resolve()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shot = Path(folder, "page.png")
        with started(Path(folder, "profile")) as browser:
            browser.open(page, width=_WIDTH, height=_HEIGHT)
            browser.run("document.querySelectorAll('.list .row')[3].click()")
            browser.run("scrollTo(0, 0)")
            browser.run("document.activeElement.blur()")
            browser.wait_for("document.querySelector('.detail img').complete")
            browser.screenshot(shot)
        image = Image.open(io.BytesIO(shot.read_bytes())).convert("RGB")
    image.thumbnail((_SHOWN, _HEIGHT), Image.Resampling.LANCZOS)
    small = image.quantize(
        _COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    small.save(DOCS / "_static" / "report.png", optimize=True)


if __name__ == "__main__":
    main()
