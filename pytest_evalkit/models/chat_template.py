"""Chat templates: what a model reads of a conversation, as one text.

A template is a Jinja template that comes with a tokenizer. What it may use beside Jinja
itself is what transformers gives to one in ``apply_chat_template``: ``raise_exception``,
``strftime_now``, ``tojson`` that escapes nothing for HTML, ``break`` and ``continue``,
and blocks of ``generation``. It runs in Jinja's sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import EvalkitError, OptionError

if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from jinja2.ext import Extension
    from jinja2.nodes import Node
    from jinja2.parser import Parser

CONFIG_FILE = "tokenizer_config.json"
TEMPLATE_FILE = "chat_template.jinja"
# Of several templates of one tokenizer, what the one for conversations with tools is
# called, and the one for all others.
_WITH_TOOLS, _USUAL = "tool_use", "default"
_SPECIAL = "_token"

Messages = Sequence[Mapping[str, Any]]


class TemplateError(EvalkitError):
    """A template cannot write what it is given; says why in one line."""


class ChatTemplate:
    """The chat template of one model.

    Args:
        text: The template, or several by name: ``tool_use`` where tools are offered,
            and ``default``.
        special: What the template calls special tokens, such as ``bos_token``, and how
            they are written.

    Attributes:
        special: As above.

    Raises:
        OptionError: It is no Jinja template, or none of them is for every conversation.
    """

    def __init__(
        self, text: str | Mapping[str, str], special: Mapping[str, str] | None = None
    ) -> None:
        texts = {_USUAL: text} if isinstance(text, str) else text
        if _USUAL not in texts:
            raise OptionError(
                f"of the chat templates none is called {_USUAL!r}, only: "
                f"{', '.join(sorted(texts)) or 'none at all'}"
            )
        self.special = dict(special or {})
        self._templates = {name: _compiled(one) for name, one in texts.items()}

    def render(
        self,
        messages: Messages,
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        is_to_go_on: bool,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """Write a conversation as the model reads it.

        Args:
            messages: In the form of the OpenAI protocol.
            tools: What may be called, in the same form.
            is_to_go_on: Whether the beginning of the model's answer ends the text.
            variables: What else the template is told (``chat_template_kwargs``).

        Raises:
            TemplateError: The template cannot write it.
        """
        name = _WITH_TOOLS if tools and _WITH_TOOLS in self._templates else _USUAL
        told = {
            **self.special,
            **(variables or {}),
            "tools": list(tools) or None,
            "add_generation_prompt": is_to_go_on,
        }
        try:
            said = [_as_templates_take(message) for message in messages]
            return self._templates[name].render({**told, "messages": said})
        # A template is code of others, and an answer has whatever form the endpoint
        # gave it: both may raise anything.
        except Exception as error:
            why = " ".join(str(error).split())
            raise TemplateError(f"{type(error).__name__}: {why}") from error


def template_beside(folder: Path) -> ChatTemplate | None:
    """Read the chat template that stands beside a tokenizer; None where there is none.

    A file of its own (``chat_template.jinja``) wins over ``tokenizer_config.json``.

    Raises:
        OptionError: A file cannot be read, or the template is none.
    """
    config = _config(folder / CONFIG_FILE)
    special = special_texts(config)
    file = folder / TEMPLATE_FILE
    if file.is_file():
        return ChatTemplate(read_template(file), special)
    told = config.get("chat_template")
    if isinstance(told, list):
        # Older files list several, each with its name.
        told = {
            one["name"]: one["template"]
            for one in told
            if isinstance(one, dict) and one.keys() >= {"name", "template"}
        }
    return ChatTemplate(told, special) if isinstance(told, str | dict) else None


def special_beside(folder: Path) -> dict[str, str]:
    """List how special tokens of a tokenizer are written, as its template calls them.

    Raises:
        OptionError: ``tokenizer_config.json`` cannot be read.
    """
    return special_texts(_config(folder / CONFIG_FILE))


def special_texts(config: Mapping[str, Any]) -> dict[str, str]:
    """List how special tokens are written, by a tokenizer's configuration."""
    named = {key: config[key] for key in config if key.endswith(_SPECIAL)}
    texts = {
        key: one.get("content") if isinstance(one, dict) else one
        for key, one in named.items()
    }
    return {key: text for key, text in texts.items() if isinstance(text, str)}


def read_template(file: Path) -> str:
    """Read a template from a file.

    Raises:
        OptionError: It cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"cannot read the chat template {file}: {error}") from error


def _config(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        said = decode(file.read_bytes())
    except (CodecError, OSError) as error:
        raise OptionError(f"cannot read {file}: {error}") from error
    return said if isinstance(said, dict) else {}


def _as_templates_take(message: Mapping[str, Any]) -> dict[str, Any]:
    """Write a message as templates expect it, and servers give it to them.

    A content is a text, and the arguments of a call are an object: templates write them
    out themselves.
    """
    said = {**message, "content": text_of_content(message.get("content"))}
    if message.get("tool_calls"):
        said["tool_calls"] = [_call(call) for call in message["tool_calls"]]
    return said


def text_of_content(content: Any) -> str:
    """Join the texts of a content, which may have parts; empty where there is none."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            function["arguments"] = decode(arguments) if arguments.strip() else {}
        except CodecError:
            # A model may write no JSON: then its words are all there is.
            function["arguments"] = arguments
    return {**call, "function": function}


def _compiled(text: str) -> Template:
    import jinja2

    try:
        return _environment().from_string(text)
    except jinja2.TemplateSyntaxError as error:
        raise OptionError(
            f"the chat template is none: {error.message}, in its line {error.lineno}"
        ) from error


@cache
def _environment() -> Environment:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _generation_blocks()],
    )
    environment.filters["tojson"] = _json
    environment.globals["raise_exception"] = _refuse
    # Templates say today's date to the model, and only they ask for it.
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)  # noqa: DTZ005 - as the server's clock shows it
    return environment


def _json(
    value: Any,
    *,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _refuse(message: str) -> NoReturn:
    import jinja2

    raise jinja2.TemplateError(message)


@cache
def _generation_blocks() -> type[Extension]:
    from jinja2.ext import Extension as Extending

    class GenerationBlocks(Extending):
        """Blocks around what the model writes: they matter for training alone."""

        tags = {"generation"}  # noqa: RUF012 - as Jinja's own extensions have it

        def parse(self, parser: Parser) -> list[Node]:
            """Read a block as what stands in it."""
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    return GenerationBlocks
