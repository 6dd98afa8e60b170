"""Models behind a server that is attached to, or started for the session."""

from __future__ import annotations

import asyncio
import shlex
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import ModelUnavailableError, OptionError
from pytest_evalkit.models.backend import Identity
from pytest_evalkit.models.connection import Connection
from pytest_evalkit.models.formats import MessageSettings
from pytest_evalkit.models.identity import (
    checkpoint_facts,
    content_of,
    deciding_settings,
)
from pytest_evalkit.models.launching import Launch
from pytest_evalkit.models.masking import masked, masked_url
from pytest_evalkit.models.openai_chat import ChatSettings, OpenAIChat
from pytest_evalkit.models.openai_completions import OpenAICompletions
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.models.parameters import GROUPED, settings_of
from pytest_evalkit.models.sampling import Sampling
from pytest_evalkit.models.tokenizing import Tokenization
from pytest_evalkit.models.tool_settings import ToolSettings
from pytest_evalkit.tools import Toolbox
from pytest_evalkit.values import (
    Generate,
    Loglikelihood,
    LoglikelihoodResponse,
    Response,
    RollingLoglikelihood,
)

LOOPBACK = "127.0.0.1"
# Settings that may be the name of a file whose content decides.
_NAMING_FILES = ("chat_template", "tokenizer", "tokenizer_path")


@dataclass(kw_only=True, eq=False)
class ServedEndpoint(ABC):
    """A model behind a server of one kind: its chat, and its completions.

    Attributes:
        model: The checkpoint to serve; or the model to ask for, where a server runs.
        base_url: Where a server runs; None to have one started for the session.
        command: What starts the server, in place of the usual command; the model and
            flags follow it.
        extra_args: Further flags of the server, as one would type them.
        startup_timeout: The most seconds until a server that is started is ready.
        stream: Whether answers come token by token, so that the first of them can be
            timed; ``auto`` where the run measures latency.
        extra_body: Further fields of every request, as the server calls them.
        max_length: For log-likelihoods, the most tokens the model takes, one of them
            generated; None for the length that the server is told, or else 2048.
        add_bos_token: For log-likelihoods, whether what the model expects around a text
            is added.
        connection: How the server is reached.
        sampling: Generation settings of a request that does not say otherwise.
        pacing: How fast the server is asked.
        chat: What only a chat endpoint can be asked for.
        messages: How messages and the media in them are sent.
        tools: Which tools the model may call.
    """

    argument_aliases: ClassVar[Mapping[str, str]] = {
        "pretrained": "model",
        "model_version": "model",
    }

    model: str
    base_url: str | None = None
    command: str | None = None
    extra_args: str = ""
    startup_timeout: float = 1800.0
    stream: bool | Literal["auto"] = "auto"
    extra_body: dict[str, Any] = field(default_factory=dict, repr=False)
    max_length: int | None = None
    add_bos_token: bool = False
    connection: Connection = field(default_factory=Connection, metadata=GROUPED)
    sampling: Sampling = field(default_factory=Sampling, metadata=GROUPED)
    pacing: Pacing = field(default_factory=Pacing, metadata=GROUPED)
    chat: ChatSettings = field(default_factory=ChatSettings, metadata=GROUPED)
    messages: MessageSettings = field(default_factory=MessageSettings, metadata=GROUPED)
    tools: ToolSettings = field(default_factory=ToolSettings, metadata=GROUPED)

    _url: str | None = field(init=False, repr=False, default=None)
    _streams: bool = field(init=False, repr=False, default=False)

    def __post_init__(self) -> None:
        """Settle whether there is a server.

        Raises:
            OptionError: The settings contradict each other.
            MissingPackageError: A server is to be started, and its package is missing.
        """
        if self.startup_timeout <= 0:
            raise OptionError(
                f"startup_timeout must be above 0, got {self.startup_timeout:g}"
            )
        if self.base_url is None:
            _ = self._starting
            return
        self._refuse_flags()
        self._url = self.base_url
        _ = self._chat, self._completions

    @property
    def model_name(self) -> str:
        """What the results call the model."""
        return self.model

    @property
    def needs_server(self) -> bool:
        """Whether a server has to be started."""
        return self._url is None

    @property
    def endpoint(self) -> str:
        """Where the server is; workers who ask the same one pause together."""
        return self._url or ""

    @property
    def toolbox(self) -> Toolbox | None:
        """The tools that the model may call, or None."""
        return self._chat.toolbox

    @property
    def stream_for_latency(self) -> bool:
        """True when the run measures latency."""
        return self._streams

    @stream_for_latency.setter
    def stream_for_latency(self, wanted: bool) -> None:
        self._streams = wanted
        if self._url is not None:
            self._chat.stream_for_latency = wanted

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about, secrets masked."""
        settings = settings_of(self)
        del settings["api_key"]
        if self.base_url is not None:
            settings["base_url"] = masked_url(self.base_url)
        proxy = self.connection.proxy
        settings["proxy"] = None if proxy is None else masked_url(proxy)
        return masked({**settings, "path": OpenAIChat.path})

    def launch(self, port: int) -> Launch:
        """Say how the server is started on a port of this machine."""
        return Launch(
            name=f"the server of model {self.model!r}",
            command=(
                *self._starting,
                *self._place(port),
                *flags(self._flags()),
                *shlex.split(self.extra_args),
            ),
            url=f"http://{LOOPBACK}:{port}",
            startup_timeout=self.startup_timeout,
        )

    def attach(self, url: str) -> None:
        """Ask the server at an address, given without a path, from now on."""
        self._url = f"{url}/v1"

    async def generate(self, request: Generate) -> Response:
        """Ask the server's chat once.

        Raises:
            ModelError: As ``OpenAIChat`` raises it, or no server was started.
        """
        return await self._chat.generate(request)

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        """Ask the server's completions how likely the continuation is.

        Raises:
            ModelError: As ``OpenAICompletions`` raises it, or no server was started.
        """
        return await self._completions.loglikelihood(request)

    async def rolling_loglikelihood(
        self, request: RollingLoglikelihood
    ) -> LoglikelihoodResponse:
        """Ask the server's completions how likely the text is.

        Raises:
            ModelError: As ``loglikelihood``.
        """
        return await self._completions.rolling_loglikelihood(request)

    async def identity(self) -> Identity:
        """Tell what decides the answers: the model, and how a server is told to run it.

        Raises:
            ModelUnavailableError: No server was started, or its checkpoint cannot be
                read.
        """
        chat = await self._chat.identity()
        facts = {"kind": type(self).__name__, **deciding_settings(self, "command")}
        for name in _NAMING_FILES:
            facts[name] = content_of(facts.get(name))
        facts["system_prompt"] = chat.facts["system_prompt"]
        if self.base_url is None:
            facts["model"] = await asyncio.to_thread(
                checkpoint_facts, self.model, facts.get("revision"), "config.json"
            )
        return replace(chat, facts=facts)

    async def aclose(self) -> None:
        """Close the connections; the server is ended by whoever started it."""
        if self._url is not None:
            await self._chat.aclose()
            await self._completions.aclose()

    @property
    @abstractmethod
    def _starting(self) -> tuple[str, ...]:
        """The command that starts a server, without the model.

        Raises:
            MissingPackageError: It is not installed.
        """

    @abstractmethod
    def _place(self, port: int) -> Sequence[str]:
        """Write the model, the address and the port as arguments of the command."""

    @abstractmethod
    def _flags(self) -> Mapping[str, Any]:
        """List the settings of the server, as it calls them."""

    @property
    @abstractmethod
    def _longest(self) -> int | None:
        """The length that the server is told, or None."""

    def _refuse_flags(self) -> None:
        """Refuse what a server that runs already cannot be told.

        Raises:
            OptionError: There is such a thing.
        """
        told = list(self._flags())
        told += ["command"] if self.command is not None else []
        told += ["extra_args"] if self.extra_args else []
        if told:
            raise OptionError(
                f"{told[0]} is for a server that is started, and base_url "
                "names one that runs; give one of them"
            )

    @cached_property
    def _chat(self) -> OpenAIChat:
        chat = OpenAIChat(
            **self._common(),
            stream=self.stream,
            chat=self.chat,
            messages=self.messages,
            tools=self.tools,
        )
        chat.stream_for_latency = self._streams
        return chat

    @cached_property
    def _completions(self) -> OpenAICompletions:
        length = self.max_length or self._longest
        tokenization = Tokenization(add_bos_token=self.add_bos_token)
        if length is not None:
            tokenization = replace(tokenization, max_length=length)
        return OpenAICompletions(**self._common(), tokenization=tokenization)

    def _common(self) -> dict[str, Any]:
        if self._url is None:
            raise ModelUnavailableError(
                f"no server was started for model {self.model!r}; name it with --model, "
                "or give base_url of one that runs"
            )
        connection = self.connection
        if self.base_url is None and connection.api_key is None:
            # A key in the environment is not for this server.
            connection = replace(connection, api_key="")
        return {
            "model": self.model,
            "base_url": self._url,
            "extra_body": self.extra_body,
            "connection": connection,
            "sampling": self.sampling,
            "pacing": self.pacing,
        }


def settings_told(settings: Any) -> dict[str, Any]:
    """List the settings of a server that differ from what it does by itself."""
    told = {one.name: getattr(settings, one.name) for one in fields(settings)}
    return {name: value for name, value in told.items() if value not in (None, False)}


def flags(settings: Mapping[str, Any]) -> list[str]:
    """Write settings as flags of a command.

    >>> flags({"max_model_len": 4096, "trust_remote_code": True})
    ['--max-model-len', '4096', '--trust-remote-code']
    """
    written: list[str] = []
    for name, value in settings.items():
        written.append("--" + name.replace("_", "-"))
        if isinstance(value, Mapping):
            written.append(encode(value).decode())
        elif value is not True:
            written.append(str(value))
    return written
