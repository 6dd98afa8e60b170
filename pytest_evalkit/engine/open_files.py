"""How many connections a process may have open."""

from __future__ import annotations


def allow_many_connections() -> None:
    """Raise the bound on open files as far as the system lets us.

    Without a cap there are as many connections as there are slow answers.
    """
    try:
        import resource
    except ImportError:
        # Windows has no such bound.
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
