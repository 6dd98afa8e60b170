"""Loading many tasks in processes of their own, which whatever they import may spoil."""

from __future__ import annotations

import multiprocessing
import os
import queue
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from pytest_evalkit.errors import (
    EvalkitError,
    MissingCredentialError,
    MissingPackageError,
)
from pytest_evalkit.tasks import TaskReference, TaskSettings, load_task

# Longer than any import of a sound module takes, tables and models included.
_PATIENCE_S = 180.0
# Never sent anywhere: the process that has it asks nobody, and is thrown away.
_STAND_IN = "stand-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What loading a task came to.

    Attributes:
        name: The task.
        path: Its file.
        problem: What is wrong, in one line, or None.
        package: The package whose absence is the cause, or None.
        credential: The variable of the credential whose absence is the cause, empty
            where none is told; None for another cause.
        warnings: What was warned of.
        stand_ins: The variables of credentials that are not set and for which anything
            did, since nothing is asked of anyone.
    """

    name: str
    path: Path
    problem: str | None = None
    package: str | None = None
    credential: str | None = None
    warnings: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()


def load_tasks(
    chunks: Sequence[Sequence[TaskReference]], processes: int
) -> Iterator[Loaded]:
    """Load tasks without their data, and tell of each what came of it.

    Nothing of this process is touched: what tasks import, print, or end, they do so in
    processes that are thrown away.

    Args:
        chunks: The tasks; those that share Python belong into one chunk.
        processes: How many chunks are loaded at once, at least one.
    """
    waiting: queue.SimpleQueue[Sequence[TaskReference]] = queue.SimpleQueue()
    for chunk in sorted(chunks, key=len, reverse=True):
        waiting.put(chunk)
    results: queue.SimpleQueue[Loaded | None] = queue.SimpleQueue()
    threads = [
        threading.Thread(target=_work, args=(waiting, results), daemon=True)
        for _ in range(min(processes, len(chunks)))
    ]
    for thread in threads:
        thread.start()
    running = len(threads)
    while running:
        result = results.get()
        if result is None:
            running -= 1
        else:
            yield result


def _work(
    waiting: queue.SimpleQueue[Sequence[TaskReference]],
    results: queue.SimpleQueue[Loaded | None],
) -> None:
    """Load chunks until none waits; None says so."""
    process = _Process()
    try:
        while True:
            for reference in waiting.get_nowait():
                results.put(process.load(reference))
    except queue.Empty:
        pass
    finally:
        process.stop()
        results.put(None)


class _Process:
    """A process that loads tasks one after the other, made anew if it ends."""

    def __init__(self) -> None:
        self._start()

    def load(self, reference: TaskReference) -> Loaded:
        """Load a task there."""
        self._connection.send(reference)
        try:
            if self._connection.poll(_PATIENCE_S):
                result = self._connection.recv()
                assert isinstance(result, Loaded)
                return result
            problem = f"loading it took longer than {_PATIENCE_S:g} s"
        except (EOFError, ConnectionError):
            self._process.join()
            status = self._process.exitcode
            problem = f"loading it ended the process, with status {status}"
        self.stop()
        self._start()
        return Loaded(
            name=reference.name,
            path=reference.path,
            problem=f"{reference.path}: {problem}",
        )

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _start(self) -> None:
        # Not forked: this process has threads, and a fork copies their locks.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()


def _serve(connection: Connection) -> None:
    """Load what the other end names, silently."""
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silence, stream)
    folder = Path.cwd()
    while True:
        reference = connection.recv()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = _load(reference, caught)
        # A module may have left for another folder.
        os.chdir(folder)
        connection.send(result)


def _load(
    reference: TaskReference, caught: Sequence[warnings.WarningMessage]
) -> Loaded:
    """Load a task, with something in place of each credential that it wants.

    What is put into the environment stays there, as does the module that read it.
    """
    stand_ins: list[str] = []
    while True:
        loaded = _attempt(reference, caught)
        wanted = loaded.credential
        if not wanted or wanted in stand_ins:
            return replace(loaded, stand_ins=tuple(stand_ins))
        os.environ[wanted] = _STAND_IN
        stand_ins.append(wanted)


def _attempt(
    reference: TaskReference, caught: Sequence[warnings.WarningMessage]
) -> Loaded:
    settings = TaskSettings(confirm_unsafe=True)
    problem = package = credential = None
    try:
        load_task(reference.path, settings, reference.overrides, reference.name)
    except MissingPackageError as error:
        problem, package = str(error), error.package
    except MissingCredentialError as error:
        problem, credential = str(error), error.variable
    except EvalkitError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 (the task's own Python may raise anything)
        problem = f"{reference.path}: {type(error).__name__}: {error}"
    own = (
        item
        for item in caught
        if item.category.__module__.startswith("pytest_evalkit.")
    )
    return Loaded(
        name=reference.name,
        path=reference.path,
        problem=problem and " ".join(problem.split()),
        package=package,
        credential=credential,
        warnings=tuple(str(item.message) for item in own),
    )
