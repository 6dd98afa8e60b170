"""Scoring the answers of a run again: ``--rescore RUN``.

What that run was asked with holds again, unless the command line says otherwise: else
today's prompts would not be those that were answered. It counts as what an experiment
file says does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import EvalkitError, OptionError
from pytest_evalkit.plugin.experiment import PATHS, PYTEST, form
from pytest_evalkit.plugin.option import EXPERIMENT, Option
from pytest_evalkit.plugin.place import worker_input
from pytest_evalkit.plugin.refusal import note_refusal

if TYPE_CHECKING:
    from pytest_evalkit.results.recorded_run import RecordedRun
    from pytest_evalkit.tasks import Task

# What workers are told of the run: its path. For them the last may be another one.
_TOLD = "evalkit_rescore"
_RUN_KEY: pytest.StashKey[RecordedRun] = pytest.StashKey()
_LAST = "last"
_RESULTS = "results"
# What decides which documents there are and what is asked about them.
_ADOPTED = (
    *("limit", "offset", "shard", "repeats", "num_fewshot", "fewshot_as_multiturn"),
    *("choice_as_generation", "prompt_variant", "gen_kwargs", "compat", "seed"),
    *("reasoning_tags", "sample", "data_dir", "tasks", "include_path"),
)
_SELECTING = {"-k": "keyword", "-m": "markexpr"}


def begin(config: pytest.Config, given: str, options: Sequence[Option]) -> None:
    """Take in what the run was asked with.

    Args:
        config: pytest's configuration, before anything is collected.
        given: The run, as ``--rescore`` has it.
        options: All options.

    Raises:
        pytest.UsageError: There is no such run, or it does not say what it is.
    """
    try:
        run = config.stash[_RUN_KEY] = _found(config, given)
        said = run.agreed_options()
        written = _written(run, said, options)
    except EvalkitError as error:
        raise pytest.UsageError(str(error)) from None
    is_named = config.args_source is pytest.Config.ArgsSource.ARGS
    if is_named or config.getoption("evalkit_tasks"):
        written.pop("evalkit_tasks", None)
    else:
        _select(config, said)
    setattr(config.option, EXPERIMENT, written | getattr(config.option, EXPERIMENT, {}))


def _written(
    run: RecordedRun, said: Mapping[str, Any], options: Sequence[Option]
) -> dict[str, tuple[str, Any]]:
    """Write what holds again as an experiment file would have it."""
    place = f"--rescore {run.label}"
    written = {}
    for option in options:
        name = option.dest.removeprefix("evalkit_")
        value = said.get(name)
        if name in _ADOPTED and value not in (None, [], "", False):
            written[option.dest] = (place, form(option, _plain(value), place))
    instruction = run.said["settings"].get("system_instruction")
    if instruction is not None:
        written["evalkit_system_instruction"] = (place, instruction)
    return written


def _plain(value: Any) -> Any:
    """Write a share of the documents as the command line does."""
    is_share = isinstance(value, list) and all(isinstance(one, int) for one in value)
    return "/".join(map(str, value)) if is_share else value


def _select(config: pytest.Config, said: Mapping[str, Any]) -> None:
    """Collect what the run collected, since the command line names nothing."""
    paths = said.get(PATHS)
    if paths:
        config.args[:] = paths
        config.args_source = pytest.Config.ArgsSource.ARGS
    arguments = said.get(PYTEST) or ()
    for flag, value in zip(arguments[::2], arguments[1::2], strict=False):
        name = _SELECTING.get(flag)
        if name is not None and not config.getoption(name):
            setattr(config.option, name, value)


def _found(config: pytest.Config, given: str) -> RecordedRun:
    """Find the run that ``--rescore`` names.

    Raises:
        OptionError: There is none.
    """
    from pytest_evalkit.results.recorded_run import RecordedRun, last_run

    folder = config.invocation_params.dir
    named: str = worker_input(config).get(_TOLD, given)
    if named != _LAST:
        return RecordedRun(folder / named, named)
    path = last_run(folder / (config.getoption("evalkit_output_path") or _RESULTS))
    return RecordedRun(path, os.path.relpath(path, folder))


def recorded_run(config: pytest.Config) -> RecordedRun | None:
    """Get the run whose answers are scored again; None where a model is asked."""
    return config.stash.get(_RUN_KEY, None)


def tell(config: pytest.Config, told: dict[str, Any]) -> None:
    """Tell a worker which run it is, in its input."""
    told[_TOLD] = config.stash[_RUN_KEY].label


def require_recorded(config: pytest.Config, task: Task) -> None:
    """Refuse a task that the run to be scored again did not ask.

    Raises:
        OptionError: It did not.
    """
    run = recorded_run(config)
    if run is None:
        return
    try:
        run.require(task.name)
    except OptionError:
        note_refusal(config)
        raise
