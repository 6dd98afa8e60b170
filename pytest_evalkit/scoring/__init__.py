"""From answers to scores: reasoning, filters, metrics and aggregations, without I/O."""

from __future__ import annotations

from pytest_evalkit.scoring.build import build_plan, unscored_plan
from pytest_evalkit.scoring.choice_answer import read_choice
from pytest_evalkit.scoring.filters import register_filter
from pytest_evalkit.scoring.final_answer import (
    last_boxed,
    last_tagged,
    read_final_answer,
)
from pytest_evalkit.scoring.intervals import Spread, spread_of
from pytest_evalkit.scoring.judging import JudgeQuestion
from pytest_evalkit.scoring.metrics import anls
from pytest_evalkit.scoring.number_answer import as_number, number_match, read_number
from pytest_evalkit.scoring.paired import PairedDifference, paired_difference
from pytest_evalkit.scoring.parsed import NOT_FOUND, Parsed
from pytest_evalkit.scoring.plan import (
    CONVERSATION,
    AnswerKey,
    MetricSpec,
    Scored,
    ScoringPlan,
    TurnAnswer,
    TurnKey,
)
from pytest_evalkit.scoring.reasoned import (
    ANSWER_FORM,
    format_score,
    reasoned_answer,
    reasoned_plan,
)
from pytest_evalkit.scoring.reasoning import (
    DEFAULT_REASONING_TAGS,
    THINKING_TAGS,
    ReasoningTags,
    Stripped,
    parse_reasoning_tags,
    strip_reasoning,
)
from pytest_evalkit.scoring.relaxed import relaxed_accuracy
from pytest_evalkit.scoring.score import ScoreFlow, score_document, score_flow
from pytest_evalkit.scoring.spans import span_f1, span_match, span_words
from pytest_evalkit.scoring.spread import BOOTSTRAP_ITERATIONS, standard_error_of
from pytest_evalkit.scoring.vqa import vqa_accuracy, vqa_normalised
from pytest_evalkit.scoring.whole_groups import all_right, group_match
from pytest_evalkit.scoring.word_errors import basic_words, error_rate, word_errors
from pytest_evalkit.scoring.yes_no_answer import read_yes_no
from pytest_evalkit.scoring.yes_no_figures import (
    yes_f1,
    yes_precision,
    yes_ratio,
    yes_recall,
)

__all__ = [
    "ANSWER_FORM",
    "BOOTSTRAP_ITERATIONS",
    "CONVERSATION",
    "DEFAULT_REASONING_TAGS",
    "NOT_FOUND",
    "THINKING_TAGS",
    "AnswerKey",
    "JudgeQuestion",
    "MetricSpec",
    "PairedDifference",
    "Parsed",
    "ReasoningTags",
    "ScoreFlow",
    "Scored",
    "ScoringPlan",
    "Spread",
    "Stripped",
    "TurnAnswer",
    "TurnKey",
    "all_right",
    "anls",
    "as_number",
    "basic_words",
    "build_plan",
    "error_rate",
    "format_score",
    "group_match",
    "last_boxed",
    "last_tagged",
    "number_match",
    "paired_difference",
    "parse_reasoning_tags",
    "read_choice",
    "read_final_answer",
    "read_number",
    "read_yes_no",
    "reasoned_answer",
    "reasoned_plan",
    "register_filter",
    "relaxed_accuracy",
    "score_document",
    "score_flow",
    "span_f1",
    "span_match",
    "span_words",
    "spread_of",
    "standard_error_of",
    "strip_reasoning",
    "unscored_plan",
    "vqa_accuracy",
    "vqa_normalised",
    "word_errors",
    "yes_f1",
    "yes_precision",
    "yes_ratio",
    "yes_recall",
]
