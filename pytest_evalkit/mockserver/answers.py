"""What the mock server answers when it is started by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.errors import OptionError
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.mockserver.payloads import last_user_text
from pytest_evalkit.mockserver.reply import AnswerFunction, Reply


def echo(payload: Mapping[str, Any]) -> str:
    """Answer what the user said last."""
    return last_user_text(payload)


def calling_tools(answer: AnswerFunction) -> AnswerFunction:
    """Let the model call the first tool that it is offered, once for each question.

    Each required argument of the tool that is a text is what the user said last; those
    of other types are left out.

    Args:
        answer: Answers where no tool is offered, and once the tool has answered.
    """

    def call_or_answer(payload: dict[str, Any]) -> str | Reply:
        tools = payload.get("tools")
        said = payload.get("messages")
        if not tools or not said or said[-1].get("role") != "user":
            return answer(payload)
        function = tools[0]["function"]
        arguments = _arguments(function, last_user_text(payload))
        call = ToolCallPart(
            id=f"call_{len(said)}",
            name=function["name"],
            arguments=encode(arguments).decode(),
        )
        return Reply(tool_calls=(call,))

    return call_or_answer


def _arguments(function: Mapping[str, Any], text: str) -> dict[str, str]:
    schema = function.get("parameters") or {}
    kinds = schema.get("properties") or {}
    return {
        name: text
        for name in schema.get("required") or ()
        if kinds.get(name, {}).get("type") == "string"
    }


def answers_from(path: Path) -> AnswerFunction:
    """Answer by looking up what the user said last.

    A prompt that the file does not have is an error 400, never an invented answer.

    Args:
        path: JSONL with ``prompt`` and ``answer`` in each row.

    Raises:
        OptionError: The file cannot be read, or a row lacks one of them.
    """
    answers = _read(path)

    def answer(payload: Mapping[str, Any]) -> Reply:
        prompt = last_user_text(payload)
        if prompt not in answers:
            return Reply(text=f"no answer for the prompt {prompt[:80]!r}", status=400)
        return Reply(text=answers[prompt])

    return answer


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise OptionError(f"cannot read {path}: {error.strerror}") from error
    pairs = (
        _pair(f"{path}:{number}", line)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )
    return dict(pairs)


def _pair(place: str, line: bytes) -> tuple[str, str]:
    try:
        row = decode(line)
    except CodecError as error:
        raise OptionError(f"{place}: {error}") from error
    fields = row if isinstance(row, dict) else {}
    prompt, answer = fields.get("prompt"), fields.get("answer")
    if not isinstance(prompt, str) or not isinstance(answer, str):
        raise OptionError(f"{place}: a row needs the texts 'prompt' and 'answer'")
    return prompt, answer
