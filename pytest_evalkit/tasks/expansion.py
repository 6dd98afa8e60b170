"""From the names of groups to all their tasks, with what each group lays over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from pytest_evalkit.errors import OptionError, TaskError
from pytest_evalkit.tasks.entries import Entries
from pytest_evalkit.tasks.groups import Group, GroupMetric, Selection, TaskReference
from pytest_evalkit.tasks.outline import texts
from pytest_evalkit.tasks.schema import GROUP_KEYS, check_group
from pytest_evalkit.tasks.source import FunctionReference, Place, Source, read_source


@dataclass(frozen=True, slots=True, kw_only=True)
class _Definition:
    """A group as its file has it.

    Attributes:
        name: Its name, unique.
        source: The file.
        values: The mapping that defines it: the whole file, or one of its members.
        steps: The way to that mapping.
    """

    name: str
    source: Source
    values: Mapping[str, Any]
    steps: tuple[str | int, ...] = ()

    def error(self, message: str, *steps: str | int) -> TaskError:
        """Make the error that points into the mapping."""
        key, *rest = (*self.steps, *steps)
        return self.source.error(f"group {self.name!r}: {message}", str(key), *rest)

    def gate_place(self, position: int) -> Place:
        """Tell where one of its gates stands."""
        way = (*self.steps, "gate", position)
        return self.source.place(str(way[0]), *way[1:])


class Expansion:
    """Collects the tasks and groups that names stand for, each once."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._tasks: dict[str, TaskReference] = {}
        self._askers: dict[str, str] = {}
        # In the order in which they were begun: outer groups before inner ones.
        self._groups: dict[str, Group | None] = {}

    def add(self, name: str) -> None:
        """Take in a task or a group that was asked for.

        Args:
            name: A key of the entries.

        Raises:
            OptionError: A task is asked for twice with different settings.
            TaskError: A group is wrong.
        """
        self._entry(name, {}, (), "the command line")

    def selection(self) -> Selection:
        """Return what was collected."""
        groups = tuple(group for group in self._groups.values() if group is not None)
        return Selection(tasks=tuple(self._tasks.values()), groups=groups)

    def _entry(
        self,
        name: str,
        overrides: Mapping[str, Any],
        trail: tuple[str, ...],
        asker: str,
    ) -> tuple[str, ...]:
        """Take in a task or group by its name; return its leaves."""
        entry = self._entries.by_name[name]
        if entry.kind != "group":
            reference = TaskReference(name=name, path=entry.path, overrides=overrides)
            return self._task(reference, asker)
        source = read_source(entry.path)
        definition = _Definition(name=name, source=source, values=source.values)
        return self._group(definition, overrides, trail)

    def _task(self, reference: TaskReference, asker: str) -> tuple[str, ...]:
        name = reference.name
        known = self._tasks.setdefault(name, reference)
        first = self._askers.setdefault(name, asker)
        if known == reference:
            return (name,)
        if first != asker:
            raise OptionError(
                f"task {name!r} is asked for twice with different settings, by {first} "
                f"and by {asker}; run them one after the other"
            )
        # One group has it several times, on purpose: each is kept.
        numbered = (replace(reference, name=f"{name}-{n}") for n in count(1))
        kept = next(
            task for task in numbered if self._tasks.setdefault(task.name, task) == task
        )
        self._askers[kept.name] = asker
        return (kept.name,)

    def _group(
        self,
        definition: _Definition,
        overrides: Mapping[str, Any],
        trail: tuple[str, ...],
    ) -> tuple[str, ...]:
        if definition.name in trail:
            way = " > ".join((*trail, definition.name))
            raise definition.error(f"contains itself: {way}", "task")
        check_group(definition.source, definition.values, definition.steps)
        own = {**definition.values, **_of_group(overrides)}
        below = {**_of_tasks(definition.values), **_of_tasks(overrides)}
        self._groups.setdefault(definition.name, None)
        names: list[str] = []
        leaves: dict[str, None] = {}
        members = definition.values.get("task") or []
        if not members:
            raise definition.error("has no members", "task")
        for position, member in enumerate(members):
            for child, tasks in self._member(
                definition, position, member, below, (*trail, definition.name)
            ):
                names.append(child)
                leaves.update(dict.fromkeys(tasks))
        gates = tuple(own.get("gate") or ())
        self._groups[definition.name] = Group(
            name=definition.name,
            alias=own.get("group_alias") or definition.name,
            path=definition.source.path,
            members=tuple(dict.fromkeys(names)),
            metrics=tuple(self._metrics(own, leaves)),
            version=_version(own.get("metadata")),
            tasks=tuple(leaves),
            gates=gates,
            gate_places=tuple(definition.gate_place(n) for n in range(len(gates))),
        )
        return tuple(leaves)

    def _member(
        self,
        group: _Definition,
        position: int,
        member: Any,
        overrides: Mapping[str, Any],
        trail: tuple[str, ...],
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Take in one member; yield its name and leaves, or those of a tag's tasks."""
        steps = (*group.steps, "task", position)
        if isinstance(member, str):
            member = {"task": member}
        name = self._member_name(group, position, member)
        if isinstance(member.get("task"), list):
            inner = _Definition(
                name=f"{group.name}::{name}",
                source=group.source,
                values=member,
                steps=steps,
            )
            yield inner.name, self._group(inner, overrides, trail)
            return
        own = {key: item for key, item in member.items() if key not in _REFERENCE}
        asker = f"group {group.name!r}"
        known = self._entries.named(name)
        for child in known:
            leaves = self._entry(child, {**overrides, **own}, trail, asker)
            is_group = self._entries.by_name[child].kind == "group"
            yield child if is_group else leaves[0], leaves
        if known:
            return
        if not own or "group" in member:
            message = f"there is no task, group or tag {name!r}"
            raise group.error(
                f"{message}; {self._entries.nearest(name)}", "task", position
            )
        reference = TaskReference(
            name=f"{group.name}::{name}",
            path=group.source.path,
            overrides={**overrides, **own},
        )
        leaves = self._task(reference, asker)
        yield leaves[0], leaves

    def _member_name(self, group: _Definition, position: int, member: Any) -> str:
        if isinstance(member, dict):
            name = member.get("group", member.get("task"))
            if isinstance(name, str):
                return name
        raise group.error(
            "a member is the name of a task, a group or a tag, or a mapping with task: "
            "or group: and what it changes",
            "task",
            position,
        )

    def _metrics(
        self, values: Mapping[str, Any], leaves: Mapping[str, None]
    ) -> Iterator[GroupMetric]:
        given = values.get("aggregate_metric_list") or []
        for metric in [given] if isinstance(given, dict) else given:
            filters = metric.get("filter_list")
            weight = metric.get("weight_by_size")
            if weight is None:
                weight = self._weighs_by_size(next(iter(leaves), None))
            yield GroupMetric(
                metric=_metric_name(metric["metric"]),
                filters=None if filters is None else texts(filters),
                weight_by_size=bool(weight),
            )

    def _weighs_by_size(self, task: str | None) -> bool:
        """Tell whether documents count by default, as the dialect of the tasks has it."""
        if task is None:
            return True
        reference = self._tasks[task]
        source = read_source(reference.path, reference.overrides, reference.name)
        return source.dialect == "lm"


# What a member's mapping says about which it is, and not about what it changes.
_REFERENCE = frozenset({"task", "group"})


def _metric_name(metric: str | FunctionReference) -> str:
    """Name a metric as its tasks do: a function by its own name."""
    return metric if isinstance(metric, str) else metric.name.rpartition(".")[2]


def _of_tasks(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in GROUP_KEYS}


def _of_group(overrides: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in overrides.items() if key in GROUP_KEYS}


def _version(metadata: Any) -> Any:
    if isinstance(metadata, list):
        metadata = metadata[0] if metadata else None
    return metadata.get("version") if isinstance(metadata, dict) else None
