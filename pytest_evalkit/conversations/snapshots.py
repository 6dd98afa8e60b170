"""Growing snapshot logs turned into rows, and the proof that nothing was lost.

An agent's log has a line for each request: ``conversation_id``, ``conversation_idx``,
``messages`` as far as they went, ``tools``. The last snapshot of a conversation holds
all the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.conversations.conversation import Conversation
from pytest_evalkit.conversations.fields import is_missing, whole
from pytest_evalkit.conversations.problems import ConversationError, Problem
from pytest_evalkit.conversations.prompt import recorded_prompts
from pytest_evalkit.conversations.reading import conversations_of
from pytest_evalkit.conversations.whole import rows_of
from pytest_evalkit.messages import to_openai_messages

Said = dict[str, Any]

_ANSWERS = "assistant"


class Snapshot(NamedTuple):
    """One line of a log.

    Attributes:
        line: From one.
        conversation: The conversation's id as a text.
        place: How far it had gone; the highest is the last.
        said: The line.
    """

    line: int
    conversation: str
    place: int
    said: Mapping[str, Any]

    @property
    def messages(self) -> list[Said]:
        """The messages, without what is missing."""
        return [_present(message) for message in self.said["messages"]]


def snapshots_of(lines: Iterable[str]) -> list[Snapshot]:
    """Read the lines of a log; empty ones are passed over.

    Raises:
        ConversationError: A line is no snapshot; tells of all that are not.
    """
    found: list[Snapshot] = []
    problems: list[Problem] = []
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            found.append(_snapshot(line, decode(text)))
        except (CodecError, ValueError) as error:
            problems.append(Problem(line, None, None, str(error)))
    if problems:
        raise ConversationError(problems)
    return found


def converted(snapshots: Sequence[Snapshot]) -> list[Said]:
    """Write the last snapshot of each conversation as rows.

    Messages of a user that follow each other are joined by an empty line, and results
    of tools that do so are one row. Conversations come in the order of their first
    snapshots.
    """
    return [row for one in _last(snapshots).values() for row in _rows(one)]


def located(
    problems: Iterable[Problem], snapshots: Sequence[Snapshot]
) -> list[Problem]:
    """Tell problems of converted rows by the lines of the log that they come from.

    Args:
        problems: As the reader of the rows tells them.
        snapshots: The log.
    """
    last = _last(snapshots)
    return [
        problem._replace(line=last[problem.conversation].line)
        if problem.conversation in last
        else problem
        for problem in problems
    ]


def mismatches(snapshots: Sequence[Snapshot], rows: Iterable[Said]) -> list[Problem]:
    """Compare what rows make a model see with what the log says that it saw.

    The prompt of every client turn is built anew and held against the messages of the
    last snapshot up to there; and every earlier snapshot must be a beginning of it,
    for what it asked to be asked again.

    Args:
        snapshots: The log.
        rows: What was made of it.

    Returns:
        What differs, by the line of the log; empty where nothing does.

    Raises:
        ConversationError: The rows are no conversations.
    """
    last = _last(snapshots)
    lines = [encode(row).decode() for row in rows]
    rebuilt = {one.id: one for one in conversations_of(lines)} if lines else {}
    found = [
        Problem(one.line, one.conversation, None, "the conversation is not in the rows")
        for one in last.values()
        if one.conversation not in rebuilt
    ]
    for one in last.values():
        if one.conversation in rebuilt:
            found += _differences(one, rebuilt[one.conversation])
    return [*found, *_detours(snapshots, last)]


def _snapshot(line: int, said: Any) -> Snapshot:
    if not isinstance(said, dict) or "messages" not in said:
        raise ValueError("a snapshot is an object with messages")
    conversation = said.get("conversation_id")
    if isinstance(conversation, bool) or not isinstance(conversation, str | int):
        raise ValueError(  # noqa: TRY004 - the value of a file
            f"conversation_id must be a text, got {conversation!r}"
        )
    place = whole(said.get("conversation_idx"))
    if place is None:
        given = said.get("conversation_idx")
        raise ValueError(f"conversation_idx must be a whole number, got {given!r}")
    messages = said["messages"]
    if (
        not isinstance(messages, list)
        or not messages
        or not all(isinstance(message, dict) for message in messages)
    ):
        raise ValueError("messages must be a list of objects that is not empty")
    return Snapshot(line, str(conversation), place, said)


def _last(snapshots: Iterable[Snapshot]) -> dict[str, Snapshot]:
    last: dict[str, Snapshot] = {}
    for one in snapshots:
        known = last.get(one.conversation)
        if known is None or one.place >= known.place:
            last[one.conversation] = one
    return last


def _rows(snapshot: Snapshot) -> Iterator[Said]:
    whole_said = {
        "conversation_id": snapshot.conversation,
        "messages": _joined(snapshot.messages),
    }
    if not is_missing(snapshot.said.get("tools")):
        whole_said["tools"] = snapshot.said["tools"]
    return (_present(row) for row in rows_of(whole_said))


def _joined(messages: Iterable[Said]) -> list[Said]:
    """Join messages of a user that follow each other, where they are texts."""
    joined: list[Said] = []
    for role, together in groupby(messages, key=lambda message: message.get("role")):
        said = list(together)
        texts = [message.get("content") for message in said]
        if role == "user" and all(isinstance(text, str) for text in texts):
            said = [said[0] | {"content": "\n\n".join(map(str, texts))}]
        joined += said
    return joined


def _differences(snapshot: Snapshot, rebuilt: Conversation) -> Iterator[Problem]:
    seen = _beginnings(_joined(snapshot.messages))
    prompts = list(recorded_prompts(rebuilt))
    for prompt, expected in zip(prompts, seen, strict=False):
        if to_openai_messages(prompt.messages) != [_wire(one) for one in expected]:
            yield Problem(
                *(snapshot.line, snapshot.conversation, prompt.turn),
                "what the model is shown is not what the log has",
            )
    if len(prompts) != len(seen):
        text = f"{len(prompts)} requests would be made, and the log has {len(seen)}"
        yield Problem(snapshot.line, snapshot.conversation, None, text)


def _beginnings(messages: Sequence[Said]) -> list[Sequence[Said]]:
    """List what stood before each answer, and before one still to come."""
    ends = [
        place
        for place, message in enumerate(messages)
        if message.get("role") == _ANSWERS
    ]
    if messages[-1].get("role") != _ANSWERS:
        ends.append(len(messages))
    return [messages[:end] for end in ends]


def _wire(message: Said) -> Said:
    """Write a message of a log as it is sent: arguments as text, content null."""
    said = dict(message)
    if said.get("role") == "developer":
        said["role"] = "system"
    if "tool_calls" in said:
        said.setdefault("content", None)
        said["tool_calls"] = [_wire_call(call) for call in said["tool_calls"]]
    return said


def _wire_call(call: Said) -> Said:
    arguments = call["function"]["arguments"]
    if not isinstance(arguments, str):
        arguments = encode(arguments).decode()
    return call | {"function": call["function"] | {"arguments": arguments}}


def _detours(
    snapshots: Iterable[Snapshot], last: Mapping[str, Snapshot]
) -> Iterator[Problem]:
    """Tell of snapshots that the last one does not begin with."""
    for one in snapshots:
        whole_said = last[one.conversation].messages
        messages = one.messages
        if messages != whole_said[: len(messages)]:
            yield Problem(
                *(one.line, one.conversation, None),
                f"snapshot {one.place} is no beginning of the last one; what it asked "
                "is not among the rows",
            )


def _present(said: Mapping[str, Any]) -> Said:
    return {key: value for key, value in said.items() if not is_missing(value)}
