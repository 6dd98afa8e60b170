"""Refusing tasks that ask of a model what it cannot do: likelihoods, drawings, talk."""

from __future__ import annotations

from pytest_evalkit.errors import UnsuitedModelError
from pytest_evalkit.models.backend import (
    Backend,
    DrawingBackend,
    LoglikelihoodBackend,
    SpeakerlessBackend,
)
from pytest_evalkit.plugin.load import pattern_of
from pytest_evalkit.plugin.run_options import RunOptions
from pytest_evalkit.tasks import OpenedTask, Task
from pytest_evalkit.tools import toolbox_of
from pytest_evalkit.values import Generate


def require_likelihoods(backend: Backend | None, task: Task) -> None:
    """Refuse a task of likelihoods where the model tells none.

    Args:
        backend: What answers, or None where a fixture will say.
        task: The task.

    Raises:
        UnsuitedModelError: The model cannot do the task; says what to do.
    """
    if task.needs_likelihoods and _tells_none(backend):
        assert backend is not None
        raise _refused(backend, task)


def require_likelihoods_of_class(backend: Backend | None, opened: OpenedTask) -> None:
    """Refuse a task whose class asks for likelihoods where the model tells none.

    The first document shows what the class asks for.

    Args:
        backend: As above.
        opened: The task with its documents.

    Raises:
        UnsuitedModelError: The model cannot do the task; says what to do.
        TaskError: The class fails for its first document.
    """
    if not opened.task.is_constructing or not _tells_none(backend):
        return
    requests = opened.prepare(0).requests
    if not all(isinstance(request, Generate) for request in requests):
        assert backend is not None
        raise _refused(backend, opened.task)


def require_drawing(backend: Backend | None, task: Task) -> None:
    """Refuse a task of visual chain of thought where the model draws nothing.

    Args:
        backend: As above.
        task: The task.

    Raises:
        UnsuitedModelError: The model cannot do the task; says what to do.
    """
    if task.output_type != "generate_visual_cot" or backend is None:
        return
    if isinstance(backend, DrawingBackend) and backend.draws_images:
        return
    raise UnsuitedModelError(
        _place(task),
        "has the model draw an image before it answers, which model "
        f"{backend.model_name!r} cannot do; use a model class of your own that can and "
        "says so by draws_images = True",
    )


def require_speakers(backend: Backend | None, opened: OpenedTask) -> None:
    """Refuse a task of conversations where the model cannot hold them.

    Args:
        backend: As above.
        opened: The task with its documents.

    Raises:
        UnsuitedModelError: The model cannot do the task; says what to do.
    """
    if opened.task.conversation is None or backend is None:
        return
    if isinstance(backend, SpeakerlessBackend) and backend.knows_no_speakers:
        raise UnsuitedModelError(
            _place(opened.task),
            f"has several speakers, of which model {backend.model_name!r} knows nothing: "
            "it continues a text; use --model openai",
        )
    if toolbox_of(backend) is not None and opened.tool_names:
        raise UnsuitedModelError(
            _place(opened.task),
            "offers tools of its own, which do not go with those of mcp_server; leave "
            "mcp_server out",
        )


def require_unscheduled(options: RunOptions, opened: OpenedTask) -> None:
    """Refuse conversations where requests are to be sent by the clock.

    Raises:
        UnsuitedModelError: They are: a turn can only follow the answer to the last one.
    """
    pattern = pattern_of(options)
    if opened.task.conversation is None or pattern is None or not pattern.is_timed:
        return
    raise UnsuitedModelError(
        _place(opened.task),
        "has turns that follow each other, and cannot be sent by the clock of "
        f"--load-pattern {pattern.name}; use --load-pattern conversation with "
        "--concurrency N",
    )


def _place(task: Task) -> str:
    return f"{task.path}: task {task.name!r} ({task.output_type})"


def _tells_none(backend: Backend | None) -> bool:
    return backend is not None and not isinstance(backend, LoglikelihoodBackend)


def _refused(backend: Backend, task: Task) -> UnsuitedModelError:
    remedy = "use --model openai-completions with a server that echoes logprobs"
    if task.output_type == "multiple_choice":
        remedy += (
            ", or --choice-as-generation to ask for the letter of a choice, which is "
            "scored as choice_acc"
        )
    return UnsuitedModelError(
        _place(task),
        f"asks for likelihoods, which model {backend.model_name!r} does not tell; "
        f"{remedy}",
    )
