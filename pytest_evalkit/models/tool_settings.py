"""Which tools the model of a backend may call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_evalkit.errors import OptionError
from pytest_evalkit.tools import Toolbox
from pytest_evalkit.tools.mcp_toolbox import McpToolbox

_MAX_TURNS = 8
_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSettings:
    """Tools, and how long a model may go on with them.

    Attributes:
        mcp_server: An MCP server whose tools the model may call: its address, or the
            command that starts it; a file that ends in ``.py`` is run by this Python.
            None for no tools.
        max_tool_turns: How often the model may call tools for one answer, calls of one
            response counting once; None for 8.
        tool_timeout: The longest that one call may take, in seconds; the model is then
            told. None for 600.
    """

    argument_aliases: ClassVar[dict[str, str]] = {"mcp_server_path": "mcp_server"}

    mcp_server: str | None = None
    max_tool_turns: int | None = None
    tool_timeout: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges, and that there are tools to bound.

        Raises:
            OptionError: A bound is not above zero, or there is nothing that it bounds.
        """
        for name in ("max_tool_turns", "tool_timeout"):
            value = getattr(self, name)
            if value is not None and self.mcp_server is None:
                raise OptionError(f"{name} means nothing without mcp_server")
            if value is not None and value <= 0:
                raise OptionError(f"{name} must be above 0, got {value}")

    def toolbox(self) -> Toolbox | None:
        """Make the tools, or None for none; nothing is started yet.

        Raises:
            OptionError: The command is empty or badly quoted.
        """
        if self.mcp_server is None:
            return None
        return McpToolbox(
            self.mcp_server,
            max_turns=self.max_tool_turns or _MAX_TURNS,
            timeout_s=self.tool_timeout or _TIMEOUT_S,
        )
