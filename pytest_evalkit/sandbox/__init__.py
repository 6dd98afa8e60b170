"""Running programs that a model wrote: bounded, cut off, and only where it is allowed."""

from __future__ import annotations

from pytest_evalkit.sandbox.outcome import Outcome, Status
from pytest_evalkit.sandbox.permission import permit_execution, revoke_execution
from pytest_evalkit.sandbox.program import (
    PROTECTIONS,
    UnprotectedExecutionWarning,
    run_program,
)

__all__ = [
    "PROTECTIONS",
    "Outcome",
    "Status",
    "UnprotectedExecutionWarning",
    "permit_execution",
    "revoke_execution",
    "run_program",
]
