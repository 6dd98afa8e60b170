"""The conversations of a task: each is one document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import CodecError, encode
from pytest_evalkit.conversations import (
    Conversation,
    conversation_dict,
    conversations_of,
    read_conversations,
    require_playable,
)
from pytest_evalkit.errors import DatasetError, UnsuitedModelError
from pytest_evalkit.tasks.documents import Documents, files_fingerprint
from pytest_evalkit.tasks.locations import DataSources, LocalFiles, locate
from pytest_evalkit.tasks.reading import read_documents
from pytest_evalkit.tasks.recipe import Recipe
from pytest_evalkit.tasks.source import Source

ID_COLUMN = "conversation_id"
TARGET = "target"
"""What a client row may say besides: what is right to answer, a text or several."""
PLACEHOLDER = "placeholder"
"""What a row of the assistant may say besides: true where nobody recorded what it says,
so that only a live conversation can go on after it."""

_COLUMNS = (ID_COLUMN, "system", "turns")


class ConversationDocuments:
    """Conversations as documents, written out when they are asked for.

    Attributes:
        conversations: As they were read, in order.

    Args:
        conversations: The same.
        folder: Where relative paths in them start, or None.
        fingerprint: Identifies their content; called when it is first wanted.
    """

    def __init__(
        self,
        conversations: Sequence[Conversation],
        *,
        folder: Path | None,
        fingerprint: Callable[[], str],
    ) -> None:
        self.conversations = tuple(conversations)
        self._folder = folder
        self._fingerprint = lru_cache(maxsize=1)(fingerprint)
        others = (key for one in self.conversations for key in one.others)
        self._columns = tuple(dict.fromkeys((*_COLUMNS, *others)))

    @property
    def columns(self) -> Sequence[str]:
        """Its id, its system's text, its turns, and what lines say besides."""
        return self._columns

    @property
    def folder(self) -> Path | None:
        """Where relative paths start, or None where unknown."""
        return self._folder

    def __len__(self) -> int:
        return len(self.conversations)

    def __getitem__(self, index: int) -> dict[str, Any]:
        empty = dict.fromkeys(self._columns)
        return {**empty, **conversation_dict(self.conversations[index])}

    def column(self, name: str) -> Sequence[Any]:
        """Read one column of every conversation."""
        if name == ID_COLUMN:
            return [one.id for one in self.conversations]
        if name in _COLUMNS:
            return [self[index][name] for index in range(len(self))]
        return [one.others.get(name) for one in self.conversations]

    def fingerprint(self) -> str:
        """Identify the content of the data."""
        return self._fingerprint()


def open_conversations(recipe: Recipe, sources: DataSources) -> ConversationDocuments:
    """Open the conversations of the split that is evaluated.

    JSONL files are read as they are, with their lines in what is told of them; anything
    else, and what ``process_docs`` makes, row by row.

    Raises:
        ConversationError: They break rules; tells of all of them at once.
        DatasetError: They cannot be read, or a turn asks for what cannot be given.
        TaskError: One cannot be led as the task says.
    """
    source = recipe.source
    location = locate(source, recipe.split, sources)
    process_docs = recipe.values.get("process_docs")
    is_plain = isinstance(location, LocalFiles) and location.is_json_lines
    if isinstance(location, LocalFiles) and is_plain and process_docs is None:
        documents = _of_files(location.files)
    else:
        rows = read_documents(
            location, source, process_docs=process_docs, is_decoding=False
        )
        documents = ConversationDocuments(
            conversations_of(_lines(rows, source)),
            folder=rows.folder,
            fingerprint=rows.fingerprint,
        )
    for conversation in documents.conversations:
        _check(recipe, conversation)
    return documents


def _of_files(files: Sequence[Path]) -> ConversationDocuments:
    conversations: list[Conversation] = []
    first: dict[str, Path] = {}
    for file in files:
        for conversation in read_conversations(file):
            other = first.setdefault(conversation.id, file)
            if other != file:
                raise DatasetError(
                    f"conversation {conversation.id!r} is also in {other}; each needs "
                    "an id of its own",
                    path=file,
                    line=conversation.turns[0].line,
                )
            conversations.append(conversation)
    return ConversationDocuments(
        conversations,
        folder=files[0].parent,
        fingerprint=lambda: files_fingerprint(files),
    )


def _lines(rows: Documents, source: Source) -> Iterator[str]:
    try:
        for index in range(len(rows)):
            yield encode(rows[index]).decode()
    except CodecError as error:
        raise source.error(
            f"a conversation is JSON alone: {error}", "dataset_path"
        ) from error


def _check(recipe: Recipe, conversation: Conversation) -> None:
    """Refuse before anything is asked what could not be done later."""
    assert recipe.conversation is not None, "it has conversations"
    try:
        require_playable(conversation, recipe.conversation.dialogue)
    except UnsuitedModelError as error:
        raise recipe.source.error(str(error), "conversation", "history") from error
    path = recipe.source.path
    held = [turn for turn in conversation.turns if turn.others.get(PLACEHOLDER)]
    if held and recipe.conversation.dialogue.history == "dataset":
        raise recipe.source.error(
            f"conversation {conversation.id!r} has a placeholder for what the assistant "
            f"says (turn {held[0].number}, line {held[0].line}), which cannot be shown; "
            "use history: live",
            "conversation",
            "history",
        )
    for turn in conversation.client_turns:
        named = f"conversation {conversation.id!r}, turn {turn.number}"
        if turn.settings.parameters.extra.get("n", 1) != 1:
            raise DatasetError(
                f"{named} (line {turn.line}): n must be 1: a turn has one answer",
                path=path,
            )
        if not _is_target(turn.others.get(TARGET, "")):
            raise DatasetError(
                f"{named} (line {turn.line}): target must be a text or a list of "
                f"texts, got {turn.others[TARGET]!r}",
                path=path,
            )


def _is_target(value: Any) -> bool:
    listed = value if isinstance(value, list) else [value]
    return bool(listed) and all(isinstance(one, str) for one in listed)
