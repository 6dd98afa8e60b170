"""What an engine heeds besides its limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pytest_evalkit.engine.adaptive import AdaptivePolicy
from pytest_evalkit.engine.budget import Budget, Price
from pytest_evalkit.engine.events import Listener
from pytest_evalkit.engine.issuing import Issuing
from pytest_evalkit.engine.outage import OutageRule
from pytest_evalkit.engine.pause import SharedPause
from pytest_evalkit.engine.response_cache import ResponseCache


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What an engine heeds besides its limit.

    Attributes:
        adaptive: How the limit moves, or None for one that stays.
        prefix_chars: Characters of text by which waiting requests are put next to those
            that begin alike, or None to keep their order.
        budget: What may be spent, or None where nothing is counted.
        price: What the model's tokens cost, or None where money does not matter.
        shared_pause: The pause of all processes that ask the same endpoint, or None
            where there is but this one.
        outage: How an endpoint that is gone is waited for, or None where it would not
            come back.
        listener: Hears of what the engine decides, or None.
        issuing: When requests may be sent; None for at once.
        cache: Where answers are looked for first, and kept; None for nowhere.
        clock: Seconds that never go back.
    """

    adaptive: AdaptivePolicy | None = None
    prefix_chars: int | None = 256
    budget: Budget | None = None
    price: Price | None = None
    shared_pause: SharedPause | None = None
    outage: OutageRule | None = None
    listener: Listener | None = None
    issuing: Issuing | None = None
    cache: ResponseCache | None = None
    clock: Callable[[], float] = time.monotonic
