"""Experiment files: the options of one or several runs, written down.

A file holds a mapping of option names, or a list of such mappings. ``env`` names
environment variables to set; ``${NAME}`` and ``${NAME:-default}`` stand for variables in
any text, and ``$$`` for a dollar sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_evalkit.errors import OptionError

if TYPE_CHECKING:
    from yaml import MappingNode, Node

ENV = "env"
"""The key of environment variables."""

_REFERENCE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_]\w*)(?P<default>:-[^}]*)?\})"
)
_NUMBERED = re.compile(r"(?P<path>.+)::(?P<number>[0-9]+)")
MASK = "***"
"""What results have in place of a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One run of an experiment file.

    Attributes:
        path: The file.
        number: Which of its runs this is, counted from one.
        env: Environment variables to set, in their order.
        values: Values by option name, with underscores; variables are filled in.
        lines: The line of each of these names.
    """

    path: Path
    number: int
    env: Mapping[str, str]
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    def place(self, name: str) -> str:
        """Say where a key stands, as ``file:line``."""
        return f"{self.path}:{self.lines[name]}"


def read_experiment(reference: str, environment: Mapping[str, str]) -> Experiment:
    """Read one run.

    Args:
        reference: A file with one run, or ``FILE::N`` for the N-th of a list.
        environment: What variables stand for; ``env`` is laid over it.

    Raises:
        OptionError: The file cannot be read, is no experiment, holds several runs
            without saying which, or asks for a variable that is not set.
    """
    path, number = _split(reference)
    mappings = _mappings(path)
    if number is None and len(mappings) > 1:
        raise OptionError(
            f"{path} holds {len(mappings)} runs; name one, such as {path}::1, or run "
            f"all of them by: evalkit run {path}"
        )
    if number is not None and not 1 <= number <= len(mappings):
        raise OptionError(f"{path}::{number}: the file holds {len(mappings)} runs")
    position = (number or 1) - 1
    return _experiment(path, position + 1, mappings[position], environment)


def count_experiments(path: Path) -> int:
    """Count the runs of a file.

    Raises:
        OptionError: It cannot be read, or is no experiment.
    """
    return len(_mappings(path))


def has_mask(text: str) -> bool:
    """Tell whether a secret was taken out of a text: all of it, or a part of a URL."""
    return text == MASK or ("://" in text and MASK in text)


def _split(reference: str) -> tuple[Path, int | None]:
    numbered = _NUMBERED.fullmatch(reference)
    if numbered is None:
        return Path(reference), None
    return Path(numbered["path"]), int(numbered["number"])


def _mappings(path: Path) -> list[MappingNode]:
    import yaml

    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise OptionError(f"cannot read the experiment file {path}: {why}") from error
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise OptionError(f"experiment file {path} is not YAML: {said}") from error
    nodes = root.value if isinstance(root, yaml.SequenceNode) else [root]
    for node in nodes:
        if not isinstance(node, yaml.MappingNode):
            line = 1 if node is None else _line(node)
            raise OptionError(
                f"{path}:{line}: an experiment maps option names to values, such as "
                "model: openai"
            )
    if not nodes:
        raise OptionError(f"{path}:1: holds no run")
    return list(nodes)


def _line(node: Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _experiment(
    path: Path, number: int, node: MappingNode, environment: Mapping[str, str]
) -> Experiment:
    raw, lines = _values(path, node)
    env = _env(path, raw.pop(ENV, None), lines, environment)
    known = {**environment, **env}
    values = {
        name: _filled(value, known, f"{path}:{lines[name]}")
        for name, value in raw.items()
    }
    return Experiment(path=path, number=number, env=env, values=values, lines=lines)


def _values(path: Path, node: MappingNode) -> tuple[dict[str, Any], dict[str, int]]:
    import yaml

    lines = _lines(path, node)
    raw: dict[str, Any] = {}
    constructor = yaml.constructor.SafeConstructor()
    # What is merged in by ``<<`` comes first, so that the mapping's own keys win.
    constructor.flatten_mapping(node)
    for key_node, value_node in node.value:
        name = _name(key_node)
        line = lines.setdefault(name, _line(key_node))
        try:
            raw[name] = constructor.construct_object(value_node, deep=True)
        except yaml.YAMLError as error:
            said = " ".join(str(error).split())
            raise OptionError(f"{path}:{line}: {name}: {said}") from error
    return raw, lines


def _lines(path: Path, node: MappingNode) -> dict[str, int]:
    """Find the line of each key that the mapping itself has, once each."""
    lines: dict[str, int] = {}
    for key_node, _ in node.value:
        name, line = _name(key_node), _line(key_node)
        if name in lines:
            raise OptionError(
                f"{path}:{line}: {key_node.value!r} is given twice, first in line "
                f"{lines[name]}"
            )
        if key_node.tag != "tag:yaml.org,2002:merge":
            lines[name] = line
    return lines


def _name(key: Node) -> str:
    return str(key.value).removeprefix("--").replace("-", "_")


def _env(
    path: Path,
    given: Any,
    lines: Mapping[str, int],
    environment: Mapping[str, str],
) -> dict[str, str]:
    if given is None:
        return {}
    place = f"{path}:{lines[ENV]}"
    if not isinstance(given, dict):
        raise OptionError(f"{place}: env must map names of variables to values")
    env: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, dict | list) or value is None:
            raise OptionError(f"{place}: env: {name} must be a text, got {value!r}")
        # YAML's true is written as shells and libraries expect it.
        text = str(value).lower() if isinstance(value, bool) else str(value)
        known = {**environment, **env}
        env[str(name)] = _filled(text, known, f"{place}: env: {name}")
    return env


def _filled(value: Any, known: Mapping[str, str], place: str) -> Any:
    """Put the values of variables into every text of a value."""
    if isinstance(value, dict):
        return {key: _filled(each, known, place) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, known, place) for each in value]
    if not isinstance(value, str):
        return value
    if has_mask(value):
        raise OptionError(
            f"{place}: '***' stands for a secret that results do not keep; name a "
            "variable that holds it, such as ${API_KEY}"
        )
    return "".join(_pieces(value, known, place))


def _pieces(text: str, known: Mapping[str, str], place: str) -> Iterator[str]:
    end = 0
    for match in _REFERENCE.finditer(text):
        yield text[end : match.start()]
        yield "$" if match["dollar"] else _variable(match, known, place)
        end = match.end()
    yield text[end:]


def _variable(match: re.Match[str], known: Mapping[str, str], place: str) -> str:
    name, default = match["name"], match["default"]
    value = known.get(name)
    # As in shells, a default also replaces an empty value.
    if default is not None:
        return value or default.removeprefix(":-")
    if value is None:
        raise OptionError(
            f"{place}: the environment variable {name} is not set; set it, or give a "
            f"default: ${{{name}:-value}}"
        )
    return value
