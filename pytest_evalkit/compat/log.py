"""The logger of the package loguru, where that is not installed.

Task modules of lmms-eval say what they do through it. Here it goes to the loggers of
Python, under the name of the module that speaks.
"""

from __future__ import annotations

import logging
import sys
from typing import Any


class Logger:
    """Passes messages on to the loggers of Python.

    Messages take their arguments by ``str.format``.
    """

    def __init__(self) -> None:
        self._silent: set[str] = set()

    def trace(self, message: Any, *args: Any, **kwargs: Any) -> None:
        """Say something for those who look closely."""
        self._say(logging.DEBUG, message, args, kwargs)

    def debug(self, message: Any, *args: Any, **kwargs: Any) -> None:
        """Say something for those who look for a fault."""
        self._say(logging.DEBUG, message, args, kwargs)

    def info(self, message: Any, *args: Any, **kwargs: Any) -> None:
        """Say something."""
        self._say(logging.INFO, message, args, kwargs)

    def success(self, message: Any, *args: Any, **kwargs: Any) -> None:
        """Say that something went well."""
        self._say(logging.INFO, message, args, kwargs)

    def warning(self, message: Any, *args: Any, **kwargs: Any) -> None:
        """Warn."""
        self._say(logging.WARNING, message, args, kwargs)

    def error(self, message: Any, *args: Any, **kwargs: Any) -> None:
        """Say that something failed."""
        self._say(logging.ERROR, message, args, kwargs)

    def critical(self, message: Any, *args: Any, **kwargs: Any) -> None:
        """Say that nothing works any more."""
        self._say(logging.CRITICAL, message, args, kwargs)

    def exception(self, message: Any, *args: Any, **kwargs: Any) -> None:
        """Say that something failed, with the exception that is being handled."""
        self._say(logging.ERROR, message, args, kwargs, exc_info=True)

    def disable(self, name: str) -> None:
        """Keep a module, and those below it, from speaking."""
        self._silent.add(name)

    def enable(self, name: str) -> None:
        """Let a module speak again."""
        self._silent.discard(name)

    def _say(
        self,
        level: int,
        message: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        exc_info: bool = False,
    ) -> None:
        # The caller of the method that called this one.
        name = sys._getframe(2).f_globals.get("__name__", "")  # noqa: SLF001
        if any(f"{name}.".startswith(f"{silent}.") for silent in self._silent):
            return
        text = str(message)
        if args or kwargs:
            text = text.format(*args, **kwargs)
        logging.getLogger(name).log(level, "%s", text, exc_info=exc_info)


logger = Logger()
