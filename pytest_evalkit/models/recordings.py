"""Files of recorded answers, in the forms they are found in.

A row is a JSON object on a line of its own. Rows of samples files hold the raw answers
in ``resps``, or in ``filtered_resps`` where filtering changed nothing:

- this project: a text, or a list with one text for each repeat; rows name their task
- lmms-eval: a text, a list, or a list for each request
- lm-eval: a list for each request, of one text for each repeat; the document in ``doc``

All have one row for each filter of the task, with the same raw answers. Where a row of
this project has ``turns``, these are the answers, one for each client turn. Rows of tasks
that ask how likely texts are: see ``recorded_likelihoods``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import OptionError
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.models.recorded_likelihoods import (
    Asked,
    Likelihoods,
    asked_in,
    likelihoods_of,
)
from pytest_evalkit.naming import suggestion
from pytest_evalkit.values import Response

DOC_ID = "doc_id"

Key = tuple[str, ...]
Answers = tuple[Response | None, ...]
# A list for each request, and in it a text for each repeat.
_DEEPEST = 2


@dataclass(kw_only=True)
class Recordings:
    """Recorded answers by what their documents are known by.

    Attributes:
        by_task: For each task, the answers of each document, one for each repeat or turn,
            None for one without. The task is None where rows name none: they then
            serve any task.
        likelihoods: The same of log-likelihoods, by the texts that they are of.
        sha256: Hash of all rows as they stand in the files, in hexadecimal.
    """

    by_task: dict[str | None, dict[Key, Answers]] = field(default_factory=dict)
    likelihoods: dict[str | None, dict[Key, Likelihoods]] = field(default_factory=dict)
    sha256: str = ""

    def find_likelihoods(self, task: str, key: Key) -> Likelihoods:
        """Find the log-likelihoods for one document; none where none were recorded."""
        for name in (task, None):
            found = self.likelihoods.get(name, {}).get(key)
            if found is not None:
                return found
        return {}

    def find(self, task: str, key: Key) -> Answers:
        """Find the answers for one document; none where none were recorded."""
        for name in (task, None):
            answers = self.by_task.get(name, {}).get(key)
            if answers is not None:
                return answers
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One row, and where it stands.

    Attributes:
        place: File and line, for messages.
        position: How many rows of the file come before it.
        fields: What it holds.
    """

    place: str
    position: int
    fields: Mapping[str, Any]

    def column(self, name: str) -> str:
        """Read a column to join on, from the row or from the document inside it."""
        doc = self.fields.get("doc")
        columns = {**(doc if isinstance(doc, dict) else {}), **self.fields}
        if name in columns:
            return str(columns[name])
        if name == DOC_ID:
            return str(self.position)
        raise OptionError(
            f"{self.place}: no field {name!r} to join on; {suggestion(name, columns)}"
        )

    def task(self) -> str | None:
        """Name the task, where the row is a sample of this project."""
        return self.fields.get("task") if "schema_version" in self.fields else None


def read_recordings(
    path: Path, *, response: str | None, columns: tuple[str, ...]
) -> Recordings:
    """Read a file, or all samples files of a folder.

    Args:
        path: The file or folder.
        response: The field that holds the answer; None in samples files.
        columns: What rows are to be found by.

    Raises:
        OptionError: A file cannot be read, a row lacks a field, or two rows of one
            document disagree.
    """
    digest = hashlib.sha256()
    recordings = Recordings()
    for file in _files(path):
        for row in _rows(file, digest):
            _add(recordings, row, response, columns)
    recordings.sha256 = digest.hexdigest()
    return recordings


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("samples_*.jsonl"))
    if not files:
        raise OptionError(f"folder {path} holds no samples_*.jsonl")
    return files


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as stream:
            yield from stream
    except OSError as error:
        raise OptionError(f"cannot read {file}: {error.strerror}") from error


def _rows(file: Path, digest: hashlib._Hash) -> Iterator[_Row]:
    position = 0
    for number, line in enumerate(_lines(file), start=1):
        digest.update(line)
        if line.strip():
            yield _row(f"{file}:{number}", position, line)
            position += 1


def _row(place: str, position: int, line: bytes) -> _Row:
    try:
        fields = decode(line)
    except CodecError as error:
        raise OptionError(f"{place}: {error}") from error
    if not isinstance(fields, dict):
        raise OptionError(f"{place}: a row must be a JSON object")
    return _Row(place=place, position=position, fields=fields)


def _add(
    recordings: Recordings, row: _Row, response: str | None, columns: tuple[str, ...]
) -> None:
    asked = asked_in(row.fields) if response is None else None
    if asked is not None:
        _add_likelihoods(recordings, row, asked, columns)
        return
    answers = _turns(row) if response is None else None
    if answers is None:
        answers = _answers(row, _texts(row, response))
    if not answers:
        return
    key = tuple(row.column(name) for name in columns)
    known = recordings.by_task.setdefault(row.task(), {}).setdefault(key, answers)
    if known != answers and _said(known) != _said(answers):
        raise _conflict(row, columns, key)


def _said(answers: Answers) -> list[str | None]:
    return [None if answer is None else answer.text for answer in answers]


def _turns(row: _Row) -> Answers | None:
    """Read the answers of a conversation, None for a turn without; None for others."""
    turns = row.fields.get("turns")
    if not isinstance(turns, list) or "conversation_id" not in row.fields:
        return None
    if not all(isinstance(turn, dict) and "text" in turn for turn in turns):
        raise OptionError(f"{row.place}: turns must be objects with a text")
    return tuple(map(_turn, turns))


def _turn(turn: Mapping[str, Any]) -> Response | None:
    if turn.get("status") != "successful":
        return None
    return Response(
        text=turn["text"] or "",
        reasoning=turn.get("reasoning"),
        tool_calls=tuple(
            ToolCallPart(call["id"], call["name"], call["arguments"])
            for call in turn.get("tool_calls", ())
        ),
        finish_reason=turn.get("finish_reason"),
    )


def _add_likelihoods(
    recordings: Recordings, row: _Row, asked: list[Asked], columns: tuple[str, ...]
) -> None:
    answered = None if _is_in_error(row) else row.fields[_samples_field(row)]
    if answered is None:
        return
    found = likelihoods_of(row.place, asked, answered)
    key = tuple(row.column(name) for name in columns)
    if (
        recordings.likelihoods.setdefault(row.task(), {}).setdefault(key, found)
        != found
    ):
        raise _conflict(row, columns, key)


def _is_in_error(row: _Row) -> bool:
    return bool(row.fields.get("error")) and "schema_version" in row.fields


def _conflict(row: _Row, columns: tuple[str, ...], key: Key) -> OptionError:
    named = "+".join(columns)
    return OptionError(
        f"{row.place}: another answer for {named}={'+'.join(key)[:80]!r} stands "
        "above; join on columns that tell the documents apart"
    )


def _texts(row: _Row, response: str | None) -> list[str | None]:
    """List the answers of a row by repeat; none where the document had an error."""
    fields = row.fields
    if response is None and _is_in_error(row):
        return []
    name = response if response is not None else _samples_field(row)
    if name not in fields:
        raise OptionError(f"{row.place}: no field {name!r}; {suggestion(name, fields)}")
    value = fields[name]
    return [] if value is None else _flat(row, name, value)


def _samples_field(row: _Row) -> str:
    for name in ("resps", "filtered_resps"):
        if name in row.fields:
            return name
    raise OptionError(
        f"{row.place}: neither resps nor filtered_resps; name the field that holds the "
        f"answer with response=...; fields: {', '.join(row.fields)}"
    )


def _flat(row: _Row, name: str, value: Any, depth: int = 0) -> list[str | None]:
    """Take the texts out of the lists around them."""
    if value is None or isinstance(value, str):
        return [value]
    if isinstance(value, list) and depth < _DEEPEST:
        return [text for entry in value for text in _flat(row, name, entry, depth + 1)]
    raise OptionError(
        f"{row.place}: {name!r} holds something of type {type(value).__name__} where the text of an "
        "answer should be"
    )


def _answers(row: _Row, texts: list[str | None]) -> Answers:
    reasoning = _per_repeat(row.fields.get("reasoning"), len(texts))
    finish = _per_repeat(row.fields.get("finish_reason"), len(texts))
    return tuple(
        None
        if text is None
        else Response(text=text, reasoning=thought, finish_reason=reason)
        for text, thought, reason in zip(texts, reasoning, finish, strict=True)
    )


def _per_repeat(value: Any, repeats: int) -> list[str | None]:
    """Spread what was recorded beside the answers, where it is one text for each."""
    values = value if isinstance(value, list) else [value]
    if len(values) != repeats:
        return [None] * repeats
    return [entry if isinstance(entry, str) else None for entry in values]
