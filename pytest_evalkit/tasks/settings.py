"""What the command line says about every task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_WRITTEN = (
    *("num_fewshot", "system_instruction", "fewshot_as_multiturn", "prompt_variant"),
    *("model_name", "generation", "repeats", "fewshot_seed", "compat"),
    *("choice_as_generation", "predict_only"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettings:
    """What the command line says about every task; None leaves it to the task.

    Attributes:
        num_fewshot: Examples a prompt shows, zero or more.
        system_instruction: A system message.
        fewshot_as_multiturn: Whether examples are turns of a conversation.
        prompt_variant: Key of ``lmms_eval_specific_kwargs``.
        model_name: The model's name, which may be such a key too.
        generation: Generation arguments, merged over the task's.
        repeats: How often each document is asked, at least once.
        fewshot_seed: Starts the stream that draws examples, one stream per task.
        confirm_unsafe: Whether tasks may run that execute what a model writes.
        compat: ``strict`` keeps known faults of the published systems, ``fixed`` does
            not.
        choice_as_generation: Whether choices are asked for by their letters.
        predict_only: Whether answers are only recorded, and not scored.
    """

    num_fewshot: int | None = None
    system_instruction: str | None = None
    fewshot_as_multiturn: bool | None = None
    prompt_variant: str | None = None
    model_name: str | None = None
    generation: Mapping[str, Any] = field(default_factory=dict)
    repeats: int | None = None
    fewshot_seed: int = 1234
    confirm_unsafe: bool = False
    compat: str = "fixed"
    choice_as_generation: bool = False
    predict_only: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Write the settings as JSON values, but for leave to run code."""
        return {name: getattr(self, name) for name in _WRITTEN}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TaskSettings:
        """Read settings as they were written; what is absent is left to the task."""
        return cls(**{name: values[name] for name in _WRITTEN if name in values})

    def is_by_letter(self, values: Mapping[str, Any]) -> bool:
        """Tell whether the choices of a task, given its keys, are asked for by letter."""
        return (
            values.get("output_type") == "multiple_choice" and self.choice_as_generation
        )
