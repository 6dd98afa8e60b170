"""Exit status of a run whose tasks and options do not go together."""

from __future__ import annotations

import pytest

# Set where a task is refused, which shows only when it is collected.
REFUSED_KEY: pytest.StashKey[bool] = pytest.StashKey()


def tell_refusal(session: pytest.Session) -> None:
    """Make the exit status that of a wrong command line where a task was refused."""
    if session.config.stash.get(REFUSED_KEY, False):
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
