"""Whether programs of a model may run in this process at all: no, unless someone says so.

It is one switch for the process, since it is the user who answers for the machine, and
code of a task that calls for a program must not be able to forget to ask.
"""

from __future__ import annotations

from pytest_evalkit.errors import OptionError

_permitted = [False]


def permit_execution() -> None:
    """Allow programs that a model wrote to be run in this process from now on."""
    _permitted[0] = True


def revoke_execution() -> None:
    """Allow no more of them."""
    _permitted[0] = False


def require_permission() -> None:
    """Refuse to go on where the user has not allowed it.

    Raises:
        OptionError: The user has not.
    """
    if not _permitted[0]:
        raise OptionError(
            "scoring wants to run code that a model wrote, on this machine; if that is "
            "what you want, give --allow-code-execution"
        )
