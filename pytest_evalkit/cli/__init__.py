"""The ``evalkit`` command: what is done with runs when no pytest is running."""

from __future__ import annotations

from pytest_evalkit.cli.command import main

__all__ = ["main"]
