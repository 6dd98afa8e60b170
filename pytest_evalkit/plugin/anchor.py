"""Fixtures for items that are not Python functions.

A document is a bare item, cheap to make by the ten thousand, and so has no fixtures of
its own. One anchor, an ordinary function item that asks for ``model`` and for what tasks
name besides, is set up before the first document of a task file runs and torn down after the last: fixtures live as
long as the file's documents need them, in whatever scope they were written, and pytest's
own hooks do the work. Two private names are touched: ``_fixtureinfo`` tells whether two
files would get the same session fixture, and without it each file simply waits its turn;
``_setupstate`` is told that a file is left which needed no fixtures.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import pytest

# No value of a fixture, not even None, can be this.
PENDING: Final = object()


_MODEL = "model"


def _asking_for(names: Iterable[str]) -> Callable[..., None]:
    """Make a function that declares by its parameters which fixtures an anchor wants."""

    def ask(**_: Any) -> None:
        """Want fixtures, and do nothing with them."""

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind) for name in names]
    ask.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect reads it
    return ask


class Anchors:
    """Sets up the ``model`` fixture for one task file after another, and others it names.

    Args:
        others: Tells which other fixtures the tasks of a file name.
    """

    def __init__(self, others: Callable[[pytest.File], Sequence[str]]) -> None:
        self._others = others
        self._current: pytest.Function | None = None
        self._waiting: dict[pytest.File, pytest.Function] = {}
        self._session_values: dict[int | None, Any] = {}

    def enter(self, file: pytest.File, item: pytest.Item) -> None:
        """Set up the fixtures of a task file, if they are not.

        Args:
            file: The task file.
            item: Its document that is about to run.

        Raises:
            BaseException: Whatever the fixture raised.
        """
        if self._current is not None:
            if self._current.parent is file:
                return
            self._tear_down(item)
        anchor = self._anchor(file)
        self._waiting.pop(file, None)
        self._current = anchor
        try:
            _set_up(anchor)
        except BaseException:
            self._tear_down(item)
            raise
        definition = _session_definition(anchor)
        if definition is not None:
            self._session_values[definition] = anchor.funcargs["model"]

    def leave(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Tear down what the next item does not share, whoever set it up.

        Args:
            item: The last document of its file.
            nextitem: What runs next; None where nothing does.
        """
        if self._current is not None:
            self._tear_down(nextitem)
        else:
            # The one before left the folders standing that it shared with this file,
            # which needed none: all of its documents were taken, or skipped.
            item.session._setupstate.teardown_exact(nextitem)  # noqa: SLF001 - no hook

    def _tear_down(self, nextitem: pytest.Item | None) -> None:
        anchor, self._current = self._current, None
        if anchor is not None:
            anchor.ihook.pytest_runtest_teardown(item=anchor, nextitem=nextitem)

    def value(self, file: pytest.File) -> Any:
        """Get the fixture of a file, or ``PENDING`` while it has to wait its turn."""
        if self._current is not None and self._current.parent is file:
            return self._current.funcargs["model"]
        definition = _session_definition(self._anchor(file))
        return self._session_values.get(definition, PENDING)

    def other(self, file: pytest.File, name: str) -> Any:
        """Get another fixture of a file, or ``PENDING`` while it has to wait its turn."""
        if self._current is None or self._current.parent is not file:
            return PENDING
        return self._current.funcargs[name]

    def unknown(self, file: pytest.File) -> Sequence[str]:
        """List the fixtures that the tasks of a file name, and that there are not."""
        info = getattr(self._anchor(file), "_fixtureinfo", None)
        known = getattr(info, "name2fixturedefs", None)
        if known is None:
            return []
        return [name for name in self._others(file) if name not in known]

    def _anchor(self, file: pytest.File) -> pytest.Function:
        anchor = self._waiting.get(file)
        if anchor is None:
            anchor = self._waiting[file] = pytest.Function.from_parent(
                file,
                name=_MODEL,
                callobj=_asking_for((_MODEL, *self._others(file))),
            )
        return anchor


def _set_up(anchor: pytest.Function) -> None:
    """Set an anchor up as pytest sets up any test.

    The report is nobody's to see, but fixtures such as ``tmp_path`` count on one having
    been made.
    """
    call = pytest.CallInfo.from_call(
        lambda: anchor.ihook.pytest_runtest_setup(item=anchor), when="setup"
    )
    anchor.ihook.pytest_runtest_makereport(item=anchor, call=call)
    if call.excinfo is not None:
        raise call.excinfo.value


def _session_definition(anchor: pytest.Function) -> int | None:
    """Identify the fixture an anchor would get, if it is one for the whole session."""
    names = getattr(getattr(anchor, "_fixtureinfo", None), "name2fixturedefs", {})
    definitions = names.get("model")
    if not definitions or definitions[-1].scope != "session":
        return None
    return id(definitions[-1])
