"""Models behind a chat completions endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, ClassVar, Literal

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.backend import Identity
from pytest_evalkit.models.foreign_arguments import FOREIGN_ARGUMENTS
from pytest_evalkit.models.formats import (
    MessageFormat,
    MessageSettings,
    PreparedMessages,
)
from pytest_evalkit.models.masking import masked_url
from pytest_evalkit.models.openai_answer import Spoken, spoken_in_chat
from pytest_evalkit.models.openai_endpoint import OpenAIEndpoint, PreparedBody
from pytest_evalkit.models.parameters import GROUPED
from pytest_evalkit.models.tool_settings import ToolSettings
from pytest_evalkit.tools import Toolbox
from pytest_evalkit.values import Generate, Tool

# OpenAI's families of reasoning models; what stands before a slash is the provider.
_REASONING_NAME = re.compile(r"(o1|o3|o4|gpt-5)(?![a-z0-9])")
_REFUSED_BY_REASONING = ("temperature", "top_p", "stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """What only a chat endpoint can be asked for.

    Attributes:
        reasoning_model: Whether it is one of OpenAI's reasoning models, which want
            ``max_completion_tokens`` and take neither ``temperature``, ``top_p`` nor
            ``stop``: those are not sent, and stop texts end the answer here. ``auto``
            for names that start with o1, o3, o4 or gpt-5.
        max_tokens_field: What the endpoint calls the bound of tokens; None for what
            ``reasoning_model`` says.
        logprobs: True to be told how likely each token was.
        top_logprobs: How many of the likeliest tokens to be told in each place, from 0;
            None for none. It switches ``logprobs`` on.
        response_format: The form of the answer, such as ``{"type": "json_object"}``.
        batch_size: Conversations in one request; only 1. ``num_concurrent`` has several
            requests in flight.
        tokenized_requests: Whether prompts are sent as token ids; only ``false``.
        tokenizer_backend: What splits them; only ``none``, as for lm-eval.
    """

    reasoning_model: bool | Literal["auto"] = "auto"
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    logprobs: bool = False
    top_logprobs: int | None = None
    response_format: dict[str, Any] | None = None
    batch_size: int = 1
    tokenized_requests: bool = False
    tokenizer_backend: Literal["none"] | None = None

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: A value is outside of its own.
        """
        if self.top_logprobs is not None and self.top_logprobs < 0:
            raise OptionError(
                f"top_logprobs must be 0 or more, got {self.top_logprobs}"
            )
        if self.batch_size != 1:
            raise OptionError(
                "batch_size must be 1: a chat request holds one conversation; "
                "num_concurrent has several requests in flight"
            )
        if self.tokenized_requests:
            raise OptionError(
                "tokenized_requests must be false: a chat endpoint takes texts; "
                "use --model openai-completions"
            )


@dataclass(kw_only=True, eq=False)
class OpenAIChat(OpenAIEndpoint):
    """Asks ``POST <base_url>/chat/completions``; texts and media.

    Its arguments are those of OpenAIEndpoint, and what only a chat can be asked for.

    Attributes:
        chat: What only a chat endpoint can be asked for.
        messages: How messages and the media in them are sent.
        tools: Which tools the model may call.
    """

    argument_remedies: ClassVar[Mapping[str, str]] = {
        **FOREIGN_ARGUMENTS,
        "tokenizer": (
            "the endpoint splits prompts itself; say counting_tokenizer=... to have "
            "tokens counted that it does not tell of"
        ),
    }

    chat: ChatSettings = field(default_factory=ChatSettings, metadata=GROUPED)
    messages: MessageSettings = field(default_factory=MessageSettings, metadata=GROUPED)
    tools: ToolSettings = field(default_factory=ToolSettings, metadata=GROUPED)

    path: ClassVar[str] = "/chat/completions"
    toolbox: Toolbox | None = field(init=False, repr=False)
    _format: MessageFormat = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Settle what the endpoint is like.

        Raises:
            OptionError: The settings contradict each other, or one makes no sense.
        """
        super().__post_init__()
        self._format = MessageFormat(self.messages)
        self.toolbox = self.tools.toolbox()
        if not self.is_reasoning_model:
            return
        for name in ("temperature", "top_p"):
            if getattr(self.sampling, name) is not None:
                raise OptionError(
                    f"{self.model!r} is a reasoning model, which takes no {name}; leave "
                    "it out, or say reasoning_model=false"
                )

    @cached_property
    def is_reasoning_model(self) -> bool:
        """Whether the model is one of OpenAI's reasoning models, told or by its name."""
        told = self.chat.reasoning_model
        if told != "auto":
            return told
        name = self.model.lower().rpartition("/")[2]
        return _REASONING_NAME.match(name) is not None

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about, secrets masked."""
        is_reasoning = self.is_reasoning_model
        server = self.tools.mcp_server
        return {
            **super().describe(),
            "reasoning_model": is_reasoning,
            "max_tokens_field": self._max_tokens_field,
            "system_prompt": self._format.system_prompt,
            "mcp_server": server and masked_url(server),
            "not_sent": list(_REFUSED_BY_REASONING) if is_reasoning else [],
        }

    async def identity(self) -> Identity:
        """Tell what decides the answers: the model, whatever endpoint serves it."""
        usual = await super().identity()
        facts = {**usual.facts, "system_prompt": self._format.system_prompt}
        if not self.is_reasoning_model:
            return replace(usual, facts=facts)
        return Identity(facts=facts, temperature=None, heeds_temperature=False)

    async def aclose(self) -> None:
        """Close the connections, and end the tools and the threads for media."""
        await super().aclose()
        await self._format.aclose()
        if self.toolbox is not None:
            await self.toolbox.aclose()

    async def _prompt(self, request: Generate) -> dict[str, Any]:
        prepared = await self._format.prepare(request.messages)
        return _said(prepared, request)

    async def _prepared(self, request: Generate) -> PreparedBody:
        prepared = await self._format.prepare(request.messages)
        payload = self._payload(request, _said(prepared, request))
        if prepared.is_text:
            return PreparedBody(encode(payload), prepared.notes)
        # Megabytes of base64 would hold up every other request of the loop.
        body = await self._format.run(partial(encode, payload))
        return PreparedBody(body, prepared.notes, is_text=False)

    def _generation(self, request: Generate) -> dict[str, Any]:
        fields = super()._generation(request)
        if self.is_reasoning_model:
            for name in _REFUSED_BY_REASONING:
                fields.pop(name, None)
        fields[self._max_tokens_field] = fields.pop("max_tokens")
        if self.chat.logprobs or self.chat.top_logprobs is not None:
            fields["logprobs"] = True
        if self.chat.top_logprobs is not None:
            fields["top_logprobs"] = self.chat.top_logprobs
        if self.chat.response_format is not None:
            fields["response_format"] = self.chat.response_format
        return fields

    @cached_property
    def _max_tokens_field(self) -> str:
        if self.chat.max_tokens_field is not None:
            return self.chat.max_tokens_field
        return "max_completion_tokens" if self.is_reasoning_model else "max_tokens"

    def _spoken(self, choice: Mapping[str, Any]) -> Spoken:
        return spoken_in_chat(choice)


def _said(prepared: PreparedMessages, request: Generate) -> dict[str, Any]:
    said: dict[str, Any] = {"messages": prepared.messages}
    if request.tools:
        said["tools"] = [_tool(tool) for tool in request.tools]
    return said


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    if tool.is_strict is not None:
        function["strict"] = tool.is_strict
    return {"type": "function", "function": function}
