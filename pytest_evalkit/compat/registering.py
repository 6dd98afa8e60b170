"""What tasks register by name while they are imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from pytest_evalkit import scoring
from pytest_evalkit.errors import OptionError

Registered = TypeVar("Registered")


def register_filter(name: str) -> Callable[[Registered], Registered]:
    """Let task files name a filter class as they name what is built in.

    Args:
        name: What they call it.
    """

    def register(made: Registered) -> Registered:
        scoring.register_filter(name, made)
        return made

    return register


def register_aggregation(name: str) -> NoReturn:
    """Refuse: aggregations are named by ``!function``.

    Raises:
        OptionError: Always.
    """
    raise _not_by_name("aggregation", name)


def register_metric(*, metric: str, **attributes: Any) -> NoReturn:
    """Refuse: metrics are named by ``!function``.

    Raises:
        OptionError: Always.
    """
    del attributes
    raise _not_by_name("metric", metric)


def _not_by_name(kind: str, name: str) -> OptionError:
    return OptionError(
        f"{kind} {name!r} cannot be registered by name; write !function in the task "
        "file to name the function itself"
    )
