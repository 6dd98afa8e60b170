"""Sinks by name: what users write of one, and sending a run to it."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib.util import find_spec
from typing import Protocol, cast

from pytest_evalkit.codec import CodecError, convert
from pytest_evalkit.errors import MissingPackageError, OptionError, SinkError
from pytest_evalkit.models.arguments import parse_model_args
from pytest_evalkit.naming import import_object, suggestion
from pytest_evalkit.sinks.finished_run import FinishedRun


class Sink(Protocol):
    """Somewhere results go. Its fields are what users can say of it."""

    def check(self) -> None:
        """Refuse what cannot work, before anything is asked.

        Raises:
            OptionError: Something is missing or contradicts itself.
        """

    def send(self, run: FinishedRun) -> str:
        """Send a run.

        Returns:
            Where it is now, in words.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A sink that there is.

    Attributes:
        target: Its class, as ``package.module:Class``.
        module: What has to be installed, by the name it is imported by.
        package: The same, as it is installed.
    """

    target: str
    module: str
    package: str


_ROOM = "pytest_evalkit.sinks"
SINKS: Mapping[str, _Entry] = {
    "mlflow": _Entry(
        target=f"{_ROOM}.mlflow_sink:MlflowSink",
        module="mlflow",
        package="mlflow-skinny",
    ),
    "wandb": _Entry(
        target=f"{_ROOM}.wandb_sink:WandbSink",
        module="wandb",
        package="wandb",
    ),
    "trackio": _Entry(
        target=f"{_ROOM}.trackio_sink:TrackioSink",
        module="trackio",
        package="trackio",
    ),
    "otel": _Entry(
        target=f"{_ROOM}.otel_sink:OtelSink",
        module="opentelemetry.exporter.otlp.proto.http",
        package="opentelemetry-exporter-otlp-proto-http",
    ),
}
"""The sinks by name; each is an extra of the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSink:
    """A sink that a user asked for.

    Attributes:
        name: Its name.
        sink: What sends.
    """

    name: str
    sink: Sink


def parse_sink(text: str) -> NamedSink:
    """Read ``NAME`` or ``NAME:K=V,...`` and check that it can work.

    Nothing of its client is imported.

    Args:
        text: What the user wrote.

    Raises:
        OptionError: There is no such sink or argument, or something is missing.
        MissingPackageError: Its client is not installed.
    """
    name, _, told = text.partition(":")
    entry = SINKS.get(name)
    if entry is None:
        raise OptionError(f"--sink {name}: no such sink; {suggestion(name, SINKS)}")
    if not _is_installed(entry.module):
        raise MissingPackageError(entry.package, name, wanted_by=f"--sink {name}")
    sink = _made(name, import_object(entry.target), told)
    sink.check()
    return NamedSink(name=name, sink=sink)


def send(named: NamedSink, run: FinishedRun) -> str:
    """Send a run, whatever its client may do.

    Args:
        named: Where to.
        run: The run.

    Returns:
        Where it is now, in words.

    Raises:
        SinkError: It is not there; says why in one line.
    """
    try:
        with _quiet():
            return named.sink.send(run)
    except SinkError as error:
        raise SinkError(f"--sink {named.name}: nothing was sent: {error}") from error
    # Clients raise what they like, of networks, files and accounts.
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or "no reason given"
        raise SinkError(
            f"--sink {named.name}: nothing was sent: {type(error).__name__}: {reason}"
        ) from error


def _made(name: str, kind: type, told: str) -> Sink:
    try:
        arguments = parse_model_args(told)
    except OptionError as error:
        raise OptionError(f"--sink {name}: {error}") from error
    known = [field.name for field in fields(kind)]
    for key in arguments:
        if key not in known:
            raise OptionError(
                f"--sink {name} has no argument {key!r}; {suggestion(key, known)}"
            )
    try:
        return cast("Sink", convert(arguments, kind))
    except CodecError as error:
        raise OptionError(f"--sink {name}: an argument is {error}") from error


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@contextmanager
def defaults(**variables: str) -> Iterator[None]:
    """Set variables of the environment that are not set, as long as it lasts."""
    missing = {name: text for name, text in variables.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep clients from logging and warning of what is told in one line."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            # Under ``-W error`` a warning of theirs would end the sending.
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
