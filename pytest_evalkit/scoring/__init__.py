"""From answers to scores: reasoning, filters, metrics and aggregations, without I/O."""

from __future__ import annotations

from pytest_evalkit.scoring.build import build_plan
from pytest_evalkit.scoring.plan import AnswerKey, MetricSpec, Scored, ScoringPlan
from pytest_evalkit.scoring.reasoning import (
    DEFAULT_REASONING_TAGS,
    ReasoningTags,
    Stripped,
    parse_reasoning_tags,
    strip_reasoning,
)
from pytest_evalkit.scoring.score import score_document

__all__ = [
    "DEFAULT_REASONING_TAGS",
    "AnswerKey",
    "MetricSpec",
    "ReasoningTags",
    "Scored",
    "ScoringPlan",
    "Stripped",
    "build_plan",
    "parse_reasoning_tags",
    "score_document",
    "strip_reasoning",
]
