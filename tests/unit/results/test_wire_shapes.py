from __future__ import annotations

from typing import Any, NotRequired, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from msgspec import UnsetType

from pytest_evalkit.codec import CodecError, is_of
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.evaluate.token_counts import TokenCounts
from pytest_evalkit.results.wire_shapes import (
    _PlainCounts,
    _PlainSample,
    _PlainTiming,
    _require_forms,
    require_sample,
)
from tests.unit.fuzzing import altered, fuzz
from tests.unit.results.run_journals import sample

TIMING = {
    "started_s": 0.1,
    "latency_s": 0.5,
    "request_status": ["successful", "errored"],
    "planned_at_s": [None, None],
    "sent_at_s": [0.1, 0.2],
    "ttft_s": [0.1, None],
    "ttfo_s": [0.2, None],
    "inter_token_s": [None, None],
    "bad_frames": [0, 0],
    "output_tokens": [3, None],
    "token_source": ["text", None],
}
COUNTS = {
    "input_tokens": 3,
    "output_tokens": 1,
    "reasoning_tokens": None,
    "cached_tokens": None,
}
SAMPLE: dict[str, Any] = {
    **sample(0, 1.0),
    "input": [{"role": "user", "content": "?"}],
    "timing": TIMING,
    "token_counts": COUNTS,
    "request_latency_s": [0.4, None],
    "recalled": {"requests": 1, "latency_s": None, "token_counts": COUNTS},
    "repeat_scores": {"acc": [1.0]},
    "repeat_answers": [0, None],
    "metric_sources": {"acc": "own"},
    "notes": ["odd"],
    "cluster": "a",
}


def test_a_usual_sample_is_plain() -> None:
    assert is_of(SAMPLE, _PlainSample)


@fuzz(300)
@given(altered(SAMPLE))
def test_what_is_plain_is_refused_by_no_closer_look(value: Any) -> None:
    if isinstance(value, dict) and is_of(value, _PlainSample):
        _require_forms(value)


@pytest.mark.parametrize("value", [True, 0, [True, None]])
def test_a_time_that_is_not_plain_is_looked_at_closer(value: Any) -> None:
    require_sample({**SAMPLE, "request_latency_s": value})


@pytest.mark.parametrize("seconds", [float("inf"), -float("inf"), float("nan")])
def test_a_time_without_end_is_none(seconds: float) -> None:
    with pytest.raises(CodecError, match="ttfo_s of a sample"):
        require_sample({**SAMPLE, "timing": {**TIMING, "ttfo_s": seconds}})


def test_what_is_plain_has_the_keys_of_samples_that_are_of_one_form() -> None:
    told = get_type_hints(SampleDict, include_extras=True)
    plain = get_type_hints(_PlainSample, include_extras=True)
    own = {"turns", "request_latency_s", "timing", "token_counts"}
    for name, kind in told.items():
        is_there = get_origin(kind) is not NotRequired
        form = kind if is_there else get_args(kind)[0]
        if name not in own and (is_there or form is not Any):
            assert plain[name] == (form if is_there else form | UnsetType)

    assert plain.keys() <= told.keys()
    assert set(_PlainCounts.__struct_fields__) == TokenCounts.__annotations__.keys()
    assert {"started_s", "request_status"} <= set(_PlainTiming.__struct_fields__)
