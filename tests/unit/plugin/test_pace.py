from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.engine import (
    AdaptivePolicy,
    ResponseCache,
    RetryPolicy,
    SharedPause,
)
from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.backend import Identity
from pytest_evalkit.models.mock import MockBackend
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.models.registry import make_backend
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.plugin.pace import Pace, forget_pauses, pacing_of
from pytest_evalkit.plugin.place import Share


def options(**given: Any) -> RunOptions:
    names = (field.name for field in dataclasses.fields(RunOptions))
    return RunOptions(**{**dict.fromkeys(names), "seed": 1, **given})


class Paced(MockBackend):
    def __init__(self, **pacing: Any) -> None:
        super().__init__(lambda _: "4")
        self.pacing = Pacing(**pacing)


def pace(share: Share | None = None, **given: Any) -> Pace:
    return Pace(options(**given), share, lambda _: None)


@pytest.mark.parametrize(
    ("said", "wanted", "expected"),
    [(None, None, 32), (None, 5, 5), (7, None, 7), (7, 5, 7)],
)
def test_the_command_line_wins_over_the_model_and_the_model_over_the_default(
    said: int | None, wanted: int | None, expected: int
) -> None:
    engine = pace(max_concurrency=said).engine(Paced(num_concurrent=wanted))

    assert engine.max_concurrency == expected


def test_retrying_is_as_the_model_wants_unless_the_command_line_says() -> None:
    wanted = Paced(timeout=9.0, max_retries=7, retry_backoff_s=2.0, retry_total_s=0.0)

    quiet = pace().engine(wanted).policy
    said = pace(request_timeout=1.0, max_attempts=2, retry_total=3.0).engine(wanted)

    assert quiet == RetryPolicy(timeout_s=9.0, attempts=7, base_s=2.0, total_s=0.0)
    assert said.policy == RetryPolicy(
        timeout_s=1.0, attempts=2, base_s=2.0, total_s=3.0
    )
    assert pace().engine(MockBackend(lambda _: "4")).policy == RetryPolicy()


@pytest.mark.parametrize(("number", "expected"), [(0, 4), (1, 3), (2, 3)])
def test_workers_share_the_requests_in_flight(number: int, expected: int) -> None:
    engine = pace(Share(number, 3)).engine(Paced(num_concurrent=10))

    assert engine.max_concurrency == expected


def test_every_worker_may_ask_at_least_one_at_a_time() -> None:
    engine = pace(Share(3, 4), max_concurrency=2).engine(Paced())

    assert engine.max_concurrency == 1


def adaptive(pace: Pace, **pacing: Any) -> AdaptivePolicy | None:
    engine = pace.engine(Paced(adaptive_concurrency=True, **pacing))
    return engine._control.adaptive


def test_the_constants_of_the_rule_are_the_models() -> None:
    policy = adaptive(
        pace(),
        adaptive_min_concurrency=2,
        adaptive_max_concurrency=99,
        adaptive_target_latency_s=3.0,
        adaptive_increase_step=0.2,
        adaptive_decrease_factor=0.5,
        adaptive_failure_threshold=0.1,
        adaptive_calm_failures=0.2,
        adaptive_least_refusals=0.3,
        adaptive_least_window=6,
        adaptive_late_factor=1.5,
        adaptive_early_factor=0.6,
        adaptive_hold_s=7.0,
        adaptive_auto_factor=4.0,
        adaptive_auto_weight=0.4,
        adaptive_auto_relief=0.7,
    )

    assert policy == AdaptivePolicy(
        minimum=2,
        maximum=99,
        target_latency_s=3.0,
        increase_step=0.2,
        decrease_factor=0.5,
        failure_threshold=0.1,
        calm_failures=0.2,
        least_refusals=0.3,
        least_window=6,
        late_factor=1.5,
        early_factor=0.6,
        hold_s=7.0,
        auto_factor=4.0,
        auto_weight=0.4,
        auto_relief=0.7,
    )


def test_every_constant_of_the_rule_can_be_said_and_has_the_same_default() -> None:
    policy = AdaptivePolicy()
    said = {
        "minimum": "min_concurrency",
        "maximum": "max_concurrency",
    }

    for field in dataclasses.fields(AdaptivePolicy):
        name = "adaptive_" + said.get(field.name, field.name)
        assert getattr(Pacing(), name) == getattr(policy, field.name)


def test_auto_leaves_the_target_to_be_learned() -> None:
    policy = adaptive(pace(), adaptive_target_latency_s="auto")

    assert policy is not None
    assert policy.target_latency_s is None


def test_the_cap_of_the_command_line_bounds_what_adapts() -> None:
    whole = adaptive(pace(max_concurrency=40))
    part = adaptive(pace(Share(1, 2), max_concurrency=41))

    assert whole is not None
    assert part is not None
    assert (whole.maximum, part.maximum) == (40, 20)


def test_what_may_be_spent_is_one_for_all_models_and_only_where_there_is_a_bound() -> (
    None
):
    bounded = pace(Share(0, 2), max_total_tokens=101)

    first, second = bounded.engine(Paced()), bounded.engine(Paced())

    assert first._control.budget is second._control.budget is bounded.budget
    assert bounded.budget is not None
    assert pace().budget is None


def test_workers_that_ask_the_same_place_pause_together(tmp_path: Path) -> None:
    def shared(url: str) -> SharedPause | None:
        backend = make_backend("openai", {"model": "m", "base_url": url})
        engine = Pace(options(), Share(0, 2), lambda _: None, tmp_path).engine(backend)
        return engine._control.shared_pause

    mine, yours = shared("http://h/v1"), shared("http://h/v1/chat/completions")
    others = shared("http://elsewhere/v1")
    assert mine is not None
    assert yours is not None
    assert others is not None
    mine.announce(60.0)

    assert yours.left_s() > 59.0
    assert others.left_s() == 0.0
    forget_pauses(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_process_alone_tells_nobody_to_wait() -> None:
    assert pace().engine(Paced())._control.shared_pause is None


def test_order_is_left_alone_where_that_is_wanted() -> None:
    kept = pace().engine(Paced(prefix_aware_queue=False))
    sorted_by = pace().engine(Paced(prefix_hash_chars=64))

    assert kept._control.prefix_chars is None
    assert sorted_by._control.prefix_chars == 64


def test_a_pacing_of_another_kind_is_none() -> None:
    backend = MockBackend(lambda _: "4")
    backend.pacing = "fast"  # type: ignore[attr-defined]

    assert pacing_of(backend) == Pacing()


class Known(MockBackend):
    async def identity(self) -> Identity:
        return Identity(facts={"model": "known"}, temperature=0.0)


def test_a_judge_need_not_be_one_whose_answers_can_be_kept(tmp_path: Path) -> None:
    with closing(ResponseCache(tmp_path)) as cache:
        shared = Pace(options(), None, lambda _: None, cache=cache)
        known = shared.engine(Known(lambda _: "4"), is_judge=True)
        stranger = shared.engine(MockBackend(lambda _: "4"), is_judge=True)
        with pytest.raises(OptionError, match="'mock' does not tell"):
            shared.engine(MockBackend(lambda _: "4"))

        rescoring = Pace(options(rescore="last"), None, lambda _: None, cache=cache)
        recorded = rescoring.engine(MockBackend(lambda _: "4"))

    assert known._control.cache is cache
    assert recorded._control.cache is None
    assert stranger._control.cache is None
