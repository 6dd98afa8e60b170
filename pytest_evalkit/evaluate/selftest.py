"""Self-tests of a task: what must hold of it whatever model it is for.

Each check looks at an open task without a model, and raises where it does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_evalkit.evaluate.selftest_chance import check_chance
from pytest_evalkit.evaluate.selftest_documents import (
    check_ids,
    check_prompts,
    check_schema,
)
from pytest_evalkit.evaluate.selftest_scores import (
    check_filters,
    check_oracle,
    check_scorer,
)
from pytest_evalkit.evaluate.selftest_subject import (
    InapplicableError,
    Subject,
    UnmetError,
)

__all__ = ["CHECKS", "InapplicableError", "Subject", "UnmetError"]

CHECKS: Mapping[str, Callable[[Subject], None]] = {
    "schema": check_schema,
    "ids": check_ids,
    "prompts": check_prompts,
    "oracle": check_oracle,
    "chance": check_chance,
    "scorer": check_scorer,
    "filters": check_filters,
}
