"""Many requests at once: bounded, timed, retried; and the driver of flows."""

from __future__ import annotations

from pytest_evalkit.engine.absence import SharedAbsence
from pytest_evalkit.engine.adaptive import AdaptivePolicy
from pytest_evalkit.engine.asking import Asking
from pytest_evalkit.engine.budget import Allowance, Budget, Price
from pytest_evalkit.engine.control import Control
from pytest_evalkit.engine.drive import Flow, drive
from pytest_evalkit.engine.engine import Engine
from pytest_evalkit.engine.events import (
    BudgetSpent,
    EndpointBack,
    EndpointGone,
    Event,
    IssuingEnded,
    LimitSet,
)
from pytest_evalkit.engine.issuing import Issuing, IssuingRule
from pytest_evalkit.engine.load_pattern import (
    PATTERNS,
    LoadPattern,
    arrivals,
    load_pattern,
    share_of_schedule,
)
from pytest_evalkit.engine.loop_lag import LoopLag
from pytest_evalkit.engine.model import Model
from pytest_evalkit.engine.outage import OutageRule
from pytest_evalkit.engine.pause import SharedPause
from pytest_evalkit.engine.recalling import identified
from pytest_evalkit.engine.response_cache import ResponseCache
from pytest_evalkit.engine.retry import RetryPolicy
from pytest_evalkit.engine.shared_origin import SharedOrigin
from pytest_evalkit.engine.warmup import salted, warm_up

__all__ = [
    "PATTERNS",
    "AdaptivePolicy",
    "Allowance",
    "Asking",
    "Budget",
    "BudgetSpent",
    "Control",
    "EndpointBack",
    "EndpointGone",
    "Engine",
    "Event",
    "Flow",
    "Issuing",
    "IssuingEnded",
    "IssuingRule",
    "LimitSet",
    "LoadPattern",
    "LoopLag",
    "Model",
    "OutageRule",
    "Price",
    "ResponseCache",
    "RetryPolicy",
    "SharedAbsence",
    "SharedOrigin",
    "SharedPause",
    "arrivals",
    "drive",
    "identified",
    "load_pattern",
    "salted",
    "share_of_schedule",
    "warm_up",
]
