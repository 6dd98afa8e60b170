"""What a request for tasks by name stands for: tasks, and the groups above them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_evalkit.tasks.source import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReference:
    """A task to load: ``load_task(path, settings, overrides, name)``.

    Attributes:
        name: Unique name; ``group::name`` for one that is written in a group's file.
        path: The task file, or the group's file where the task is written in that.
        overrides: Keys that the groups above it lay over the file's own; for a task
            written in a group's file, all of its keys.
    """

    name: str
    path: Path
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMetric:
    """A metric whose mean over the tasks of a group is wanted.

    Attributes:
        metric: Its name.
        filters: Names of the filters under which it is meant; None for every filter
            that a task of the group has.
        weight_by_size: Whether tasks count by their documents, or all alike.
    """

    metric: str
    filters: tuple[str, ...] | None
    weight_by_size: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Tasks that are aggregated together.

    Attributes:
        name: Unique name; ``outer::name`` for one written in another group's file.
        alias: What tables call it.
        path: The file that defines it.
        members: Its direct children in order: names of groups and of tasks.
        metrics: What is aggregated; empty for a group that only gathers.
        version: What ``metadata.version`` says, or None.
        tasks: Names of all tasks below it, in order, each once.
        gates: Its conditions on its own figures, as written.
        gate_places: Where each of them stands.
    """

    name: str
    alias: str
    path: Path
    members: tuple[str, ...]
    metrics: tuple[GroupMetric, ...]
    version: Any
    tasks: tuple[str, ...]
    gates: tuple[Mapping[str, Any], ...] = ()
    gate_places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What was asked for.

    Attributes:
        tasks: Every task once, in the order of the request.
        groups: Every group once, outer ones before those inside them.
    """

    tasks: tuple[TaskReference, ...]
    groups: tuple[Group, ...]
