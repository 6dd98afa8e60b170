"""How many requests an endpoint bears: a limit that grows and shrinks by its answers.

The rule is that of lmms-eval: after each window of completed requests the limit is cut
by a factor when too many were refused, failed or slow, and grows by a share when all is
well. What is added does not change by what a window is judged:

- A window is judged as soon as its refusals alone decide it: a burst of refusals would
  otherwise be sent again and again before the window is full.
- A request sent before a cut says nothing about the limit after it, and its end is not
  counted: one burst is one cut.
- A refused request tells what the endpoint bears: those that were in flight when it was
  sent. A cut goes on until the limit is no longer above that; refusals too few for a cut
  take the limit back to it, at once where only the last growth was too much; and for a
  while it does not grow beyond. Each look beyond may cost a pause of all requests.
- The target latency may be learned (``LearnedTarget``).

Nothing here reads a clock or waits; time is an argument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

_RANK = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptivePolicy:
    """The constants of the rule.

    Attributes:
        minimum: The limit never falls below it.
        maximum: The limit never grows above it.
        target_latency_s: Seconds that the slowest twentieth of the requests should
            take at most, or None to learn it.
        increase_step: Share of the limit by which it grows; by one at least.
        decrease_factor: What a cut leaves of the limit.
        failure_threshold: Share of requests that may fail or be refused.
        calm_failures: Share of the threshold that may fail while the limit grows.
        least_refusals: Share of requests that may be refused, however low the threshold
            is: a single refusal in a large window is no cut.
        least_window: Requests that a window has at least.
        late_factor: Times the target: what takes longer is cut.
        early_factor: Times the target: what takes less may grow.
        hold_s: How long the limit does not grow beyond what was refused.
        auto_factor: Times the best latency: the target where it is learned.
        auto_weight: What a window counts in the smoothed latency.
        auto_relief: Share of what a cut would explain by which latency must fall, lest
            it be taken for the new best.
    """

    minimum: int = 1
    maximum: int = 128
    target_latency_s: float | None = 15.0
    increase_step: float = 0.1
    decrease_factor: float = 0.7
    failure_threshold: float = 0.05
    calm_failures: float = 0.5
    least_refusals: float = 0.02
    least_window: int = 4
    late_factor: float = 1.1
    early_factor: float = 0.85
    hold_s: float = 30.0
    auto_factor: float = 3.0
    auto_weight: float = 0.2
    auto_relief: float = 0.5

    def sanitised(self) -> Self:
        """Move each constant into the range in which the rule makes sense."""
        minimum = max(1, self.minimum)
        target = self.target_latency_s
        return replace(
            self,
            minimum=minimum,
            maximum=max(minimum, self.maximum),
            target_latency_s=None if target is None else max(0.1, target),
            increase_step=max(0.01, self.increase_step),
            decrease_factor=min(0.95, max(0.1, self.decrease_factor)),
            failure_threshold=min(1.0, max(0.0, self.failure_threshold)),
            least_window=max(1, self.least_window),
        )


class Decision(NamedTuple):
    """A limit that was set anew, and why."""

    limit: int
    reason: str


class Judged(NamedTuple):
    """A window's latency and what it should be, in seconds."""

    latency_s: float
    target_s: float


class LatencyTarget(Protocol):
    """Knows how long requests should take."""

    def judge(self, p95_s: float, limit: int) -> Judged:
        """Set a window's latency beside the target.

        Args:
            p95_s: The latency that a twentieth of the window's requests exceeds; zero
                where none succeeded.
            limit: The limit under which it was measured.
        """
        ...


class FixedTarget:
    """A target that the user chose.

    Args:
        seconds: The target.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def judge(self, p95_s: float, limit: int) -> Judged:  # noqa: ARG002 - always the same
        """Set the latency beside the target."""
        return Judged(p95_s, self._seconds)


class LearnedTarget:
    """A target learned from the endpoint: a multiple of the latency it has at its best.

    Latency is smoothed over several windows, since answers of one task differ in length
    by more than that; its best is the least it has been. Answers may become longer in
    the middle of a run, which looks like an overload but is none: then fewer requests in
    flight do not make the next ones faster. So when the limit has been cut, or could not
    be, and the latency has not fallen by a share of what the cut would explain, the new
    latency takes the place of the best. Long answers thus cost a cut or two, and never
    drive the limit down for good.

    Args:
        policy: The constants.
    """

    def __init__(self, policy: AdaptivePolicy) -> None:
        self._policy = policy
        self._best_s = math.inf
        self._smooth_s: float | None = None
        self._late: tuple[float, int] | None = None

    def judge(self, p95_s: float, limit: int) -> Judged:
        """Learn from a window, and set its latency beside the target."""
        if p95_s <= 0:
            return Judged(0.0, math.inf)
        # What came before a cut says nothing about what it has brought.
        if self._smooth_s is None or self._late is not None:
            self._smooth_s = p95_s
        self._smooth_s += self._policy.auto_weight * (p95_s - self._smooth_s)
        smooth_s = self._smooth_s
        if self._is_no_load(smooth_s, limit):
            self._best_s = smooth_s
        self._best_s = min(self._best_s, smooth_s)
        target_s = self._best_s * self._policy.auto_factor
        is_late = smooth_s > self._policy.late_factor * target_s
        self._late = (smooth_s, limit) if is_late else None
        return Judged(smooth_s, target_s)

    def _is_no_load(self, latency_s: float, limit: int) -> bool:
        if self._late is None:
            return False
        late_s, late_limit = self._late
        explained = 1 - self._policy.auto_relief * (1 - limit / late_limit)
        return limit >= late_limit or latency_s > late_s * explained


class AdaptiveLimit:
    """The limit of one engine, moved by what becomes of its requests.

    Args:
        policy: The constants.
        initial: The limit to begin with, at least one; cut to the policy's maximum.
    """

    def __init__(self, policy: AdaptivePolicy, initial: int) -> None:
        self._policy = policy = policy.sanitised()
        self.limit = min(max(1, initial), policy.maximum)
        self.epoch = 0
        target_s = policy.target_latency_s
        self._target: LatencyTarget = (
            LearnedTarget(policy) if target_s is None else FixedTarget(target_s)
        )
        self._ceiling: int | None = None
        self._ceiling_ends = 0.0
        self._clear()

    def _clear(self) -> None:
        self._latencies: list[float] = []
        self._failed = 0
        # For each refusal, the requests that were in flight when it was sent.
        self._borne: list[int] = []

    def completed(
        self, epoch: int, latency_s: float | None, now: float
    ) -> Decision | None:
        """Take in a request that has ended.

        Args:
            epoch: ``epoch`` when its last attempt was sent.
            latency_s: Seconds its successful attempt took; None where it failed.
            now: Seconds of a monotonic clock.

        Returns:
            The limit, where this changes it.
        """
        if epoch != self.epoch:
            return None
        if latency_s is None:
            self._failed += 1
        else:
            self._latencies.append(latency_s)
        if self._total < self._window:
            return None
        return self._judge(self._total, now)

    def refused(self, epoch: int, others: int, now: float) -> Decision | None:
        """Take in a refusal: the endpoint has said that it is asked too often.

        Args:
            epoch: ``epoch`` when the refused attempt was sent.
            others: Requests in flight besides it, when it was sent.
            now: As above.

        Returns:
            The limit, where this changes it.
        """
        if epoch != self.epoch:
            return None
        self._borne.append(others)
        if len(self._borne) / self._window >= self._most_refused:
            return self._judge(self._window, now)
        is_last_step = others * (1 + self._policy.increase_step) >= self.limit
        return self._step_back(others, now) if is_last_step else None

    @property
    def _total(self) -> int:
        return len(self._latencies) + self._failed

    @property
    def _window(self) -> int:
        return max(self._policy.least_window, self.limit)

    @property
    def _most_refused(self) -> float:
        return max(self._policy.least_refusals, self._policy.failure_threshold)

    def _judge(self, total: int, now: float) -> Decision | None:
        """Decide by the window, and begin a new one."""
        latencies, failed, borne = self._latencies, self._failed, self._borne
        self._clear()
        if len(borne) / total >= self._most_refused:
            self._hold(min(borne), now)
            return self._cut(f"{len(borne)} of {total} refused", min(borne))
        policy = self._policy
        if failed / total > policy.failure_threshold:
            return self._cut(f"{failed} of {total} failed")
        latency_s, target_s = self._target.judge(_p95(latencies), self.limit)
        if latency_s > policy.late_factor * target_s:
            return self._cut(f"p95 {latency_s:.3g} s, target {target_s:.3g} s")
        if borne:
            return self._step_back(min(borne), now)
        is_well = failed / total <= policy.calm_failures * policy.failure_threshold
        if is_well and latency_s < policy.early_factor * target_s:
            return self._grow(now)
        return None

    def _hold(self, borne: int, now: float) -> None:
        # An endpoint that refuses the only request is not asked too much at once.
        self._ceiling = borne or None
        self._ceiling_ends = now + self._policy.hold_s

    def _cut(self, reason: str, borne: int = 0) -> Decision | None:
        # Even where nothing is left to cut, what was sent before has been judged.
        self.epoch += 1
        factor = self._policy.decrease_factor
        limit = int(self.limit * factor)
        while limit > borne >= self._policy.least_window:
            limit = int(limit * factor)
        return self._set(limit, reason)

    def _step_back(self, borne: int, now: float) -> Decision | None:
        """Ask no more than was borne, where that is less than a cut."""
        self._hold(borne, now)
        cut = int(self.limit * self._policy.decrease_factor)
        limit = max(cut, min(self.limit, borne))
        return self._set(limit, f"one was refused beside {borne}")

    def _grow(self, now: float) -> Decision | None:
        step = max(1, int(self.limit * self._policy.increase_step))
        limit = min(self._policy.maximum, self.limit + step)
        if self._ceiling is not None and now < self._ceiling_ends:
            limit = min(limit, max(self.limit, self._ceiling))
        return self._set(limit, "all well")

    def _set(self, limit: int, reason: str) -> Decision | None:
        limit = max(self._policy.minimum, limit)
        if limit == self.limit:
            return None
        self.limit = limit
        return Decision(limit, reason)


def _p95(latencies: list[float]) -> float:
    """Find the latency that a twentieth exceeds; zero where there is none."""
    if not latencies:
        return 0.0
    return sorted(latencies)[int(_RANK * (len(latencies) - 1))]
