"""What a task's own functions say: media of data sets, and messages as mappings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from pytest_evalkit.errors import DatasetError, TaskError
from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    ImagePart,
    ImageSource,
    MediaPart,
    Message,
    Part,
    Role,
    TextPart,
    VideoFrames,
    VideoPart,
    VideoSource,
    media_part,
)
from pytest_evalkit.messages.media import is_address
from pytest_evalkit.naming import suggestion
from pytest_evalkit.tasks.media_folders import MediaFolders

_ROLES: Mapping[Any, Role] = {role: role for role in get_args(Role) if role != "tool"}
_KINDS: Mapping[str, Callable[[Any], MediaPart]] = {
    "image": lambda value: ImagePart(ImageSource.of(value)),
    "audio": lambda value: AudioPart(AudioSource.of(value)),
    "video": lambda value: VideoPart(VideoSource.of(value)),
}
# Where a part of a message may hold its medium; the first that is there counts.
_PLACES = ("url", "image", "video", "audio", "path")
_SPAN = {
    "start_s": ("start_time", "video_start"),
    "end_s": ("end_time", "video_end"),
}


@dataclass(frozen=True, slots=True)
class Conversations:
    """Reads what functions of a task return as parts and messages.

    Attributes:
        folders: Where relative paths of media may start, in order.
        allowed: The folders that media may lie in; None where any may be read.
    """

    folders: tuple[Path, ...]
    allowed: MediaFolders | None = None

    def medium(
        self, value: Any, kind: str | None = None, label: str | None = None
    ) -> MediaPart:
        """Take a medium of a document.

        Args:
            value: Whatever a data set holds, a path, or a mapping with ``url`` that may
                say its ``type`` and where a video begins and ends.
            kind: ``image``, ``audio`` or ``video``; None to tell it by the value.
            label: Where the document has it, for what may be told of it; or None.

        Raises:
            DatasetError: It is missing or damaged.
        """
        try:
            part = self._medium(value, kind)
        except DatasetError as error:
            if label is None:
                raise
            raise DatasetError(f"{label}: {error.message}") from error
        if label is None or isinstance(part.source, VideoFrames):
            return part
        # No type tells that the class of a source is that of its part.
        return replace(part, source=part.source.labelled(label))  # type: ignore[arg-type]

    def _medium(self, value: Any, kind: str | None) -> MediaPart:
        span: dict[str, float] = {}
        if isinstance(value, Mapping) and not _is_content(value):
            kind = kind or value.get("type")
            span = _span(value)
            value = next((value[key] for key in _PLACES if value.get(key)), value)
            if isinstance(value, Mapping) and _span(value):
                return self._medium(value, kind)
        value = self._resolved(value)
        part = _KINDS.get(kind or "", media_part)(value)
        if span and isinstance(part, VideoPart):
            part = VideoPart(part.source, span.get("start_s"), span.get("end_s"))
        # Reading it tells now, and of this document, that it is missing or damaged.
        _ = part.source.sha256
        return part

    def messages(self, said: Any) -> tuple[Message, ...]:
        """Take the messages that a function of a task returns.

        Args:
            said: A list of mappings with ``role`` and ``content``, which is a text or a
                list of parts with a ``type``.

        Raises:
            TaskError: They have another form.
            DatasetError: A medium is missing or damaged.
        """
        if not isinstance(said, Sequence) or isinstance(said, str) or not said:
            raise TaskError(f"messages must be a list of mappings, not {said!r}")
        return tuple(self._message(one) for one in said)

    def _message(self, said: Any) -> Message:
        if not isinstance(said, Mapping) or "content" not in said:
            raise TaskError(f"a message must have a role and a content, not {said!r}")
        role = _ROLES.get(said.get("role"))
        if role is None:
            given = said.get("role")
            raise TaskError(
                f"unknown role {given!r} of a message; {suggestion(str(given), _ROLES)}"
            )
        content = said["content"]
        if isinstance(content, str):
            return Message.of_text(role, content)
        parts = content if isinstance(content, list | tuple) else [content]
        return Message(role, tuple(self._part(part) for part in parts))

    def _part(self, part: Any) -> Part:
        if isinstance(part, str):
            return TextPart(part)
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "text" and isinstance(part.get("text"), str):
            return TextPart(part["text"])
        if kind == "image_url":
            address = part["image_url"]
            is_nested = isinstance(address, Mapping)
            return self.medium(address["url"] if is_nested else address, "image")
        if kind in _KINDS:
            return self.medium(part, kind)
        known = ("text", "image_url", *_KINDS)
        raise TaskError(
            f"unknown type {kind!r} of a part of a message; "
            f"{suggestion(str(kind), known)}"
        )

    def _resolved(self, medium: Any) -> Any:
        """Find the file that a relative path means; leave everything else.

        Raises:
            DatasetError: The file is not the data set's to name.
        """
        found = self._found(medium)
        is_path = isinstance(found, str | Path) and not is_address(found)
        is_web = isinstance(found, str) and found.startswith("http") and not is_path
        if is_web and self.allowed is not None:
            self.allowed.require_address(found)
        # What is nowhere is told so when it is read.
        if is_path and self.allowed is not None and os.path.lexists(found):
            self.allowed.require(Path(found))
        return found

    def _found(self, medium: Any) -> Any:
        if not isinstance(medium, str | Path) or is_address(medium):
            return medium
        for folder in self.folders:
            try:
                if (folder / medium).is_file():
                    return folder / medium
            except (OSError, ValueError):
                # Too long for a name, or none at all.
                return medium
        return medium


def _is_content(value: Mapping[str, Any]) -> bool:
    """Tell whether a mapping is a cell that holds its medium itself."""
    return bool(value.get("bytes")) or "array" in value


def _span(value: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, keys in _SPAN.items():
        given = [value[key] for key in keys if value.get(key) is not None]
        if given:
            found[name] = float(given[0])
    return found
