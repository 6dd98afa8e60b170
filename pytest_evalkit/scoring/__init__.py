"""From answers to scores: reasoning, filters, metrics and aggregations, without I/O."""

from __future__ import annotations

from pytest_evalkit.scoring.build import build_plan
from pytest_evalkit.scoring.filters import register_filter
from pytest_evalkit.scoring.plan import AnswerKey, MetricSpec, Scored, ScoringPlan
from pytest_evalkit.scoring.reasoning import (
    DEFAULT_REASONING_TAGS,
    THINKING_TAGS,
    ReasoningTags,
    Stripped,
    parse_reasoning_tags,
    strip_reasoning,
)
from pytest_evalkit.scoring.score import score_document
from pytest_evalkit.scoring.spread import BOOTSTRAP_ITERATIONS, standard_error_of

__all__ = [
    "BOOTSTRAP_ITERATIONS",
    "DEFAULT_REASONING_TAGS",
    "THINKING_TAGS",
    "AnswerKey",
    "MetricSpec",
    "ReasoningTags",
    "Scored",
    "ScoringPlan",
    "Stripped",
    "build_plan",
    "parse_reasoning_tags",
    "register_filter",
    "score_document",
    "standard_error_of",
    "strip_reasoning",
]
