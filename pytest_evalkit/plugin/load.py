"""The load that a run puts on its endpoint, as its options say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import repeat
from random import Random

from pytest_evalkit.engine import (
    Issuing,
    IssuingRule,
    LoadPattern,
    SharedOrigin,
    arrivals,
    load_pattern,
    share_of_schedule,
)
from pytest_evalkit.engine.events import Listener
from pytest_evalkit.engine.issuing import DRAIN_S
from pytest_evalkit.engine.load_pattern import SEED
from pytest_evalkit.errors import OptionError
from pytest_evalkit.plugin.place import Share
from pytest_evalkit.plugin.run_options import RunOptions

# As many requests in flight as there are where nothing else is said.
UNBOUNDED = 1_000_000


def pattern_of(options: RunOptions) -> LoadPattern | None:
    """Get the load pattern that was asked for; None where none was.

    Raises:
        OptionError: It lacks something, or something is of no use to it.
    """
    name = options.load_pattern
    if name is None and options.concurrency is not None:
        name = "concurrency"
    if name is None:
        _refuse_of_clocks(options)
        return None
    return load_pattern(
        name,
        concurrency=options.concurrency,
        target_qps=options.target_qps,
        burstiness=options.burstiness,
        max_concurrency=options.max_concurrency,
    )


def _refuse_of_clocks(options: RunOptions) -> None:
    for option, value in (
        ("--target-qps", options.target_qps),
        ("--burstiness", options.burstiness),
    ):
        if value is not None:
            raise OptionError(
                f"{option} needs --load-pattern poisson or --load-pattern constant"
            )


def check_load(options: RunOptions) -> None:
    """Look at what is said of the load before anything is collected.

    Raises:
        OptionError: Settings do not go together.
    """
    pattern = pattern_of(options)
    is_drawn = pattern is not None and pattern.is_drawn
    if options.load_seed is not None and not is_drawn:
        raise OptionError(
            "--load-seed is for schedules that are drawn: --load-pattern poisson, or "
            "constant with --burstiness; leave it out"
        )
    if options.drain_timeout is not None and not _may_end(options):
        raise OptionError(
            "--drain-timeout has no effect where all requests are sent; give --duration "
            "or --max-error-rate too"
        )
    if options.goodput is not None:
        from pytest_evalkit.stats.goals import parse_goals

        parse_goals(options.goodput)


def _may_end(options: RunOptions) -> bool:
    return options.duration is not None or options.max_error_rate is not None


def wants_stream(options: RunOptions) -> bool:
    """Tell whether answers are to be streamed where that is possible."""
    return pattern_of(options) is not None or options.goodput is not None


def issuing_of(
    options: RunOptions,
    share: Share | None,
    listener: Listener,
    origin: SharedOrigin | None = None,
) -> Issuing | None:
    """Make what lets requests go; None where they may go at any time.

    Args:
        options: What the user asked for.
        share: The worker's part of the schedule; None where it has all.
        listener: Hears when the load ends.
        origin: Tells from when all workers count; None where there is one process.
    """
    pattern = pattern_of(options)
    if pattern is None and not _may_end(options):
        return None
    drain_s, most = options.drain_timeout, options.max_error_rate
    rule = IssuingRule(
        duration_s=options.duration,
        drain_s=DRAIN_S if drain_s is None else drain_s,
        max_error_rate=1.0 if most is None else most,
    )
    times = _schedule(options, pattern, share)
    return Issuing(times, rule, time.monotonic, listener, origin)


def _schedule(
    options: RunOptions, pattern: LoadPattern | None, share: Share | None
) -> Iterator[float | None]:
    if pattern is None:
        return repeat(None)
    seed = SEED if options.load_seed is None else options.load_seed
    # Every worker draws the same, and takes its part.
    times = arrivals(pattern, Random(seed))  # noqa: S311 - gaps, not cryptography
    return times if share is None else share_of_schedule(times, *share)


def import_client() -> None:
    """Import what sends requests: a tenth of a second that is no request's."""
    if find_spec("aiohttp") is not None:
        import_module("aiohttp")
