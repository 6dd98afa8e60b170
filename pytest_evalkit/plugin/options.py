"""The command line: its options, and their values once checked.

Only the standard library is imported here: this module is loaded by every pytest run
in whose environment the plugin is installed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest

from pytest_evalkit.plugin.option import absolute, folder, names, text_or_file
from pytest_evalkit.plugin.option_table import OF_SELFTESTS, OPTIONS
from pytest_evalkit.plugin.run_options import RunOptions

__all__ = ["OPTIONS_KEY", "RunOptions", "add_options", "given_options", "read_options"]

OPTIONS_KEY: pytest.StashKey[RunOptions] = pytest.StashKey()


_BY_NAME = {option.dest.removeprefix("evalkit_"): option for option in OPTIONS}
_FIELDS = frozenset(field.name for field in fields(RunOptions))


def add_options(parser: pytest.Parser) -> None:
    """Declare the options and ini keys."""
    group = parser.getgroup("evalkit", "evaluation of models (pytest-evalkit)")
    for option in OPTIONS:
        option.add_to(group)
    parser.addini(
        "evalkit_gates",
        "conditions that results must meet, one a line: [TASK:]METRIC>=X",
        type="linelist",
    )


def read_experiment_file(config: pytest.Config, args: list[str]) -> None:
    """Take in the experiment file that the command line names, if it names one.

    Args:
        config: pytest's configuration, before conftest files are imported.
        args: The command line, which the file may add to.

    Raises:
        pytest.UsageError: The file cannot be read, or a key or value in it is wrong.
    """
    given = config.known_args_namespace.evalkit_eval_config
    if given is not None:
        from pytest_evalkit.plugin.experiment import begin

        begin(config, args, given, OPTIONS)


def read_options(config: pytest.Config) -> RunOptions:
    """Check what the user gave.

    Raises:
        pytest.UsageError: A value breaks the rule of its option.
    """
    given, _ = _BY_NAME["rescore"].given(config)
    if given is not None:
        from pytest_evalkit.plugin.rescoring import begin

        begin(config, given, OPTIONS)
    value = {name: option.value(config) for name, option in _BY_NAME.items()}
    plain = {name: each for name, each in value.items() if name in _FIELDS}
    return RunOptions(**{**plain, **_in_place(config, value), **_named_else(value)})


def _in_place(config: pytest.Config, value: Mapping[str, Any]) -> dict[str, Any]:
    """Find what paths mean where pytest was called."""
    places = ("price_table", "use_cache", "report_md", "baseline")
    optional = {name: value[name] and absolute(config, value[name]) for name in places}
    return {
        **optional,
        "output_path": absolute(config, value["output_path"]),
        "include_paths": tuple(folder(path) for path in value["include_path"]),
        "media_dirs": tuple(folder(path) for path in value["media_dir"]),
        "data_dir": value["data_dir"] and folder(value["data_dir"]),
        "gates": (
            *config.getini("evalkit_gates"),
            *value["gate"],
            *_gates_on_drops(value),
        ),
    }


def _gates_on_drops(value: Mapping[str, Any]) -> tuple[str, ...]:
    """Write --max-drop as a gate on the first metric of each task.

    Raises:
        pytest.UsageError: There is nothing to compare with.
    """
    most = value["max_drop"]
    if most is None:
        return ()
    if value["baseline"] is None:
        raise pytest.UsageError(
            "--max-drop compares with an earlier run; name it with --baseline RUN"
        )
    return (f"drop(*)<={most!r}",)


def _named_else(value: Mapping[str, Any]) -> dict[str, Any]:
    """Bring values into the form, and under the name, that the run knows."""
    return {
        "tasks": names(value["tasks"]),
        "system_instruction": text_or_file(value["system_instruction"]),
        "fewshot_as_multiturn": value["fewshot_as_multiturn"] or None,
        "resume": value["resume"] or ("last" if value["rerun_errors"] else None),
        "sinks": tuple(value["sink"]),
        "use_sample": value["sample"],
        "selftest": value["selftest"] or value["selftest_update"],
    }


def refuse_for_selftest(config: pytest.Config) -> None:
    """Refuse what has no effect on self-tests.

    Raises:
        pytest.UsageError: Such an option is given.
    """
    for option in OPTIONS:
        name = option.names[0]
        if name not in OF_SELFTESTS and option.given(config)[0]:
            raise pytest.UsageError(
                f"--selftest asks no model, so that {name} has no effect; leave it out"
            )


def given_options(config: pytest.Config) -> Mapping[str, Any]:
    """List the options in force by name, as the results record them."""
    from pytest_evalkit.plugin.experiment import named_in_results

    options = {
        name: json.loads(json.dumps(option.value(config), default=str))
        for name, option in _BY_NAME.items()
    }
    return {**options, **named_in_results(config)}
