"""Tasks that ask for an analysis before the answer: variants of other tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.scoring import ScoringPlan, reasoned_plan
from pytest_evalkit.tasks.generation import without_bounds
from pytest_evalkit.tasks.source import Source

_SYSTEM_PROMPT = (
    "Answer in two parts. First reason about the question, between <analysis> and "
    "</analysis>. Then give your final answer, and nothing else, between <answer> and "
    "</answer>. If the question asks for an answer of a certain form, that form is for "
    "the final answer. Write nothing outside of the two parts."
)
_MAX_NEW_TOKENS = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningForm:
    """What a task says about the analysis that it asks for.

    Attributes:
        system_prompt: What asks for it.
        max_new_tokens: The most tokens of analysis and answer together.
        metric: The metric of the task that is reported as ``acc_score``; None for the
            first.
    """

    system_prompt: str = _SYSTEM_PROMPT
    max_new_tokens: int = _MAX_NEW_TOKENS
    metric: str | None = None

    def instruction(self, given: str | None) -> str:
        """Write the system message: what was given for the run, then what is asked."""
        return "\n\n".join(filter(None, [given, self.system_prompt]))

    def generation(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Give an answer room: another bound, and no stop texts."""
        return {**without_bounds(task), "max_new_tokens": self.max_new_tokens}

    def scoring(self, source: Source, plan: ScoringPlan) -> ScoringPlan:
        """Score the answer as the task does, and its form.

        Raises:
            TaskError: The task has no such metric.
        """
        try:
            return reasoned_plan(plan, self.metric)
        except OptionError as error:
            raise source.error(f"reasoning: {error}", "reasoning", "metric") from error

    def resolved(self) -> dict[str, Any]:
        """Write it down, defaults included."""
        return asdict(self)


def reasoning_form(source: Source) -> ReasoningForm | None:
    """Read what a task says under ``reasoning``; None where it asks for no analysis.

    Raises:
        TaskError: The task asks for no text in one answer, or the bound is no bound.
    """
    value = source.values.get("reasoning")
    if value is None or value is False:
        return None
    output_type = source.values.get("output_type") or "generate_until"
    if output_type != "generate_until":
        raise source.error(
            f"reasoning: output_type {output_type} has no one text to read an answer "
            "from; use generate_until",
            "reasoning",
        )
    given = {} if value is True else {k: v for k, v in value.items() if v is not None}
    if given.get("max_new_tokens", 1) < 1:
        raise source.error(
            f"reasoning.max_new_tokens is {given['max_new_tokens']}, but must be 1 or "
            "more",
            "reasoning",
            "max_new_tokens",
        )
    return ReasoningForm(**given)
