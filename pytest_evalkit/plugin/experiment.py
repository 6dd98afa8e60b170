"""Taking options from an experiment file: ``--eval-config FILE``.

The file is read before conftest files are imported, so that its environment variables
are there when they import heavy libraries. Workers get what it said with the options
that xdist hands them, and read nothing again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.plugin.option import EXPERIMENT, Option
from pytest_evalkit.results.experiment import ENV, Experiment, read_experiment

# What the file may say beside options: what pytest collects, and more of its arguments.
PATHS = "paths"
PYTEST = "pytest"


def begin(
    config: pytest.Config, args: list[str], given: str, options: Sequence[Option]
) -> None:
    """Take an experiment file in.

    Args:
        config: pytest's configuration, at the very start.
        args: The command line, to which its paths and arguments are added.
        given: The file, as ``--eval-config`` has it.
        options: The options that it may name.

    Raises:
        pytest.UsageError: It cannot be read, or a key or value in it is wrong.
    """
    if hasattr(config.option, EXPERIMENT):
        return
    try:
        experiment = read_experiment(given, os.environ)
        values = _by_option(experiment, options)
    except OptionError as error:
        raise pytest.UsageError(str(error)) from None
    os.environ.update(experiment.env)
    setattr(config.option, EXPERIMENT, values)
    # Before what the user gave, of which the last word counts.
    args[:0] = _texts(experiment, PYTEST)
    if not config.known_args_namespace.file_or_dir:
        args.extend(_texts(experiment, PATHS))


def _by_option(
    experiment: Experiment, options: Sequence[Option]
) -> dict[str, tuple[str, Any]]:
    """Get the place and value of each option, by the name of its value."""
    known = {_key(name): option for option in options for name in option.names}
    valid = {*known, PATHS, PYTEST, ENV} - {"eval_config"}
    values: dict[str, tuple[str, Any]] = {}
    for name, value in experiment.values.items():
        place = experiment.place(name)
        if name not in valid:
            raise OptionError(
                f"{place}: unknown key {name!r}; {suggestion(name, valid)}"
                + _all_of(valid)
            )
        if name in known and value is not None:
            option = known[name]
            values[option.dest] = (place, form(option, value, f"{place}: {name}"))
    return values


def _all_of(valid: set[str]) -> str:
    return f"; an experiment may have {', '.join(sorted(valid))}"


def _key(name: str) -> str:
    return name.removeprefix("--").replace("-", "_")


def form(option: Option, value: Any, place: str) -> bool | str | list[str]:
    """Bring a value into the form that the command line would give it.

    Args:
        option: The option that it is of.
        value: The value, as YAML or JSON has it.
        place: Where it stands, for messages.

    Raises:
        OptionError: The option does not take such a value.
    """
    if option.is_flag:
        if not isinstance(value, bool):
            raise OptionError(f"{place} must be true or false, got {value!r}")
        return value
    if option.is_list:
        return [_text(each, place) for each in _listed(value)]
    return _text(value, place)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any, place: str) -> str:
    if isinstance(value, bool):
        raise OptionError(f"{place} takes a value, got {str(value).lower()}")
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _texts(experiment: Experiment, name: str) -> list[str]:
    given = experiment.values.get(name)
    return [] if given is None else [str(each) for each in _listed(given)]


def named_in_results(config: pytest.Config) -> dict[str, Any]:
    """Say what was collected and by which arguments of pytest, as a file would.

    Args:
        config: pytest's configuration.

    Returns:
        ``paths`` and ``pytest``, each left out where there is nothing to say.
    """
    chosen = {"-k": "keyword", "-m": "markexpr", "-n": "numprocesses"}
    arguments = [
        part
        for flag, name in chosen.items()
        if (value := config.getoption(name, None))
        for part in (flag, str(value))
    ]
    said = {PATHS: list(config.getoption("file_or_dir", [])), PYTEST: arguments}
    return {name: value for name, value in said.items() if value}
