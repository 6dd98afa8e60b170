"""From a document to the prompt that asks its question: as text, or as messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from pytest_evalkit.messages import MediaPart, Message, Part, TextPart
from pytest_evalkit.messages.interleaving import interleaved_parts

Doc = Mapping[str, Any]


class Turn(NamedTuple):
    """What one side says, and what follows it in a plain text.

    Attributes:
        role: Who says it.
        text: What is said.
        delimiter: What stands behind it where turns are joined to one text.
        media: What is shown with it.
    """

    role: Literal["user", "assistant"]
    text: str
    delimiter: str = ""
    media: tuple[MediaPart, ...] = ()


class Shot(NamedTuple):
    """A question with its answer, shown before the one that is asked.

    Attributes:
        text: The question.
        answer: The answer, or None where the document has none to show.
        prefix: How every answer begins, or the empty text.
        media: What is shown with the question.
    """

    text: str
    answer: str | None
    prefix: str = ""
    media: tuple[MediaPart, ...] = ()


class Opening(Struct, frozen=True, kw_only=True):
    """What stands before a document's question.

    Attributes:
        description: The task's description, rendered for the document.
        turns: The examples.
        prefix: How the answer begins, or the empty text.
    """

    description: str
    turns: tuple[Turn, ...]
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiters:
    """What stands between the parts of a prompt.

    Attributes:
        target: Between the question that is asked and its answer.
        fewshot: Between an instruction and a description.
        shot_target: Between a shown question and its answer.
        shot: After a shown answer.
    """

    target: str = " "
    fewshot: str = "\n\n"
    shot_target: str = " "
    shot: str = "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """How a task asks; its functions are bound to the documents' columns.

    Attributes:
        description: What stands before everything else, for each document.
        shots: The questions and answers to show, by position and document; None
            where none are shown.
        prefix: How the answer begins, for each document; None where the task does not
            say.
        media: The media of the question; None for a task of text alone.
        delimiters: What stands between the parts.
        system_instruction: What stands before the description, or None.
        is_multiturn: Whether shots are turns of a conversation.
        is_interleaving: Whether media stand where a question has a token for them,
            such as ``<image>``; else they stand before it.
    """

    description: Callable[[Doc], str]
    shots: Callable[[int, Doc], Sequence[Shot]] | None
    prefix: Callable[[Doc], str] | None
    media: Callable[[Doc], list[MediaPart]] | None
    delimiters: Delimiters
    system_instruction: str | None
    is_multiturn: bool
    is_interleaving: bool = False

    def opening(self, index: int, doc: Doc) -> Opening:
        """Write what stands before a document's question.

        Args:
            index: The position of the document in its split.
            doc: The document.

        Raises:
            TaskError: A field has no text for this document.
        """
        turns: list[Turn] = []
        if self.shots is not None:
            between, behind = self.delimiters.shot_target, self.delimiters.shot
            for shot in self.shots(index, doc):
                turns += turns_of(shot, between, behind)
        return Opening(
            description=self.description(doc),
            turns=tuple(turns),
            prefix=self.prefix(doc) if self.prefix is not None else "",
        )

    def text(self, opening: Opening, question: str, *, is_input: bool = False) -> str:
        """Write the whole prompt as one text.

        Args:
            opening: What stands before the question.
            question: The question.
            is_input: Whether it is one of several inputs to compare; nothing then
                stands between it and the beginning of the answer.
        """
        return self._system(opening) + self._plain(opening, question, is_input=is_input)

    def messages(
        self, opening: Opening, question: str, doc: Doc
    ) -> tuple[Message, ...]:
        """Write the prompt as what is said to a model that converses.

        Shots are turns of their own, or stand in the one message of the user. An
        instruction is a message of the system, with the description; without one, the
        description stands before the question unless shots are turns.

        Raises:
            DatasetError: A medium cannot be read.
        """
        is_framed = self.media or self.is_multiturn or self.system_instruction
        if not (is_framed or opening.turns or opening.prefix):
            return (Message.of_text("user", opening.description + question),)
        media = tuple(self.media(doc)) if self.media is not None else ()
        asked = self._asked(opening, question, media=media)
        if self.is_multiturn:
            return self._conversation(opening, asked)
        turns = (*opening.turns, *asked)
        if self.system_instruction is None:
            return (Message("user", self._joined(opening.description, turns)),)
        system = Message.of_text("system", self._system(opening))
        return (system, Message("user", self._joined("", turns)))

    def _system(self, opening: Opening) -> str:
        instruction = self.system_instruction or ""
        return joined(instruction, opening.description, self.delimiters.fewshot)

    def _asked(
        self,
        opening: Opening,
        question: str,
        *,
        is_input: bool = False,
        media: tuple[MediaPart, ...] = (),
    ) -> tuple[Turn, ...]:
        between = "" if is_input else self.delimiters.target
        return turns_of(Shot(question, None, opening.prefix, media), between, "")

    def _plain(self, opening: Opening, question: str, *, is_input: bool = False) -> str:
        asked = self._asked(opening, question, is_input=is_input)
        return _text((*opening.turns, *asked))

    def _conversation(
        self, opening: Opening, asked: Sequence[Turn]
    ) -> tuple[Message, ...]:
        messages: list[Message] = []
        system = self._system(opening)
        if system:
            messages.append(Message.of_text("system", system))
        messages.extend(
            Message(turn.role, self._shown(turn.text, turn.media))
            for turn in (*opening.turns, *asked)
        )
        return tuple(messages)

    def _joined(self, before: str, turns: Sequence[Turn]) -> tuple[Part, ...]:
        """Write turns as one message; each has its own media before it or in it."""
        shown = [turn.media for turn in turns if turn.media]
        if len(shown) <= 1:
            media = shown[0] if shown else ()
            return self._shown(before + _text(turns), media)
        parts: list[Part] = [TextPart(before)]
        for turn in turns:
            parts.extend(self._shown(turn.text + turn.delimiter, turn.media))
        return _merged(parts)

    def _shown(self, text: str, media: Sequence[MediaPart]) -> tuple[Part, ...]:
        parts = (*media, TextPart(text))
        return interleaved_parts(parts) if media and self.is_interleaving else parts


def turns_of(shot: Shot, between: str, behind: str) -> tuple[Turn, ...]:
    """Write a question and its answer, or how its answer begins.

    Args:
        shot: Both.
        between: Stands between a question and its answer; before the beginning of an
            answer only where there is no white space.
        behind: Stands after an answer. Nothing follows a question without one.
    """
    if shot.prefix:
        is_delimited = shot.text != "" and not _is_spaced(shot.text, shot.prefix)
    else:
        is_delimited = shot.answer is not None
    asked = Turn("user", shot.text, between if is_delimited else "", shot.media)
    if shot.answer is not None:
        answer = joined(shot.prefix, shot.answer, " ")
        return (asked, Turn("assistant", answer, behind))
    if shot.prefix:
        return (asked, Turn("assistant", shot.prefix))
    return (asked,)


def joined(left: str, right: str, delimiter: str) -> str:
    """Join two texts; white space on either side of the seam is delimiter enough."""
    if not left or not right:
        return left + right
    return left + right if _is_spaced(left, right) else left + delimiter + right


def _is_spaced(left: str, right: str) -> bool:
    return left[-1].isspace() or right[0].isspace()


def _text(turns: Sequence[Turn]) -> str:
    return "".join(turn.text + turn.delimiter for turn in turns)


def _merged(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Join texts that follow each other; leave out those that are empty."""
    merged: list[Part] = []
    for part in parts:
        last = merged[-1] if merged else None
        if not isinstance(part, TextPart):
            merged.append(part)
        elif isinstance(last, TextPart):
            merged[-1] = TextPart(last.text + part.text)
        elif part.text:
            merged.append(part)
    return tuple(merged)
