"""How a run asks a model: what the backend wants, unless the command line says."""

from __future__ import annotations

import hashlib
import os
import time
from functools import cached_property
from pathlib import Path
from random import Random

from pytest_evalkit.engine import (
    AdaptivePolicy,
    Allowance,
    Budget,
    Control,
    Engine,
    LoadPattern,
    OutageRule,
    Price,
    ResponseCache,
    RetryPolicy,
    SharedAbsence,
    SharedOrigin,
    SharedPause,
)
from pytest_evalkit.engine.events import Listener
from pytest_evalkit.engine.prices import read_prices
from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.backend import Backend, IdentifiedBackend, rates_texts
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.naming import suggestion
from pytest_evalkit.plugin.load import UNBOUNDED, issuing_of, pattern_of
from pytest_evalkit.plugin.options import RunOptions
from pytest_evalkit.plugin.place import Share

_CONCURRENCY = 32
_PAUSE = "pause-"
_NAME_DIGITS = 12


class Pace:
    """Makes the engines of one process, which share what may be spent.

    Args:
        options: What the user asked for.
        share: The worker's part of all limits; None where it has all.
        listener: Hears of what engines decide.
        pauses: The folder in which workers tell each other to wait; None where there
            are no others.
        cache: Where engines look for answers first; None for nowhere.
        origin: Tells from when all workers count the load; None for from the first
            request.
    """

    def __init__(
        self,
        options: RunOptions,
        share: Share | None,
        listener: Listener,
        pauses: Path | None = None,
        cache: ResponseCache | None = None,
        origin: SharedOrigin | None = None,
    ) -> None:
        self._options = options
        self._share = share
        self._listener = listener
        self._pauses = pauses
        self._cache = cache
        allowance = allowance_of(options)
        if share is not None:
            allowance = allowance.share(share.number, share.of)
        self.budget = Budget(allowance) if allowance.is_limited else None
        self.issuing = issuing_of(options, share, listener, origin)

    @cached_property
    def pattern(self) -> LoadPattern | None:
        """The load pattern that was asked for; None where none was."""
        return pattern_of(self._options)

    def engine(
        self, backend: Backend, *, may_return: bool = True, is_judge: bool = False
    ) -> Engine:
        """Make an engine for a backend.

        Args:
            backend: Whatever answers.
            may_return: Whether one that is gone may come back: what the run started
                itself, nobody else starts again.
            is_judge: Whether it judges answers: a load pattern is not about it, and
                where there is a cache it is asked each time if its answers cannot be
                kept.

        Raises:
            OptionError: The price table does not have its model, there is a cache and
                the backend does not tell what its answers depend on, or the number of
                requests in flight is to move and to follow a load pattern.
        """
        options, pacing = self._options, pacing_of(backend)
        is_adaptive = pacing.adaptive_concurrency
        pattern = None if is_judge else self.pattern
        if is_adaptive and pattern is not None:
            raise OptionError(
                "adaptive_concurrency moves the number of requests in flight, which a "
                "load pattern sets; leave one of them out"
            )
        policy = _policy(options, pacing)
        # Where recorded answers are scored again, the cache is the judge's.
        must_recall = not is_judge and options.rescore is None
        can_recall = isinstance(backend, IdentifiedBackend)
        return Engine(
            backend,
            policy=policy,
            max_concurrency=self._part(_limit_of(backend, options, pacing, pattern)),
            control=Control(
                adaptive=self._adaptive(pacing) if is_adaptive else None,
                prefix_chars=(
                    pacing.prefix_hash_chars if pacing.prefix_aware_queue else None
                ),
                budget=self.budget,
                price=self._price(backend),
                shared_pause=self._shared_pause(backend, policy),
                outage=self._outage(backend) if may_return else None,
                listener=self._listener,
                issuing=None if is_judge else self.issuing,
                cache=self._cache if must_recall or can_recall else None,
                clock=time.monotonic,
            ),
            rng=Random(f"{options.seed}/{os.getpid()}"),  # noqa: S311 - jitter
        )

    def _price(self, backend: Backend) -> Price | None:
        # What rates texts counts no tokens.
        if rates_texts(backend):
            return None
        return price_of(backend.model_name, self._options.price_table)

    def warm_up_engine(self, backend: Backend) -> Engine:
        """Make an engine whose requests are not measured, under the same limit.

        Args:
            backend: Whatever answers.

        Raises:
            OptionError: The price table does not have its model.
        """
        options, pacing = self._options, pacing_of(backend)
        pattern = self.pattern
        most = None if pattern is None else pattern.places
        return Engine(
            backend,
            policy=_policy(options, pacing),
            max_concurrency=self._part(most or _fixed_limit(options, pacing)),
            control=Control(
                budget=self.budget,
                price=self._price(backend),
                clock=time.monotonic,
            ),
            rng=Random(f"{options.seed}/{os.getpid()}"),  # noqa: S311 - jitter
        )

    def _shared_pause(
        self, backend: Backend, policy: RetryPolicy
    ) -> SharedPause | None:
        if self._pauses is None:
            return None
        path = self._pauses / f"{_PAUSE}{_name(backend)}"
        return SharedPause(path, longest_s=policy.total_s)

    def _outage(self, backend: Backend) -> OutageRule:
        shared = None
        if self._pauses is not None:
            shared = SharedAbsence(self._pauses / f"{_PAUSE}{_name(backend)}-gone")
        return OutageRule(longest_s=self._options.endpoint_outage, shared=shared)

    def _adaptive(self, pacing: Pacing) -> AdaptivePolicy:
        target = pacing.adaptive_target_latency_s
        return AdaptivePolicy(
            minimum=self._part(pacing.adaptive_min_concurrency),
            maximum=self._part(_adaptive_cap(self._options, pacing)),
            target_latency_s=None if target == "auto" else target,
            increase_step=pacing.adaptive_increase_step,
            decrease_factor=pacing.adaptive_decrease_factor,
            failure_threshold=pacing.adaptive_failure_threshold,
            calm_failures=pacing.adaptive_calm_failures,
            least_refusals=pacing.adaptive_least_refusals,
            least_window=pacing.adaptive_least_window,
            late_factor=pacing.adaptive_late_factor,
            early_factor=pacing.adaptive_early_factor,
            hold_s=pacing.adaptive_hold_s,
            auto_factor=pacing.adaptive_auto_factor,
            auto_weight=pacing.adaptive_auto_weight,
            auto_relief=pacing.adaptive_auto_relief,
        )

    def _part(self, count: int) -> int:
        """Take this process's part of a count for all workers together; at least one."""
        if self._share is None:
            return count
        number, of = self._share
        return max(1, count // of + (number < count % of))


def _name(backend: Backend) -> str:
    """Name an endpoint so that all who ask it find the same files."""
    place = getattr(backend, "endpoint", backend.model_name)
    return hashlib.sha256(str(place).encode()).hexdigest()[:_NAME_DIGITS]


def forget_pauses(pauses: Path) -> None:
    """Take away what workers told each other, when all of them have ended."""
    for told in pauses.glob(f"{_PAUSE}*"):
        told.unlink(missing_ok=True)


def pacing_of(backend: Backend) -> Pacing:
    """Get how a backend wants to be asked; one that does not say wants nothing."""
    pacing = getattr(backend, "pacing", None)
    return pacing if isinstance(pacing, Pacing) else Pacing()


def most_in_flight(options: RunOptions, backend: Backend | None) -> int:
    """Get how many requests all workers together may ever have in flight.

    Args:
        options: What the user asked for.
        backend: What answers, or None where that is not known yet.
    """
    pattern = pattern_of(options)
    if pattern is not None:
        return pattern.places or UNBOUNDED
    pacing = Pacing() if backend is None else pacing_of(backend)
    if pacing.adaptive_concurrency:
        return _adaptive_cap(options, pacing)
    return _fixed_limit(options, pacing)


def _limit_of(
    backend: Backend,
    options: RunOptions,
    pacing: Pacing,
    pattern: LoadPattern | None = None,
) -> int:
    """Choose a limit; what rates texts knows better than what is said for the model."""
    if pattern is not None:
        # An open pattern is bound by nothing but --max-concurrency: a limit of ours
        # would make a closed one of it.
        return pattern.places or UNBOUNDED
    own = pacing.num_concurrent if rates_texts(backend) else None
    return own or _fixed_limit(options, pacing)


def _fixed_limit(options: RunOptions, pacing: Pacing) -> int:
    return options.max_concurrency or pacing.num_concurrent or _CONCURRENCY


def _adaptive_cap(options: RunOptions, pacing: Pacing) -> int:
    most, cap = pacing.adaptive_max_concurrency, options.max_concurrency
    return most if cap is None else min(most, cap)


def allowance_of(options: RunOptions) -> Allowance:
    """Get what the whole run may spend."""
    return Allowance(
        max_total_tokens=options.max_total_tokens, max_cost_usd=options.max_cost
    )


def price_of(model: str, table: Path | None) -> Price | None:
    """Look up what the tokens of a model cost; None where there is no table.

    Raises:
        OptionError: The table cannot be read, or does not have the model.
    """
    if table is None:
        return None
    prices = read_prices(table)
    if model not in prices:
        raise OptionError(
            f"--price-table {table} has no model {model!r}; {suggestion(model, prices)}"
        )
    return prices[model]


def _policy(options: RunOptions, pacing: Pacing) -> RetryPolicy:
    """Put together when to ask again; what nobody says is the policy's own."""
    usual = RetryPolicy()
    total_s = usual.total_s if pacing.retry_total_s is None else pacing.retry_total_s
    return RetryPolicy(
        attempts=options.max_attempts or pacing.max_retries or usual.attempts,
        timeout_s=options.request_timeout or pacing.timeout or usual.timeout_s,
        base_s=pacing.retry_backoff_s or usual.base_s,
        total_s=total_s if options.retry_total is None else options.retry_total,
    )
