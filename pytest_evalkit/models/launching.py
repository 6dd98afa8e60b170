"""Servers that a backend wants to have started for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a server is started, and how one tells that it is ready.

    Attributes:
        name: What messages call it.
        command: The program and its arguments.
        url: Where it will be, without a path.
        ready_path: What answers 200 once it is ready.
        environment: Variables it gets besides those of this process.
        input: Written to its standard input, which stays open as long as this process
            lives.
        fds: Descriptors of this process that it inherits.
        startup_timeout: The most seconds until it is ready.
    """

    name: str
    command: tuple[str, ...]
    url: str
    ready_path: str = "/health"
    environment: Mapping[str, str] = field(default_factory=dict)
    input: str = ""
    fds: tuple[int, ...] = ()
    startup_timeout: float = 1800.0


@runtime_checkable
class ServedBackend(Protocol):
    """What a backend has besides that asks a server which others may have to start.

    Attributes:
        needs_server: True until it is known where its server is.
    """

    @property
    def needs_server(self) -> bool:
        """Whether a server has to be started."""
        ...

    def launch(self, port: int) -> Launch:
        """Say how the server is started on a port of this machine."""
        ...

    def attach(self, url: str) -> None:
        """Ask the server at an address, given without a path, from now on."""
        ...
