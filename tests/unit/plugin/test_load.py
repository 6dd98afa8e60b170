from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.engine.load_pattern import PATTERNS
from pytest_evalkit.errors import OptionError
from pytest_evalkit.plugin.load import check_load, issuing_of, pattern_of, wants_stream
from pytest_evalkit.plugin.load_options import LOAD_OPTIONS
from pytest_evalkit.plugin.place import Share
from pytest_evalkit.plugin.run_options import RunOptions


def options(**given: Any) -> RunOptions:
    unsaid: Any = dict.fromkeys(RunOptions.__slots__)
    return RunOptions(**{**unsaid, **given})


def test_the_options_name_the_patterns_that_there_are() -> None:
    (named,) = (one for one in LOAD_OPTIONS if one.names[0] == "--load-pattern")

    assert named.parse is not None
    assert [named.parse(name) for name in PATTERNS] == list(PATTERNS)
    assert all(name in named.rule for name in PATTERNS)


def test_a_concurrency_alone_is_a_pattern() -> None:
    pattern = pattern_of(options(concurrency=8))

    assert pattern is not None
    assert (pattern.name, pattern.places) == ("concurrency", 8)
    assert pattern_of(options(max_concurrency=8)) is None


def test_every_option_of_load_is_known_to_say_load() -> None:
    for option in LOAD_OPTIONS:
        name = option.dest.removeprefix("evalkit_")
        says = options(**{name: "x"}).says_load
        # Warming up needs no pattern, and nothing to go with it.
        assert says is (name != "warmup_requests")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"burstiness": 2.0}, "--burstiness needs --load-pattern"),
        ({"load_pattern": "constant", "target_qps": 5, "load_seed": 1}, "--load-seed"),
        ({"load_pattern": "concurrency"}, "needs concurrency"),
        ({"drain_timeout": 0.0}, "--drain-timeout has no effect"),
        ({"goodput": "ttft"}, "milliseconds"),
    ],
)
def test_what_does_not_go_together_is_told(given: Any, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        check_load(options(**given))


def test_a_seed_goes_with_gaps_that_are_drawn() -> None:
    drawn = {"load_pattern": "constant", "target_qps": 5.0, "burstiness": 2.0}

    check_load(options(**drawn, load_seed=1))


def test_workers_share_one_schedule() -> None:
    given = options(load_pattern="poisson", target_qps=10.0, load_seed=3)
    whole = times_of(given, None, 6)

    assert times_of(given, Share(0, 2), 3) == whole[::2]
    assert times_of(given, Share(1, 2), 3) == whole[1::2]
    assert times_of(options(load_pattern="poisson", target_qps=10.0), None, 6) != whole


def times_of(given: RunOptions, share: Share | None, count: int) -> list[Any]:
    issuing = issuing_of(given, share, lambda _: None)
    assert issuing is not None
    return [next(issuing._times) for _ in range(count)]


def test_nothing_is_held_back_where_nothing_was_asked_for() -> None:
    assert issuing_of(options(goodput="ttft:5"), None, lambda _: None) is None
    assert issuing_of(options(duration=5.0), None, lambda _: None) is not None


def test_a_load_and_goals_want_first_tokens() -> None:
    assert wants_stream(options(concurrency=1))
    assert wants_stream(options(goodput="ttft:5"))
    assert not wants_stream(options(duration=5.0))
