"""One document from its prompt to its Sample."""

from __future__ import annotations

from pytest_evalkit.evaluate.code_limit import CodeLimit, CodeLimitError
from pytest_evalkit.evaluate.document import (
    Evaluation,
    evaluate_document,
    skip_document,
)
from pytest_evalkit.evaluate.judge import Judge
from pytest_evalkit.evaluate.outcome import DocumentOutcome
from pytest_evalkit.evaluate.sample import (
    SAMPLE_SCHEMA_VERSION,
    SampleDict,
    SampleTiming,
    Status,
)
from pytest_evalkit.evaluate.token_counts import TokenCounts
from pytest_evalkit.evaluate.turn_records import TurnDict

__all__ = [
    "SAMPLE_SCHEMA_VERSION",
    "CodeLimit",
    "CodeLimitError",
    "DocumentOutcome",
    "Evaluation",
    "Judge",
    "SampleDict",
    "SampleTiming",
    "Status",
    "TokenCounts",
    "TurnDict",
    "evaluate_document",
    "skip_document",
]
