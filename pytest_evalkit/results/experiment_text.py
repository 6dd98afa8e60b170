"""Writing the experiment file of a run that has been."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.arguments import parse_model_args
from pytest_evalkit.results.experiment import MASK, has_mask

# Written as a text of arguments on a command line, and as a mapping in a file.
_ARGUMENTS = frozenset({"model_args", "gen_kwargs"})
# What says where the options came from is not one of them any more.
_LEFT_OUT = frozenset({"eval_config"})


def experiment_text(options: Mapping[str, Any]) -> str:
    """Write options as an experiment file.

    Secrets are not in results. In their place stands a variable of the same name, which
    is to be set before the file is used.

    Args:
        options: As results have them under ``resolved_cli_args``.

    Returns:
        YAML. What was not given, or is empty, is left out.
    """
    import yaml

    values = {
        name: _written(name, value)
        for name, value in options.items()
        if name not in _LEFT_OUT and value not in (None, False, "", [], {})
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _written(name: str, value: Any) -> Any:
    if name == "shard":
        return "/".join(map(str, value))
    if name in _ARGUMENTS and isinstance(value, str):
        return _arguments(name, value)
    return _plain(name, value)


def _arguments(name: str, text: str) -> Any:
    try:
        return _plain(name, parse_model_args(text))
    except OptionError:
        return _plain(name, text)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(str(key), each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(name, each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return value
    if has_mask(value):
        return value.replace(MASK, f"${{{_variable(name)}}}")
    return value.replace("$", "$$")


def _variable(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name).upper()
