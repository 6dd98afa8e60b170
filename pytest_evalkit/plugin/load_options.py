"""The options about load: how requests follow each other, until when, and what is good."""

from __future__ import annotations

from pytest_evalkit.plugin.option import (
    Option,
    at_least,
    not_negative,
    one_of,
    positive,
)

_PATTERNS = (
    *("synchronous", "concurrency", "max_throughput", "poisson", "constant"),
    "conversation",
)


def share(text: str) -> float:
    """Read a share, from 0 to 1.

    Raises:
        ValueError: It is something else.
    """
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError
    return value


LOAD_OPTIONS = (
    Option(
        names=("--load-pattern", "--load_pattern"),
        metavar="NAME",
        parse=one_of(*_PATTERNS),
        rule=", ".join(_PATTERNS[:-1]) + f" or {_PATTERNS[-1]}",
        help="how requests follow each other: synchronous, one after the other; "
        "concurrency, so many in flight; max_throughput, all at once; poisson and "
        "constant, by the clock; conversation, so many conversations active",
    ),
    Option(
        names=("--concurrency", "--target-concurrency", "--target_concurrency"),
        metavar="N",
        parse=at_least(1),
        rule="a count, 1 or more",
        help="requests in flight, or conversations active, over all workers together; "
        "alone it means --load-pattern concurrency",
    ),
    Option(
        names=("--target-qps", "--target_qps"),
        metavar="X",
        parse=positive,
        rule="requests per second, above 0",
        help="requests sent per second, for poisson and constant",
    ),
    Option(
        names=("--burstiness",),
        metavar="X",
        parse=positive,
        rule="a number above 0",
        help="shape of the gaps between requests, for poisson and constant: 1 as poisson, "
        "less for bursts, more for evenness",
    ),
    Option(
        names=("--load-seed", "--load_seed"),
        metavar="N",
        parse=at_least(0),
        rule="a whole number, 0 or more",
        help="seed of a schedule that is drawn (default 42)",
    ),
    Option(
        names=("--duration",),
        metavar="SECONDS",
        parse=positive,
        rule="seconds, above 0",
        help="send requests for so long; documents that were not begun are then skipped",
    ),
    Option(
        names=("--drain-timeout", "--drain_timeout"),
        metavar="SECONDS",
        parse=not_negative,
        rule="seconds, 0 or more",
        help="how long requests in flight may take when no more are sent, before they "
        "are cut (default 240)",
    ),
    Option(
        names=("--max-error-rate", "--max_error_rate"),
        metavar="SHARE",
        parse=share,
        rule="a share from 0 to 1",
        help="send no more requests when a larger share of them failed, once 20 have "
        "ended; of each worker's own",
    ),
    Option(
        names=("--warmup-requests", "--warmup_requests"),
        metavar="N",
        parse=at_least(0),
        rule="a count, 0 or more",
        default=0,
        help="requests sent before, with prompts of their own, that are not measured",
    ),
    Option(
        names=("--goodput",),
        metavar="GOALS",
        help="what a good request meets, in milliseconds: 'ttft:500 tpot:50 e2el:10000'; "
        "ttfo and itl too",
    ),
)
