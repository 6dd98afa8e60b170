"""The servers of one session: all of them started, awaited and ended together."""

from __future__ import annotations

import json
import secrets
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_evalkit.errors import ModelUnavailableError, OptionError
from pytest_evalkit.host.__main__ import HostDict
from pytest_evalkit.host.devices import VISIBLE, shares_of
from pytest_evalkit.host.process import ServerProcess, python_path
from pytest_evalkit.models.backend import Backend, StreamingBackend
from pytest_evalkit.models.launching import Launch, ServedBackend

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRule:
    """How a local model is hosted; arguments of the model to whoever types them.

    Attributes:
        replicas: How many processes have the model, sharing the GPUs; None for one per
            GPU, or one.
        startup_timeout: The most seconds until they have loaded it.
    """

    replicas: int | None = None
    startup_timeout: float = 1800.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: A value is outside of its own.
        """
        if self.replicas is not None and self.replicas < 1:
            raise OptionError(f"replicas must be at least 1, got {self.replicas}")
        if self.startup_timeout <= 0:
            raise OptionError(
                f"startup_timeout must be above 0, got {self.startup_timeout:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting:
    """A local model that is to be hosted.

    Attributes:
        name: Name of the backend, as the user wrote it.
        arguments: Its arguments.
        backend: One that was made of them, and not loaded.
        rule: How it is hosted.
    """

    name: str
    arguments: Mapping[str, Any]
    backend: Backend
    rule: HostRule


class ModelServers:
    """Servers that live as long as a session.

    Args:
        launches: How they are started; at least one.
        log: The file for what they print; from the second on, with a number.

    Attributes:
        urls: Where they are, without a path.
    """

    def __init__(self, launches: Sequence[Launch], log: Path) -> None:
        self.urls = [launch.url for launch in launches]
        self._processes = [
            ServerProcess(launch, _numbered(log, number))
            for number, launch in enumerate(launches)
        ]

    def start(self) -> None:
        """Start all, and wait for none.

        Raises:
            ModelUnavailableError: One cannot be started.
        """
        for process in self._processes:
            try:
                process.start()
            except OSError as error:
                self.stop()
                name = process.launch.name
                raise ModelUnavailableError(f"cannot start {name}: {error}") from error

    def await_ready(self, waiting: Callable[[], None] | None = None) -> None:
        """Wait until all of them answer; where one does not come to it, end all.

        Args:
            waiting: Called now and then meanwhile.

        Raises:
            ModelUnavailableError: One ended, or is not ready in time.
        """

        def look() -> None:
            """Let none wait for long where another has ended."""
            for line in self.obituaries():
                raise ModelUnavailableError(line)
            if waiting is not None:
                waiting()

        try:
            for process in self._processes:
                process.await_ready(look)
        except BaseException:
            self.stop()
            raise

    def obituaries(self) -> list[str]:
        """Write a line for each that ended by itself."""
        return [one.obituary() for one in self._processes if one.status is not None]

    def stop(self) -> None:
        """End all of them; a second time does nothing."""
        for process in self._processes:
            process.stop()


def new_key() -> str:
    """Make up what only the processes of one session know."""
    return secrets.token_urlsafe(24)


def host_launches(hosting: Hosting, gpus: Sequence[str], key: str) -> list[Launch]:
    """Say how the hosts of a local model are started.

    Each gets a socket of ours to listen on, so that nobody else takes its port.

    Args:
        hosting: The model.
        gpus: Those that there are.
        key: What clients have to show.
    """
    shares = shares_of(gpus, hosting.rule.replicas, hosting.arguments)
    return [_host_launch(hosting, key, share) for share in shares]


def server_launches(backend: ServedBackend) -> list[Launch]:
    """Say how the server of a backend is started, on a port that is free now."""
    with socket.create_server((_LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
    return [backend.launch(port)]


def _host_launch(hosting: Hosting, key: str, gpus: tuple[str, ...] | None) -> Launch:
    listener = socket.socket()
    listener.bind((_LOOPBACK, 0))
    port = listener.getsockname()[1]
    descriptor = listener.detach()
    backend = hosting.backend
    told: HostDict = {
        "model": hosting.name,
        "arguments": dict(hosting.arguments),
        "key": key,
        "path": sys.path,
        "listener": descriptor,
        "stream_for_latency": isinstance(backend, StreamingBackend)
        and backend.stream_for_latency,
    }
    environment = {"PYTHONPATH": python_path()}
    if gpus is not None:
        environment[VISIBLE] = ",".join(gpus)
    return Launch(
        name=f"the process of model {backend.model_name!r}",
        command=(sys.executable, "-m", "pytest_evalkit.host"),
        url=f"http://{_LOOPBACK}:{port}",
        environment=environment,
        input=json.dumps(told) + "\n",
        fds=(descriptor,),
        startup_timeout=hosting.rule.startup_timeout,
    )


def _numbered(log: Path, number: int) -> Path:
    return log if number == 0 else log.with_stem(f"{log.stem}-{number + 1}")
