"""From a document to the messages that ask its question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pytest_evalkit.messages import MediaPart, Message, TextPart, media_part

Doc = Mapping[str, Any]


class Shot(NamedTuple):
    """A question with its answer, shown before the one that is asked.

    Attributes:
        text: The question.
        answer: The answer; empty where the document has none to show.
    """

    text: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """How a task asks; its functions are bound to the documents' columns.

    Attributes:
        text: The question.
        description: What stands before everything else, for each document.
        shots: The questions and answers to show, by position and document; None
            where none are shown.
        visuals: The media of the question; None for a task of text alone.
        target_delimiter: Stands between a shown question and its answer.
        fewshot_delimiter: Stands after a shown answer.
        system_instruction: A message of its own before the prompt, or None.
        is_multiturn: Whether shots are turns of a conversation.
        folders: Where relative paths of images may start, in order.
    """

    text: Callable[[Doc], str]
    description: Callable[[Doc], str]
    shots: Callable[[int, Doc], Sequence[Shot]] | None
    visuals: Callable[[Doc], list[Any]] | None
    target_delimiter: str
    fewshot_delimiter: str
    system_instruction: str | None
    is_multiturn: bool
    folders: tuple[Path, ...]

    def messages(self, index: int, doc: Doc) -> tuple[Message, ...]:
        """Ask the question of a document.

        Args:
            index: The position of the document in its split.
            doc: The document.

        Raises:
            TaskError: A field has no text for this document.
            DatasetError: A medium cannot be read.
        """
        shots = self.shots(index, doc) if self.shots is not None else ()
        if self.is_multiturn:
            return self._conversation(doc, shots)
        text = self.description(doc) + self._plain(shots) + self.text(doc)
        question = self._question(doc, text)
        if self.system_instruction is None:
            return (question,)
        return (Message.of_text("system", self.system_instruction), question)

    def _plain(self, shots: Sequence[Shot]) -> str:
        return "".join(
            f"{shot.text}{self.target_delimiter}{shot.answer}{self.fewshot_delimiter}"
            # Nothing follows a question that has no answer, not even a delimiter.
            if shot.answer
            else shot.text
            for shot in shots
        )

    def _conversation(self, doc: Doc, shots: Sequence[Shot]) -> tuple[Message, ...]:
        messages: list[Message] = []
        system = _joined(
            self.system_instruction or "", self.description(doc), self.fewshot_delimiter
        )
        if system:
            messages.append(Message.of_text("system", system))
        for shot in shots:
            messages.append(Message.of_text("user", shot.text))
            if shot.answer:
                messages.append(Message.of_text("assistant", shot.answer))
        messages.append(self._question(doc, self.text(doc)))
        return tuple(messages)

    def _question(self, doc: Doc, text: str) -> Message:
        if self.visuals is None:
            return Message.of_text("user", text)
        media = [self._medium(value) for value in self.visuals(doc)]
        return Message("user", (*media, TextPart(text)))

    def _medium(self, value: Any) -> MediaPart:
        part = media_part(self._resolved(value))
        # Reading it tells now, and of this document, that it is missing or damaged.
        _ = part.source.sha256
        return part

    def _resolved(self, medium: Any) -> Any:
        """Find the file that a relative path means; leave everything else."""
        if not isinstance(medium, str | Path):
            return medium
        for folder in self.folders:
            if (folder / medium).is_file():
                return folder / medium
        return medium


def _joined(left: str, right: str, delimiter: str) -> str:
    """Join two texts; white space on either side of the seam is delimiter enough."""
    if not left or not right:
        return left + right
    if left[-1].isspace() or right[0].isspace():
        return left + right
    return left + delimiter + right
