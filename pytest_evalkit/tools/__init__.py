"""Tools that a model may call while it answers: where they come from, and the loop."""

from __future__ import annotations

from pytest_evalkit.tools.loop import (
    Asked,
    CallTool,
    Told,
    checked_call,
    tool_loop,
)
from pytest_evalkit.tools.toolbox import Toolbox, ToolResult, ToolUser, toolbox_of

__all__ = [
    "Asked",
    "CallTool",
    "Told",
    "ToolResult",
    "ToolUser",
    "Toolbox",
    "checked_call",
    "tool_loop",
    "toolbox_of",
]
