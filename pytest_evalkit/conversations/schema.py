"""The JSON Schema of one line of conversation data, made of the table of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_evalkit.conversations.fields import SETTINGS, Field

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_ANY_TEXT: Schema = {"type": "string"}
_TYPES = {
    "text": "string",
    "whole": "integer",
    "number": "number",
    "flag": "boolean",
    "mapping": "object",
}
_CALL: Schema = {
    "type": "object",
    "required": ["id", "type", "function"],
    "properties": {
        "id": _TEXT,
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "required": ["name", "arguments"],
            "properties": {
                "name": _TEXT,
                "arguments": {"type": ["string", "object"]},
            },
        },
    },
}
_RESULT: Schema = {
    "type": "object",
    "required": ["tool_call_id", "content"],
    "properties": {"tool_call_id": _TEXT, "content": _ANY_TEXT},
}
_TOOL: Schema = {
    "type": "object",
    "required": ["type", "function"],
    "properties": {
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": _TEXT,
                "description": {"type": ["string", "null"]},
                "parameters": {"type": ["object", "null"]},
                "strict": {"type": ["boolean", "null"]},
            },
        },
    },
}
_TOOLS: Schema = {"type": ["array", "null"], "items": _TOOL}
_ID: Schema = {"type": ["string", "integer"], "minLength": 1}


def line_schema() -> Schema:
    """Write the schema of a line: a row of one of three shapes, or a conversation.

    What holds between lines, such as who may speak after whom, no schema can say.
    """
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "One line of conversation data",
        "description": "Each line is one message, or a whole conversation. Other keys "
        "are allowed; they are kept for scoring and never sent.",
        "oneOf": [
            _row("A message of text", ["user", "assistant"], content=_TEXT),
            _row(
                "Calls of tools",
                ["assistant"],
                tool_calls={"type": "array", "minItems": 1, "items": _CALL},
            ),
            _row(
                "Results of tools",
                ["tool"],
                tool_results={"type": "array", "minItems": 1, "items": _RESULT},
            ),
            _conversation(),
        ],
    }


def _row(title: str, roles: list[str], **own: Schema) -> Schema:
    """Write one shape of rows, which has what is its own and not what is others'."""
    (name,) = own
    others = {"tool_calls", "tool_results"} - {name}
    content = {"type": ["string", "null"]}
    properties = {
        "conversation_id": _ID,
        "turn": {"type": "integer", "minimum": 1},
        "role": {"enum": roles},
        "content": {"enum": ["", None]} if roles == ["tool"] else content,
        "system": _or_null(_ANY_TEXT),
        "tools": _TOOLS,
        "name": _or_null(_TEXT),
        "reasoning_content": _or_null(_ANY_TEXT),
        "delay_seconds": {"type": ["number", "null"], "minimum": 0},
        **{key: {"type": "null"} for key in sorted(others)},
        **_settings(),
        **own,
    }
    return {
        "title": title,
        "type": "object",
        "required": ["conversation_id", "turn", "role", name],
        "properties": properties,
        "not": {"required": ["messages"]},
    }


def _conversation() -> Schema:
    message = {"type": "object", "required": ["role"]}
    return {
        "title": "A whole conversation",
        "type": "object",
        "required": ["conversation_id", "messages"],
        "properties": {
            "conversation_id": _ID,
            "messages": {"type": "array", "minItems": 1, "items": message},
            "system": _or_null(_ANY_TEXT),
            "tools": _TOOLS,
            **_settings(),
        },
    }


def _settings() -> Mapping[str, Schema]:
    return {name: _or_null(_schema(field)) for name, field in SETTINGS.items()}


def _schema(field: Field) -> Schema:
    if field.kind == "texts":
        return {"anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": _TEXT}]}
    said: Schema = {"type": _TYPES[field.kind]}
    if field.kind == "text":
        said["minLength"] = 1
    if field.low is not None:
        said["exclusiveMinimum" if field.is_above else "minimum"] = field.low
    if field.high is not None:
        said["maximum"] = field.high
    return said


def _or_null(schema: Schema) -> Schema:
    """Allow null, which data frames write for what is absent."""
    if "anyOf" in schema:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    return schema | {"type": [schema["type"], "null"]}
