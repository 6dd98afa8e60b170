"""One row, which is one message: what is wrong with it, and the turn that it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pytest_evalkit.codec import encode
from pytest_evalkit.conversations.conversation import Turn, TurnSettings
from pytest_evalkit.conversations.fields import (
    EXTRA,
    MAX_TOKENS_NAMES,
    PARAMETERS,
    SETTINGS,
    Field,
    has_nan,
    is_missing,
    setting_faults,
    shown,
    whole,
)
from pytest_evalkit.conversations.problems import Problem
from pytest_evalkit.messages import (
    Message,
    Part,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pytest_evalkit.naming import suggestion
from pytest_evalkit.values import GenerationParameters, Tool

ROLES: Mapping[str, Role] = {"user": "user", "assistant": "assistant", "tool": "tool"}

_OWN = {
    *("conversation_id", "turn", "role", "content", "system", "tool_calls"),
    *("tool_results", "tools", "name", "reasoning_content", "delay_seconds"),
    *SETTINGS,
}
_TEXT = Field(kind="text")
_DELAY = Field(kind="number", low=0)


class Row(NamedTuple):
    """One row of a file.

    Attributes:
        line: Its line, from one; the messages of one line share it.
        conversation: The conversation's id as a text, or None where it says none.
        fields: What it says, without what is missing.
    """

    line: int
    conversation: str | None
    fields: Mapping[str, Any]

    @classmethod
    def of(cls, line: int, said: Mapping[str, Any]) -> Row:
        """Take what a line says; null and NaN are taken for absent."""
        fields = {key: value for key, value in said.items() if not is_missing(value)}
        return cls(line, _id(fields.get("conversation_id")), fields)

    @property
    def turn(self) -> int | None:
        """The turn's number, or None where it is none."""
        return whole(self.fields.get("turn"))

    @property
    def role(self) -> Role | None:
        """Who speaks, or None where that is nobody."""
        role = self.fields.get("role")
        return ROLES.get(role) if isinstance(role, str) else None

    @property
    def call_ids(self) -> tuple[str, ...]:
        """The ids of its tool calls, but for those that are no texts."""
        return _texts(self.fields.get("tool_calls"), "id")

    @property
    def result_ids(self) -> tuple[str, ...]:
        """The ids of the calls that its results answer, but for those not texts."""
        return _texts(self.fields.get("tool_results"), "tool_call_id")

    def problem(self, text: str) -> Problem:
        """Say that the row breaks a rule."""
        return Problem(self.line, self.conversation, self.turn, text)


def row_problems(row: Row) -> Iterator[Problem]:
    """Say what is wrong with a row by itself."""
    return map(row.problem, _faults(row))


def turn_of(row: Row) -> Turn:
    """Read the turn that a row says, which has no problem."""
    assert row.role is not None
    assert row.turn is not None
    said = row.fields
    parts = _PARTS[row.role](said)
    return Turn(
        number=row.turn,
        line=row.line,
        message=Message(
            row.role,
            parts,
            name=said.get("name"),
            reasoning=said.get("reasoning_content"),
        ),
        settings=_settings(said),
        delay_s=said.get("delay_seconds"),
        others={key: value for key, value in said.items() if key not in _OWN},
    )


def _id(value: Any) -> str | None:
    """Write an id as a text: the same one, whether it was quoted or not."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def _texts(listed: Any, key: str) -> tuple[str, ...]:
    found = listed if isinstance(listed, list) else []
    ids = (one.get(key) for one in found if isinstance(one, dict))
    return tuple(one for one in ids if isinstance(one, str))


def _faults(row: Row) -> Iterator[str]:
    said = row.fields
    if row.conversation is None:
        given = said.get("conversation_id")
        yield f"conversation_id must be a text that is not empty, got {shown(given)}"
    if row.turn is None or row.turn < 1:
        yield f"turn must be a whole number from 1, got {shown(said.get('turn'))}"
    yield from _role_faults(row)
    if not isinstance(said.get("system", ""), str):
        yield f"system must be a text, got {shown(said['system'])}"
    if "name" in said and (fault := _TEXT.fault(said["name"])):
        yield f"name {fault} that is not empty, got {shown(said['name'])}"
    if fault := _DELAY.fault(said.get("delay_seconds", 0)):
        yield f"delay_seconds {fault}, got {shown(said['delay_seconds'])}"
    yield from setting_faults(said)
    if "tools" in said:
        yield from _tools_faults(said["tools"])


def _role_faults(row: Row) -> Iterator[str]:
    said = row.fields
    if row.role is None:
        role = said.get("role")
        if role == "system":
            yield "a system message is no turn; say it as system of the first row"
        else:
            yield f"unknown role {shown(role)}; {suggestion(str(role), ROLES)}"
        return
    for role, name in (("assistant", "tool_calls"), ("tool", "tool_results")):
        if name in said and row.role != role:
            yield f"{name} stand in rows of the role {role}, not {row.role}"
    match row.role:
        case "user":
            yield from _content_faults(said, why="a user must say something")
        case "assistant":
            yield from _assistant_faults(said)
        case _:
            yield from _tool_faults(said)


def _content_faults(said: Mapping[str, Any], why: str) -> Iterator[str]:
    if fault := _TEXT.fault(said.get("content")):
        yield f"content {fault}, got {shown(said.get('content'))}: {why}"


def _assistant_faults(said: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(said.get("reasoning_content", ""), str):
        yield f"reasoning_content must be a text, got {shown(said['reasoning_content'])}"
    if "tool_calls" not in said:
        yield from _content_faults(said, "an assistant says something or calls tools")
        return
    if not isinstance(said.get("content", ""), str):
        yield f"content must be a text or null, got {shown(said['content'])}"
    yield from _list_faults(said["tool_calls"], "tool_calls", _call_faults)
    yield from _repeated(_texts(said["tool_calls"], "id"), "two tool calls have the id")


def _tool_faults(said: Mapping[str, Any]) -> Iterator[str]:
    if said.get("content"):
        yield "content is not read in a tool's row; write it in tool_results"
    if "tool_results" not in said:
        yield "a tool's row needs tool_results, a list of what the calls returned"
        return
    results = said["tool_results"]
    yield from _list_faults(results, "tool_results", _result_faults)
    ids = _texts(results, "tool_call_id")
    yield from _repeated(ids, "two results answer the tool call")


def _list_faults(
    listed: Any, name: str, faults: Callable[[Mapping[str, Any]], Iterator[str]]
) -> Iterator[str]:
    if not isinstance(listed, list) or not listed:
        yield f"{name} must be a list that is not empty, got {shown(listed)}"
        return
    for place, one in enumerate(listed):
        if not isinstance(one, dict):
            yield f"{name}[{place}] must be an object, got {shown(one)}"
            continue
        yield from (f"{name}[{place}]: {fault}" for fault in faults(one))


def _repeated(ids: tuple[str, ...], what: str) -> Iterator[str]:
    for one in dict.fromkeys(ids):
        if ids.count(one) > 1:
            yield f"{what} {one!r}; each needs one of its own"


def _call_faults(call: Mapping[str, Any]) -> Iterator[str]:
    if fault := _TEXT.fault(call.get("id")):
        yield f"id {fault} that is not empty, got {shown(call.get('id'))}"
    yield from _type_faults(call)
    function = call.get("function")
    if not isinstance(function, dict):
        yield f"function must be an object, got {shown(function)}"
        return
    if fault := _TEXT.fault(function.get("name")):
        yield f"function.name {fault} that is not empty, got {shown(function.get('name'))}"
    arguments = function.get("arguments")
    if not isinstance(arguments, str | dict) or has_nan(arguments):
        yield f"function.arguments must be a JSON text or an object, got {shown(arguments)}"


def _type_faults(said: Mapping[str, Any]) -> Iterator[str]:
    if said.get("type") != "function":
        yield f"type must be 'function', got {shown(said.get('type'))}"


def _result_faults(result: Mapping[str, Any]) -> Iterator[str]:
    if fault := _TEXT.fault(result.get("tool_call_id")):
        given = result.get("tool_call_id")
        yield f"tool_call_id {fault} that is not empty, got {shown(given)}"
    if not isinstance(result.get("content"), str):
        given = result.get("content")
        yield f'content must be a text, "" for nothing, got {shown(given)}'


def _tools_faults(tools: Any) -> Iterator[str]:
    # An empty list offers nothing; only calls and results must be there.
    if not isinstance(tools, list):
        yield f"tools must be a list, got {shown(tools)}"
    elif tools:
        yield from _list_faults(tools, "tools", _tool_schema_faults)


def _tool_schema_faults(tool: Mapping[str, Any]) -> Iterator[str]:
    yield from _type_faults(tool)
    function = tool.get("function")
    if not isinstance(function, dict):
        yield f"function must be an object, got {shown(function)}"
        return
    if fault := _TEXT.fault(function.get("name")):
        yield f"function.name {fault} that is not empty, got {shown(function.get('name'))}"
    if not isinstance(function.get("description") or "", str):
        yield f"function.description must be a text, got {shown(function['description'])}"
    parameters = function.get("parameters") or {}
    if not isinstance(parameters, dict) or has_nan(parameters):
        yield f"function.parameters must be a JSON Schema, got {shown(parameters)}"
    if not isinstance(function.get("strict") or False, bool):
        yield f"function.strict must be true or false, got {shown(function['strict'])}"


def _user_parts(said: Mapping[str, Any]) -> tuple[Part, ...]:
    return (TextPart(said["content"]),)


def _assistant_parts(said: Mapping[str, Any]) -> tuple[Part, ...]:
    text = (TextPart(said["content"]),) if "content" in said else ()
    return (*text, *map(_call, said.get("tool_calls", ())))


def _tool_parts(said: Mapping[str, Any]) -> tuple[Part, ...]:
    return tuple(
        ToolResultPart(one["tool_call_id"], one["content"])
        for one in said["tool_results"]
    )


_PARTS: Mapping[Role, Callable[[Mapping[str, Any]], tuple[Part, ...]]] = {
    "user": _user_parts,
    "assistant": _assistant_parts,
    "tool": _tool_parts,
}


def _call(call: Mapping[str, Any]) -> ToolCallPart:
    function = call["function"]
    arguments = function["arguments"]
    if isinstance(arguments, dict):
        arguments = encode(arguments).decode()
    return ToolCallPart(call["id"], function["name"], arguments)


def _settings(said: Mapping[str, Any]) -> TurnSettings:
    most = [whole(said[name]) for name in MAX_TOKENS_NAMES if name in said]
    stop = said.get("stop", ())
    parameters = GenerationParameters(
        max_tokens=most[0] if most else None,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        **{name: _plain(name, said[name]) for name in PARAMETERS if name in said},
        extra={name: _plain(name, said[name]) for name in EXTRA if name in said},
    )
    tools = said.get("tools")
    return TurnSettings(
        model=said.get("model"),
        stream=said.get("stream"),
        tools=None if tools is None else tuple(map(_tool, tools)),
        parameters=parameters,
    )


def _plain(name: str, value: Any) -> Any:
    """Write whole numbers as such, however a data frame has written them."""
    return whole(value) if SETTINGS[name].kind == "whole" else value


def _tool(tool: Mapping[str, Any]) -> Tool:
    function = tool["function"]
    return Tool(
        name=function["name"],
        description=function.get("description") or "",
        parameters=function.get("parameters") or {},
        is_strict=function.get("strict"),
    )
