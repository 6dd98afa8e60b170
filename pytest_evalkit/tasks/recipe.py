"""What is needed to open a task: what its file and the command line say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.tasks.constructing import Constructing
from pytest_evalkit.tasks.conversation_rules import ConversationRules
from pytest_evalkit.tasks.prompt import Delimiters
from pytest_evalkit.tasks.python_tasks import PythonTask
from pytest_evalkit.tasks.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A task's file with functions in place of references, and what was decided.

    Attributes:
        source: The file, for messages and for where data are.
        values: Its keys; functions are callable.
        output_type: What is asked of the model.
        num_fewshot: How many examples each prompt shows.
        fewshot_seed: Starts the stream that draws them.
        system_instruction: A system message, or None.
        is_multiturn: Whether examples are turns of a conversation.
        kwargs: Second argument of the task's functions, or None.
        target_kwargs: The same for ``doc_to_target``, of any type, or None for the
            common one.
        id_column: The column that names documents, or None to look for one.
        keywords: Columns by which documents can be selected.
        group_by: What documents that belong together share: a column, a list of
            columns, a template or a function; None where each stands alone.
        is_strict: Whether known faults of the published systems are kept.
        is_reasoned: Whether answers come with their analysis.
        is_choice_as_generation: Whether a choice is asked for by its letter.
        python: The class that the task is written as, or None.
        constructing: How that class asks; None where the keys say how.
        conversation: How conversations are led; None where documents are none.
    """

    source: Source
    values: Mapping[str, Any]
    output_type: str = "generate_until"
    num_fewshot: int
    fewshot_seed: int
    system_instruction: str | None
    is_multiturn: bool
    kwargs: Mapping[str, Any] | None
    target_kwargs: Any
    id_column: str | None
    keywords: tuple[str, ...]
    group_by: Any = None
    is_strict: bool = False
    is_reasoned: bool = False
    is_choice_as_generation: bool = False
    python: PythonTask | None = None
    constructing: Constructing | None = None
    conversation: ConversationRules | None = None

    @property
    def split(self) -> str:
        """The split that is evaluated."""
        return str(self.values.get("test_split") or self.values["validation_split"])

    @property
    def fewshot(self) -> Mapping[str, Any]:
        """What ``fewshot_config`` says; empty where there is none."""
        return self.values.get("fewshot_config") or {}

    @property
    def fewshot_split(self) -> str | None:
        """The split that examples are said to come from, or None."""
        own = self.values.get("fewshot_split")
        split = self.fewshot.get("split", own)
        return None if split is None else str(split)

    @property
    def delimiters(self) -> Delimiters:
        """What stands between the parts of a prompt."""
        target = _first(self.values.get("target_delimiter"), " ")
        behind = _first(self.values.get("fewshot_delimiter"), "\n\n")
        return Delimiters(
            target=target,
            fewshot=behind,
            shot_target=_first(self.fewshot.get("target_delimiter"), target),
            shot=_first(self.fewshot.get("fewshot_delimiter"), behind),
        )

    @property
    def is_interleaving(self) -> bool:
        """Whether media stand at their tokens in a question, or before it."""
        said = self.values.get("interleave_visuals")
        return self.source.dialect == "lm" if said is None else bool(said)

    @property
    def has_positions(self) -> bool:
        """Whether the question may be the position of one of several inputs."""
        is_choosing = self.output_type == "multiple_choice"
        return is_choosing and self.values.get("doc_to_choice") is not None

    def is_choice(self, target: Any) -> bool:
        """Tell whether a target is the text of a choice that the file itself lists."""
        choices = self.values.get("doc_to_choice")
        if isinstance(choices, dict):
            choices = list(choices.values())
        return isinstance(choices, list) and target in choices


def _first(*values: Any) -> str:
    return str(next(value for value in values if value is not None))
