"""One option of the command line: how it is declared, checked and read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXPERIMENT = "evalkit_experiment"
"""Where pytest's options hold what an experiment file said: place and value by name."""


def limit(text: str) -> float:
    """Read a count of documents, or a share of them below one.

    Raises:
        ValueError: It is something else.
    """
    value = float(text)
    if not 0 < value < math.inf or (value > 1 and value != int(value)):
        raise ValueError
    return value


def shard(text: str) -> tuple[int, int]:
    """Read ``i/n``: which of how many shares, counted from one.

    Raises:
        ValueError: It is something else.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match:
        raise ValueError
    index, count = int(match[1]), int(match[2])
    if not 1 <= index <= count:
        raise ValueError
    return index, count


def at_least(least: int) -> Callable[[str], int]:
    """Make a reader of whole numbers that are not below a bound."""

    def check(text: str) -> int:
        value = int(text)
        if value < least:
            raise ValueError
        return value

    return check


def one_of(*valid: str) -> Callable[[str], str]:
    """Make a reader of words of which there are a few."""

    def check(text: str) -> str:
        if text not in valid:
            raise ValueError
        return text

    return check


def positive(text: str) -> float:
    """Read a finite number above zero, such as of seconds.

    Raises:
        ValueError: It is something else.
    """
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError
    return value


def not_negative(text: str) -> float:
    """Read a finite number that is 0 or above.

    Raises:
        ValueError: It is something else.
    """
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError
    return value


def seconds_or_none(text: str) -> float | None:
    """Read seconds, above zero; ``0`` and ``none`` stand for no limit.

    Raises:
        ValueError: It is something else.
    """
    return None if text in {"0", "none"} else positive(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of the command line.

    Attributes:
        names: Its spellings; the first is the one that messages use.
        help: What it means.
        metavar: What stands for its value in the help.
        parse: Reads the value, raising ValueError; None leaves it a text.
        rule: What a value must be, told where ``parse`` fails.
        default: The value where none is given.
        is_flag: True for an option without a value.
        is_list: True for one that may be given several times.
    """

    names: tuple[str, ...]
    help: str
    metavar: str = ""
    parse: Callable[[str], Any] | None = None
    rule: str = ""
    default: Any = None
    is_flag: bool = False
    is_list: bool = False

    @property
    def dest(self) -> str:
        """The name of its value among pytest's options."""
        return "evalkit_" + self.names[0].removeprefix("--").replace("-", "_")

    def add_to(self, group: pytest.OptionGroup) -> None:
        """Declare it."""
        if self.is_flag:
            group.addoption(
                *self.names, dest=self.dest, action="store_true", help=self.help
            )
            return
        group.addoption(
            *self.names,
            dest=self.dest,
            action="append" if self.is_list else "store",
            metavar=self.metavar,
            default=None,
            help=self.help,
        )

    def value(self, config: pytest.Config) -> Any:
        """Read what the user gave, or the default.

        Raises:
            pytest.UsageError: It breaks the rule.
        """
        given, name = self.given(config)
        if self.is_flag:
            return given
        if given is None:
            return self.default
        if self.is_list:
            return [self._parsed(text, name) for text in given]
        return self._parsed(given, name)

    def given(self, config: pytest.Config) -> tuple[Any, str]:
        """Get what the user gave on the command line, else in an experiment file.

        Returns:
            The value, None or False where none was given, and how to name the option
            where the value is wrong.
        """
        given = config.getoption(self.dest)
        written = getattr(config.option, EXPERIMENT, {}).get(self.dest)
        if written is None or given not in (None, False):
            return given, self.names[0]
        place, value = written
        return value, f"{place}: {self.names[0].removeprefix('--')}"

    def _parsed(self, text: str, name: str) -> Any:
        if self.parse is None:
            return text
        try:
            return self.parse(text)
        except ValueError:
            raise pytest.UsageError(f"{name} {text!r}: must be {self.rule}") from None


def names(given: Sequence[str]) -> tuple[str, ...]:
    """Read names between commas."""
    return tuple(
        name.strip() for text in given for name in text.split(",") if name.strip()
    )


def folder(path: Path) -> Path:
    """Find a folder.

    Raises:
        pytest.UsageError: It is not there.
    """
    if not path.is_dir():
        raise pytest.UsageError(f"{path} is not a folder")
    return path.resolve()


def absolute(config: pytest.Config, path: Path) -> Path:
    """Find what a path means where pytest was called."""
    return config.invocation_params.dir / path


def text_or_file(text: str | None) -> str | None:
    """Read the file that a text names, or take the text itself."""
    if text is None:
        return None
    try:
        is_file = Path(text).is_file()
    except OSError:
        # Too long for the name of a file, so it is the text itself.
        is_file = False
    return Path(text).read_text(encoding="utf-8") if is_file else text
