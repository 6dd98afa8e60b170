from __future__ import annotations

import asyncio
import socket

import pytest

from pytest_evalkit.plugin.loop import close_loop, new_loop


class Interrupted(asyncio.Protocol):
    """Reads a connection just as the user presses Ctrl-C."""

    def data_received(self, data: bytes) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_that_lands_where_a_connection_is_read_is_not_lost() -> None:
    loop = new_loop()
    ours, theirs = socket.socketpair()
    with theirs:
        loop.run_until_complete(loop.create_connection(Interrupted, sock=ours))
        theirs.send(b"x")
        # Without it nothing would end the loop.
        loop.call_later(10, loop.stop)

        with pytest.raises(KeyboardInterrupt):
            loop.run_forever()

    close_loop(loop)


def test_other_errors_of_connections_are_told_as_usual() -> None:
    loop = new_loop()
    told: list[str] = []
    loop.default_exception_handler = lambda context: told.append(context["message"])  # type: ignore[method-assign]  # seen from outside

    loop.call_exception_handler({"message": "odd", "exception": ValueError()})

    assert told == ["odd"]
    close_loop(loop)
