"""What is asked about a document, and what is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from pytest_evalkit.scoring import AnswerKey
from pytest_evalkit.tasks.conversation_plan import ConversationPlan
from pytest_evalkit.tasks.rounds import Rounds
from pytest_evalkit.values import Request


class Asked(Struct, frozen=True, kw_only=True):
    """What is asked about a document, and what is right.

    Attributes:
        target: The expected answer as the record tells it, or None.
        key: What scoring compares with.
        requests: At least one, in the order of scoring.
        rounds: How the dialogue goes on after each answer; None where there is none.
        read: Takes from an answer what is scored; None to score it as it is.
        conversation: How the document is led, which is a conversation; None for any
            other.
    """

    target: Any
    key: AnswerKey
    requests: tuple[Request, ...]
    rounds: Rounds | None = None
    read: Callable[[str], str] | None = None
    conversation: ConversationPlan | None = None


class Asking(Protocol):
    """Writes what is asked about documents."""

    def ask(self, index: int, doc: dict[str, Any]) -> Asked:
        """Write what is asked about a document.

        Args:
            index: Its position in its split.
            doc: The document.

        Raises:
            TaskError: A field of the task does not work for it.
            DatasetError: A medium of it cannot be read.
        """
        ...
