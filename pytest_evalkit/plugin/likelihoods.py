"""Refusing tasks that ask a model for likelihoods which it does not tell."""

from __future__ import annotations

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.backend import Backend, LoglikelihoodBackend
from pytest_evalkit.plugin.refusal import note_refusal
from pytest_evalkit.tasks import Task


def require_likelihoods(
    config: pytest.Config, backend: Backend | None, task: Task
) -> None:
    """Refuse a task of likelihoods where the model tells none.

    Args:
        config: pytest's configuration, which learns that the command line is wrong.
        backend: What answers, or None where a fixture will say.
        task: The task.

    Raises:
        OptionError: The model cannot do the task; says what to do.
    """
    if backend is None or not task.needs_likelihoods:
        return
    if isinstance(backend, LoglikelihoodBackend):
        return
    note_refusal(config)
    remedy = "use --model openai-completions with a server that echoes logprobs"
    if task.output_type == "multiple_choice":
        remedy += (
            ", or --choice-as-generation to ask for the letter of a choice, which is "
            "scored as choice_acc"
        )
    raise OptionError(
        f"{task.path}: task {task.name!r} ({task.output_type}) asks for likelihoods, "
        f"which model {backend.model_name!r} does not tell; {remedy}"
    )
