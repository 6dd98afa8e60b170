"""The request of the two projects, which their task classes construct."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Instance:
    """One question to a model, as a task class of lm-eval asks it.

    Attributes:
        request_type: ``generate_until``, ``loglikelihood``, ``loglikelihood_rolling``
            or ``multiple_choice``.
        doc: The document.
        arguments: What the model is asked with: the context, and the generation
            arguments or the continuation.
        idx: Position among the questions of the document.
        metadata: Task name, document id and number of repeats.
        resps: The responses.
        filtered_resps: What each filter made of them.
    """

    request_type: str
    doc: dict[str, Any]
    arguments: Any
    idx: int
    metadata: tuple[str | None, int | None, int | None] = (None, None, None)
    resps: list[Any] = field(default_factory=list)
    filtered_resps: dict[str, Any] = field(default_factory=dict)
    task_name: str | None = None
    doc_id: int | None = None
    repeats: int | None = None

    def __post_init__(self) -> None:
        """Take the metadata apart."""
        self.task_name, self.doc_id, self.repeats = self.metadata

    @property
    def args(self) -> tuple[Any, ...]:
        """The arguments, as a tuple even where there is only one."""
        if isinstance(self.arguments, tuple):
            return self.arguments
        return (self.arguments,)
