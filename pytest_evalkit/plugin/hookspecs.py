"""Hooks that users may implement, in a ``conftest.py`` or a plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest


@pytest.hookspec()
def pytest_evalkit_results(results: Mapping[str, Any], config: pytest.Config) -> None:
    """Take what a run concludes somewhere else: a dashboard, a database, a chat.

    Called once, where the session ends (under xdist in the controller), after all files
    of the run are written. What an implementation raises fails the run, and loses
    nothing of it.

    Args:
        results: What ``results.json`` holds; a copy.
        config: pytest's configuration.
    """
