"""The model that the options name: where it lives, and starting it where it has to be.

A local model lives in this process, unless there are workers: then the controller starts
it in processes of its own, and workers ask those. A model behind a server that is to be
started for the session has one server, whoever asks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import ModelUnavailableError, OptionError
from pytest_evalkit.models.arguments import parse_model_args
from pytest_evalkit.models.backend import Backend, StreamingBackend
from pytest_evalkit.models.launching import Launch, ServedBackend
from pytest_evalkit.models.registry import is_local, make_backend
from pytest_evalkit.plugin.options import OPTIONS_KEY, RunOptions
from pytest_evalkit.plugin.place import is_controller, session_number, worker_input

if TYPE_CHECKING:
    from pytest_evalkit.host.servers import Hosting, HostRule, ModelServers
    from pytest_evalkit.results.folder import RunFolder

LOG_NAME = "model.log"
"""What servers of the session print, in the folder of the run."""

_HOSTS = "evalkit_hosts"
_SERVER = "evalkit_server"


@dataclass(frozen=True, slots=True)
class NamedModel:
    """The model of the options, its arguments apart from those of its hosts.

    Attributes:
        name: Name of the backend.
        arguments: Its arguments.
        rule: How it is hosted; None for a model that is not local.
    """

    name: str
    arguments: Mapping[str, Any]
    rule: HostRule | None

    @classmethod
    def of(cls, name: str, arguments: Mapping[str, Any]) -> NamedModel:
        """Take the arguments of the hosts out of those of a local model.

        Raises:
            OptionError: One of them makes no sense, or there is no such model.
        """
        if not is_local(name):
            return cls(name, arguments, None)
        from pytest_evalkit.host.servers import HostRule

        own = {field.name for field in fields(HostRule)}
        told = {key: value for key, value in arguments.items() if key in own}
        for key, value in told.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise OptionError(f"{key} must be a number, got {value!r}")
        kept = {key: value for key, value in arguments.items() if key not in own}
        return cls(name, kept, HostRule(**told))


def named_model(options: RunOptions) -> NamedModel:
    """Read which model the options name.

    Raises:
        OptionError: There is no such model, or an argument of its hosts is wrong.
    """
    assert options.model is not None, "only asked where one is named"
    return NamedModel.of(options.model, parse_model_args(options.model_args))


def named_backend(config: pytest.Config, options: RunOptions) -> Backend | None:
    """Make what answers in this process; nothing is connected or loaded yet.

    Raises:
        OptionError: The options name no such model, or not as it has to be named.
    """
    if options.model is None:
        return None
    told = worker_input(config)
    if _HOSTS in told:
        from pytest_evalkit.host.client import hosted_model

        return _streaming(hosted_model(told[_HOSTS], told["evalkit_share"][0]), options)
    named = named_model(options)
    _require_workers(config, named)
    backend = make_backend(named.name, named.arguments)
    if _SERVER in told and isinstance(backend, ServedBackend):
        backend.attach(told[_SERVER])
    return _streaming(backend, options)


def is_started_here(config: pytest.Config) -> bool:
    """Tell whether the controller started what this worker asks."""
    told = worker_input(config)
    return _HOSTS in told or _SERVER in told


def _streaming(backend: Backend, options: RunOptions) -> Backend:
    if options.measure_latency:
        stream(backend)
    return backend


def stream(backend: Backend) -> None:
    """Have the answers of a backend come token by token.

    Raises:
        OptionError: They cannot.
    """
    if not isinstance(backend, StreamingBackend):
        raise OptionError(
            f"--measure-latency: model {backend.model_name!r} streams no answers; "
            "leave it out, or take an endpoint"
        )
    backend.stream_for_latency = True


def _require_workers(config: pytest.Config, named: NamedModel) -> None:
    """Refuse more than one process of a model where the model lives in this one."""
    replicas = None if named.rule is None else named.rule.replicas
    if replicas not in {None, 1} and not is_controller(config):
        raise OptionError(
            f"replicas={replicas} needs -n: without workers the model is loaded into "
            "this process"
        )


def start_server(
    config: pytest.Config, backend: Backend, folder: RunFolder
) -> ModelServers | None:
    """Start the server of a backend that wants one, and wait until it is ready.

    Args:
        config: pytest's configuration.
        backend: What answers.
        folder: The folder of the run.

    Returns:
        The server, to be stopped; None where none was to be started.

    Raises:
        ModelUnavailableError: It does not get ready.
    """
    if not isinstance(backend, ServedBackend) or not backend.needs_server:
        return None
    from pytest_evalkit.host.servers import ModelServers, server_launches

    log = folder.root / LOG_NAME
    launches = server_launches(backend)
    servers = ModelServers(launches, log)
    _say(config, _starting(launches[0], log))
    servers.start()
    servers.await_ready()
    backend.attach(servers.urls[0])
    return servers


class HostedSession:
    """What the controller started for its workers.

    Args:
        told: What workers are told about it, as their input.
        servers: What was started, or None where nothing had to be.
        words: What to tell the user while it is awaited.
        starts_now: False to start it only when it is awaited.

    Raises:
        ModelUnavailableError: It cannot be started.
    """

    def __init__(
        self,
        told: Mapping[str, Any],
        servers: ModelServers | None,
        words: str,
        *,
        starts_now: bool = True,
    ) -> None:
        self.told = told
        self._servers = servers
        self._words = words
        self._was_awaited = False
        self._is_started = starts_now
        if servers is not None and starts_now:
            servers.start()

    def await_ready(self, config: pytest.Config) -> None:
        """Wait until workers can ask.

        Raises:
            pytest.Session.Interrupted: They never can; says why.
        """
        if self._servers is None or self._was_awaited:
            return
        self._was_awaited = True
        _say(config, self._words)
        try:
            if not self._is_started:
                self._servers.start()
            self._servers.await_ready()
        except ModelUnavailableError as error:
            raise pytest.Session.Interrupted(str(error)) from error

    def obituaries(self) -> list[str]:
        """Write a line for each process that ended though nobody ended it."""
        return [] if self._servers is None else self._servers.obituaries()

    def stop(self) -> None:
        """End what was started; a second time does nothing."""
        if self._servers is not None:
            self._servers.stop()


def start_for_workers(
    config: pytest.Config, backend: Backend, folder: RunFolder
) -> HostedSession:
    """Start what the workers are to ask, and wait for nothing.

    In a run that is resumed it is only made ready to start: there may be nothing to ask.

    Args:
        config: pytest's configuration.
        backend: The model that the options name, as this process made it.
        folder: The folder of the run.

    Raises:
        pytest.UsageError: It cannot be started.
    """
    log = folder.root / LOG_NAME
    named = named_model(config.stash[OPTIONS_KEY])
    starts_now = session_number(config) == 1
    try:
        if named.rule is not None:
            from pytest_evalkit.host.servers import Hosting

            hosting = Hosting(
                name=named.name,
                arguments=named.arguments,
                backend=backend,
                rule=named.rule,
            )
            return _hosts(hosting, log, starts_now=starts_now)
        if isinstance(backend, ServedBackend) and backend.needs_server:
            return _server(backend, log, starts_now=starts_now)
    except ModelUnavailableError as error:
        raise pytest.UsageError(str(error)) from None
    return HostedSession({}, None, "")


def _hosts(hosting: Hosting, log: Path, *, starts_now: bool) -> HostedSession:
    from pytest_evalkit.host.client import hosts_dict
    from pytest_evalkit.host.devices import visible_gpus
    from pytest_evalkit.host.servers import ModelServers, host_launches, new_key

    key, gpus, backend = new_key(), visible_gpus(), hosting.backend
    launches = host_launches(hosting, gpus, key)
    servers = ModelServers(launches, log)
    count = len(launches)
    place = (
        f"{len(gpus)} GPU{'s' * (len(gpus) > 1)}" if gpus else "no GPU, so on the CPU"
    )
    return HostedSession(
        {_HOSTS: dict(hosts_dict(backend, servers.urls, key))},
        servers,
        f"loading {backend.model_name} in {count} process{'es' * (count > 1)} ({place}); "
        f"its log is {log}",
        starts_now=starts_now,
    )


def _server(backend: ServedBackend, log: Path, *, starts_now: bool) -> HostedSession:
    from pytest_evalkit.host.servers import ModelServers, server_launches

    launches = server_launches(backend)
    servers = ModelServers(launches, log)
    told = {_SERVER: servers.urls[0]}
    words = _starting(launches[0], log)
    return HostedSession(told, servers, words, starts_now=starts_now)


def _starting(launch: Launch, log: Path) -> str:
    return f"starting {launch.name}; its log is {log}"


def _say(config: pytest.Config, line: str) -> None:
    """Tell the user what takes a while, unless nothing is to be told."""
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None and terminal.verbosity >= 0:
        terminal.ensure_newline()
        terminal.write_line(line)
