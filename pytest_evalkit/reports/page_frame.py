"""What every page of the house is made of: one file that asks the network for nothing.

Style, scripts and data stand in the page. Whatever comes from a model, a data set or a
task is escaped by the template engine, or stands in data that a script shows as text;
no script but the package's own may run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

from pytest_evalkit.codec import encode


class PageFrame:
    """A template and the scripts that run in it.

    Args:
        template: Its file in the folder ``page``.
        scripts: Names of files there, which share one scope, in the order they run.
    """

    def __init__(self, template: str, scripts: Sequence[str]) -> None:
        self._template = template
        self._names = scripts

    def head(self, **values: Any) -> bytes:
        """Write all that needs no script.

        Args:
            values: What the template names.
        """
        hashes = " ".join(map(_source_hash, self._scripts()))
        template = _environment().get_template(self._template)
        text: str = template.render(script_hashes=_markup(hashes), **values)
        return text.encode("utf-8", "replace")

    def end(self) -> Iterator[bytes]:
        """Write the scripts, and the end of the page."""
        for script in self._scripts():
            yield f"<script>{script}</script>\n".encode()
        yield b"</body>\n</html>\n"

    def _scripts(self) -> tuple[str, str]:
        """Read the scripts: the charting library, and the page's own in one scope."""
        own = "\n".join(_resource("page", f"{name}.js") for name in self._names)
        library = _resource("uplot", "uPlot.iife.min.js")
        return library, f'(() => {{\n"use strict";\n{own}\n}})();'


def data_block(value: Any, name: str) -> bytes:
    """Write data into a page.

    A less-than sign is escaped, so that no text in it can end the element or begin
    another.

    Args:
        value: What JSON can hold.
        name: The class by which scripts find it.
    """
    text = encode(value).replace(b"<", b"\\u003c")
    head = f'<script type="application/json" class="{name}">'.encode()
    return head + text + b"</script>\n"


@cache
def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(lambda name: _resource("page", name)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = _resource("uplot", "uPlot.min.css") + _resource("page", "page.css")
    environment.globals["style"] = _markup(style)
    return environment


def _markup(text: str) -> Any:
    """Say of a text that it is not to be escaped: the package's own alone are not."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - as above


def _source_hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _resource(folder: str, name: str) -> str:
    file = resources.files("pytest_evalkit.reports").joinpath(folder, name)
    return file.read_text(encoding="utf-8")
