"""The tasks of a run: read from their files as the command line wants them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pytest

from pytest_evalkit.errors import TaskError
from pytest_evalkit.models.arguments import parse_model_args
from pytest_evalkit.models.backend import Backend
from pytest_evalkit.plugin.asked import asked_of
from pytest_evalkit.plugin.likelihoods import (
    require_drawing,
    require_likelihoods,
    require_likelihoods_of_class,
    require_speakers,
    require_unscheduled,
)
from pytest_evalkit.plugin.options import OPTIONS_KEY
from pytest_evalkit.plugin.rescoring import recorded_run, require_recorded
from pytest_evalkit.plugin.resuming import Resumption
from pytest_evalkit.results.identity import short_text
from pytest_evalkit.scoring import DEFAULT_REASONING_TAGS, parse_reasoning_tags
from pytest_evalkit.tasks import (
    DataSources,
    OpenedTask,
    Task,
    TaskReference,
    TaskSettings,
    load_task,
    task_identity,
)
from pytest_evalkit.tasks.generation import require_spelling


class RunTasks:
    """The tasks that one process of a run knows.

    Attributes:
        opened: Those with their documents, by name.
        known: Those that results need, which may not be open here, by name.

    Args:
        config: pytest's configuration.
        backend: What answers, or None where a fixture will say.
        resumption: Gets what is taken from earlier sessions of the run; asked when a
            task is opened.
    """

    def __init__(
        self,
        config: pytest.Config,
        backend: Backend | None,
        resumption: Callable[[], Resumption | None],
    ) -> None:
        self._config = config
        self._options = config.stash[OPTIONS_KEY]
        self._backend = backend
        self._resumption = resumption
        self.opened: dict[str, OpenedTask] = {}
        self.known: dict[str, Task] = {}
        self._named: dict[tuple[Path, str | None], str] = {}

    @cached_property
    def reasoning_tags(self) -> tuple[tuple[str, str], ...]:
        """Pairs around thought, unless a task has its own."""
        if self._options.reasoning_tags is None:
            return DEFAULT_REASONING_TAGS
        return parse_reasoning_tags(self._options.reasoning_tags)

    @cached_property
    def settings(self) -> TaskSettings:
        """What the command line overrides in task files."""
        options, run = self._options, recorded_run(self._config)
        generation = parse_model_args(options.gen_kwargs)
        require_spelling(generation)
        return TaskSettings(
            num_fewshot=options.num_fewshot,
            system_instruction=options.system_instruction,
            fewshot_as_multiturn=options.fewshot_as_multiturn,
            prompt_variant=options.prompt_variant,
            model_name=options.model if run is None else run.variant_model,
            generation=generation,
            repeats=options.repeats,
            fewshot_seed=options.seed,
            compat=options.compat,
            choice_as_generation=options.choice_as_generation,
            confirm_unsafe=options.allow_code_execution,
            predict_only=options.predict_only,
        )

    def open(self, path: Path, reference: TaskReference | None = None) -> OpenedTask:
        """Load a task and open its documents; once.

        Args:
            path: The task file.
            reference: What was asked for of it, or None for the task as it is there.

        Raises:
            TaskError: The file is wrong, or its documents cannot be read.
            UnsuitedModelError: The model cannot do what the task asks.
        """
        key = (path, None if reference is None else reference.name)
        if key not in self._named:
            sources = DataSources(
                data_dir=self._options.data_dir,
                use_sample=self._options.use_sample,
                media_dirs=self._options.media_dirs,
                allows_private_media=self._options.allow_private_media,
            )
            task = self.load(path, reference)
            require_recorded(self._config, task)
            require_likelihoods(self._backend, task)
            require_drawing(self._backend, task)
            self._refuse_namesake(task)
            opened = task.open(sources)
            require_likelihoods_of_class(self._backend, opened)
            require_speakers(self._backend, opened)
            require_unscheduled(self._options, opened)
            resumption = self._resumption()
            if resumption is not None:
                resumption.compare_task(opened, self.identity_of(task))
            self.opened[task.name] = opened
            self._named[key] = task.name
        return self.opened[self._named[key]]

    def load(
        self,
        path: Path,
        reference: TaskReference | None = None,
        *,
        may_run_code: bool | None = None,
    ) -> Task:
        """Load a task, as the command line and the groups above it want it.

        Args:
            path: The task file.
            reference: What was asked for of it, or None for the task as it is there.
            may_run_code: Whether a task that runs code may be loaded; None for what
                the command line says.

        Raises:
            TaskError: The file is wrong.
        """
        settings = self.settings
        if may_run_code is not None:
            settings = replace(settings, confirm_unsafe=may_run_code)
        if reference is None:
            return load_task(path, settings)
        return load_task(path, settings, reference.overrides, reference.name)

    def identity_of(self, task: Task) -> dict[str, str]:
        """Tell by what a task is known again, each aspect with a short text."""
        tags = task.tags_of_thought(self.reasoning_tags)
        identity = task_identity(task, self.settings, tags)
        return {name: short_text(value) for name, value in identity.items()}

    def path_of(self, name: str) -> Path | None:
        """Find the file of a task or group; None where it has none."""
        task = self.known.get(name)
        if task is not None:
            return task.path
        groups = asked_of(self._config).groups
        return next((group.path for group in groups if group.name == name), None)

    def _refuse_namesake(self, task: Task) -> None:
        """Refuse a second task of one name: their results would run into one."""
        namesake = self.opened.get(task.name)
        if namesake is not None:
            raise TaskError(
                f"task {task.name!r} is also in {namesake.task.path}; rename one of "
                "them, or run them one after the other",
                path=task.path,
            )
