"""The backends: whatever answers requests, behind one small protocol."""

from __future__ import annotations

from pytest_evalkit.models.arguments import parse_model_args
from pytest_evalkit.models.backend import Backend
from pytest_evalkit.models.mock import MockBackend
from pytest_evalkit.models.registry import BACKENDS, make_backend

__all__ = [
    "BACKENDS",
    "Backend",
    "MockBackend",
    "make_backend",
    "parse_model_args",
]
