from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.openai_chat import OpenAIChat
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.models.registry import make_backend


def pacing_of(**arguments: Any) -> Pacing:
    backend = make_backend("openai", {"model": "m", **arguments})
    assert isinstance(backend, OpenAIChat)
    return backend.pacing


def test_it_is_part_of_a_models_arguments_under_the_usual_names() -> None:
    pacing = pacing_of(
        num_concurrent="64",
        timeout=30,
        max_retries=3,
        retry_backoff_s=2,
        retry_total_s=0,
        adaptive_concurrency="true",
        adaptive_target_latency_s=2.5,
        prefix_aware_queue=False,
    )

    assert pacing == Pacing(
        num_concurrent=64,
        timeout=30.0,
        max_retries=3,
        retry_backoff_s=2.0,
        retry_total_s=0.0,
        adaptive_concurrency=True,
        adaptive_target_latency_s=2.5,
        prefix_aware_queue=False,
    )


def test_the_target_may_be_left_to_be_learned() -> None:
    pacing = pacing_of(adaptive_target_latency_s="auto")

    assert pacing.adaptive_target_latency_s == "auto"


def test_the_name_of_lmms_eval_is_known_too() -> None:
    assert pacing_of(num_cpus=4).num_concurrent == 4


def test_what_nobody_says_is_left_to_the_run() -> None:
    assert pacing_of() == Pacing()


def test_a_misspelt_argument_is_told_with_the_nearest() -> None:
    with pytest.raises(OptionError, match="did you mean 'num_concurrent'"):
        pacing_of(num_concurent=4)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_concurrent", 0, "num_concurrent must be at least 1, got 0"),
        ("max_retries", 0, "max_retries must be at least 1, got 0"),
        ("timeout", 0, "timeout must be seconds above 0, got 0"),
        ("retry_backoff_s", -1, "retry_backoff_s must be seconds above 0, got -1"),
        ("retry_total_s", -1, "retry_total_s must be seconds, 0 or more, got -1"),
        ("adaptive_target_latency_s", "soon", "adaptive_target_latency_s"),
        ("adaptive_target_latency_s", 0, "must be seconds above 0, got 0"),
        ("adaptive_min_concurrency", 0, "adaptive_min_concurrency must be at least 1"),
        ("adaptive_max_concurrency", 0, "adaptive_max_concurrency must be at least 1"),
        ("adaptive_min_concurrency", 200, "must not be above .*, got 200 and 128"),
        ("adaptive_increase_step", 0, "adaptive_increase_step must be above 0, got 0"),
        ("adaptive_decrease_factor", 1, "must be from 0.1 to 0.95, got 1"),
        ("adaptive_failure_threshold", 1.5, "must be from 0 to 1, got 1.5"),
        ("adaptive_calm_failures", -0.1, "adaptive_calm_failures must be from 0 to 1"),
        ("adaptive_least_refusals", 2, "adaptive_least_refusals must be from 0 to 1"),
        ("adaptive_least_window", 0, "adaptive_least_window must be at least 1, got 0"),
        ("adaptive_late_factor", 0.9, "adaptive_late_factor must be at least 1"),
        ("adaptive_early_factor", 0, "adaptive_early_factor must be above 0, got 0"),
        ("adaptive_early_factor", 1.2, "adaptive_late_factor, got 1.2 and 1.1"),
        ("adaptive_hold_s", -1, "adaptive_hold_s must be seconds, 0 or more, got -1"),
        ("adaptive_auto_factor", 1, "adaptive_auto_factor must be above 1, got 1"),
        ("adaptive_auto_weight", 0, "must be above 0 and at most 1, got 0"),
        ("adaptive_auto_relief", 1.1, "adaptive_auto_relief must be from 0 to 1"),
        ("adaptive_hold_s", float("nan"), "adaptive_hold_s must be"),
    ],
)
def test_what_makes_no_sense_is_told(name: str, value: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        pacing_of(**{name: value})
