"""Where tools come from: the seam between the tool loop and whoever runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pytest_evalkit.messages import ImageSource
from pytest_evalkit.values import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool answered, or why it did not.

    Attributes:
        text: What the model is to read; empty where there are only images.
        images: What it is to see.
    """

    text: str
    images: tuple[ImageSource, ...] = ()


class Toolbox(Protocol):
    """Tools, and a way to call them."""

    @property
    def max_turns(self) -> int:
        """How often a model may call tools before it has to be done, at least once."""
        ...

    async def tools(self) -> tuple[Tool, ...]:
        """List the tools; the first time, it may start what runs them.

        Raises:
            ModelUnavailableError: They cannot be had.
        """
        ...

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a tool; whatever the tool itself finds wrong is its result.

        Raises:
            ModelUnavailableError: No tool can be called any more.
        """
        ...

    async def aclose(self) -> None:
        """End what runs the tools; may find nothing."""
        ...


@runtime_checkable
class ToolUser(Protocol):
    """What a backend has besides whose model may call tools."""

    @property
    def toolbox(self) -> Toolbox | None:
        """The tools, or None for none."""
        ...


def toolbox_of(backend: object) -> Toolbox | None:
    """Find the tools that the model of a backend may call, or None."""
    return backend.toolbox if isinstance(backend, ToolUser) else None
