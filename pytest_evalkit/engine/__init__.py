"""Many requests at once: bounded, timed, retried; and the driver of flows."""

from __future__ import annotations

from pytest_evalkit.engine.drive import Flow, drive
from pytest_evalkit.engine.engine import Engine
from pytest_evalkit.engine.model import Model
from pytest_evalkit.engine.retry import RetryPolicy

__all__ = ["Engine", "Flow", "Model", "RetryPolicy", "drive"]
