"""What a YAML file defines, read from a few of its keys without parsing it all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from pytest_evalkit.errors import TaskError
from pytest_evalkit.tasks.schema import ALL_KEYS
from pytest_evalkit.tasks.source import read_source
from pytest_evalkit.tasks.yaml_file import IMPOSSIBLE_VALUES, LOADER, is_too_deep

_KEY = re.compile(r"^([\"']?)([A-Za-z_][\w-]*)\1[ \t]*:(?=\s|$)", re.MULTILINE)
# A value that is plainly text, which needs no parser: one word, perhaps a comment.
_WORD = re.compile(r"[ \t]*([A-Za-z][\w./-]*)[ \t\r]*(?:[ \t]#[^\n]*)?\n?\s*")
_NOT_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off"})

# Of these it is enough to know that they are given.
_PRESENT = frozenset(
    {
        *("conversation", "doc_to_audio", "doc_to_image", "doc_to_messages"),
        "doc_to_visual",
    }
)
# These are read where they hold one of these words; most do not.
_OF_INTEREST: Mapping[str, tuple[str, ...]] = {
    "dataset_kwargs": ("video",),
    "metadata": ("documents", "modality"),
}

READ_KEYS = frozenset(
    {
        *_PRESENT,
        *_OF_INTEREST,
        "class",
        "dataset_name",
        "dataset_path",
        "group",
        "include",
        "output_type",
        "tag",
        "task",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The keys that tell what a file defines.

    Attributes:
        values: Those of ``READ_KEYS`` that it has; a function reads as its name.
        has_task_keys: Whether it has a key of a task besides ``task``.
    """

    values: Mapping[str, Any]
    has_task_keys: bool

    @property
    def includes(self) -> list[str]:
        """The files that it includes, as written; none where that is no list of text."""
        given = self.values.get("include")
        names = [given] if isinstance(given, str) else given
        if not isinstance(names, list):
            return []
        return names if all(isinstance(name, str) for name in names) else []


def outline_of(text: str) -> Outline:
    """Read the outline of a file from its text."""
    matches = list(_KEY.finditer(text))
    values: dict[str, Any] = {}
    for position, match in enumerate(matches, start=1):
        if match[2] in READ_KEYS:
            is_last = position == len(matches)
            end = len(text) if is_last else matches[position].start()
            fragment = text[match.start() : end]
            wanted = _OF_INTEREST.get(match[2])
            if wanted is None or any(word in fragment for word in wanted):
                values[match[2]] = _value(fragment, match)
    names = {match[2] for match in matches}
    return Outline(values=values, has_task_keys=not names.isdisjoint(_TASK_KEYS))


_TASK_KEYS = ALL_KEYS - {"task"}


def _value(fragment: str, match: re.Match[str]) -> Any:
    if match[2] in _PRESENT:
        given = fragment[match.end() - match.start() :].strip()
        return None if given in ("", "null", "~") else True
    word = _WORD.fullmatch(fragment, match.end() - match.start())
    if word and word[1].lower() not in _NOT_TEXT:
        return word[1]
    # Nothing is imported here; the name of a function reads as text.
    fragment = fragment.replace("!function ", "")
    try:
        if is_too_deep(fragment):
            return None
        read = yaml.load(fragment, Loader=LOADER)  # noqa: S506 (it is the safe loader, written in C)
    except (yaml.YAMLError, *IMPOSSIBLE_VALUES):
        return None
    return next(iter(read.values())) if isinstance(read, dict) and read else None


def file_text(path: Path | str) -> str:
    """Read a file that may be anything; what is no text has no keys."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:  # noqa: PTH123 (a path object for each of thousands of files is dear)
            return file.read()
    except OSError:
        return ""


class Merged(NamedTuple):
    """What a file says after its includes.

    Attributes:
        values: Those of ``READ_KEYS`` that are given.
        files: All files that it includes, also those that do not exist.
        has_task_keys_below: Whether an included file has a key of a task.
    """

    values: Mapping[str, Any]
    files: tuple[str, ...]
    has_task_keys_below: bool


class Outlines:
    """The outlines of files with what they include; each file is read once."""

    def __init__(self) -> None:
        self._own: dict[str, Outline] = {}
        self._merged: dict[str, Merged] = {}

    def own(self, path: str) -> Outline:
        """Read what a file itself says."""
        if path not in self._own:
            self._own[path] = outline_of(file_text(path))
        return self._own[path]

    def merged(self, path: str, trail: tuple[str, ...] = ()) -> Merged:
        """Read what a file says after its includes.

        A file that includes itself, or what does not exist, says what it says without;
        loading it as a task tells what is wrong.

        Args:
            path: The file.
            trail: The files that led to it.
        """
        if path in self._merged:
            return self._merged[path]
        outline = self.own(path)
        values: dict[str, Any] = {}
        files: dict[str, None] = {}
        has_keys = False
        for name in outline.includes:
            target = os.path.normpath(os.path.join(os.path.dirname(path), name))  # noqa: PTH118, PTH120 (as above)
            files[target] = None
            if target != path and target not in trail:
                below = self.merged(target, (*trail, path))
                values.update(below.values)
                files.update(dict.fromkeys(below.files))
                own_keys = self.own(target).has_task_keys
                has_keys = has_keys or own_keys or below.has_task_keys_below
        if len(outline.includes) > 1:
            values.update(_precisely(path))
        values.update(outline.values)
        merged = Merged(values, tuple(files), has_keys)
        self._merged[path] = merged
        return merged


def _precisely(path: str) -> Mapping[str, Any]:
    """Merge several includes, whose order the dialect of the task decides."""
    try:
        values = read_source(Path(path)).values
    except TaskError:
        return {}
    return {key: values[key] for key in READ_KEYS & values.keys()}


def kind_of(outline: Outline, merged: Merged) -> str | None:
    """Tell what a file defines.

    Args:
        outline: What it says itself.
        merged: What it says after its includes.

    Returns:
        ``task``, ``python`` for a task that is a Python class, ``group``, or None for
        the YAML of someone else and for files that are there to be included.
    """
    own, values = outline.values, merged.values
    if own.get("include") is not None and not outline.includes:
        return None
    is_ours = outline.has_task_keys if "task" in own else merged.has_task_keys_below
    if not is_ours:
        return None
    if isinstance(values.get("task"), list):
        return "group" if isinstance(values.get("group"), str) else None
    if not isinstance(values.get("task"), str):
        return None
    return "python" if values.get("class") is not None else "task"


def modalities_of(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell what a task shows besides text, by what it says after its includes.

    Returns:
        What ``metadata.modality`` says, else what the fields for media tell; ``text``
        alone where there are none; nothing where its own function writes the messages.
    """
    said = texts(_mapping(values.get("metadata")).get("modality"))
    if said:
        return said
    found = []
    if values.get("doc_to_visual") or values.get("doc_to_image"):
        is_video = bool(_mapping(values.get("dataset_kwargs")).get("video"))
        found.append("video" if is_video else "image")
    if values.get("doc_to_audio"):
        found.append("audio")
    if found or values.get("doc_to_messages"):
        return tuple(found)
    return ("text",)


def documents_of(values: Mapping[str, Any]) -> int | None:
    """Tell how many documents ``metadata`` of a task says that it has."""
    said = _mapping(values.get("metadata")).get("documents")
    return said if type(said) is int else None


def _mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> tuple[str, ...]:
    """Read a text or a list of them; what is neither is none."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def member_names(group: str, members: Iterable[Any]) -> tuple[str, ...]:
    """Name the direct children of a group, as far as its file alone tells."""
    names: list[str] = []
    for member in members:
        if isinstance(member, str):
            names.append(member)
        elif isinstance(member, dict):
            name = member.get("group") or member.get("task")
            is_inline = isinstance(member.get("task"), list)
            names.append(f"{group}::{name}" if is_inline else str(name))
    return tuple(names)
