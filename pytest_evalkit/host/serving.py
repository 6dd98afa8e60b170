"""Serving a backend until the process is told to end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from pytest_evalkit.host.server import Bound, HostServer
from pytest_evalkit.models.backend import Backend, LoadingBackend


async def serve(
    backend: Backend,
    bound: Bound,
    *,
    api_key: str | None = None,
    when_ready: Callable[[str], None] | None = None,
) -> None:
    """Load a model and serve it until SIGTERM or SIGINT; close it then.

    Args:
        backend: The model.
        bound: Where to listen; from the beginning, and answering once it is loaded.
        api_key: What clients have to show, or None.
        when_ready: Called with the base URL once requests are answered.

    Raises:
        ModelUnavailableError: The model cannot be loaded.
        OSError: The address cannot be listened on.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = HostServer(backend, bound, api_key=api_key)
    await server.start()
    try:
        if not await _loaded(backend, ended):
            return
        server.is_ready = True
        if when_ready is not None:
            when_ready(server.url)
        await ended.wait()
    finally:
        await server.stop()
        await backend.aclose()


async def _loaded(backend: Backend, ended: asyncio.Event) -> bool:
    """Load the model; say whether it was loaded before the process was to end."""
    if not isinstance(backend, LoadingBackend):
        return True
    loading = asyncio.ensure_future(backend.load())
    ending = asyncio.ensure_future(ended.wait())
    await asyncio.wait((loading, ending), return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if loading.done():
        loading.result()
        return True
    loading.cancel()
    return False
